// What units may not do. nix/confinement.nix says the same for NixOS, and explains more of it.

/** Of heald itself, whose services inherit it. */
export const OPEN = `# Services inherit what follows, so only the machine as a whole is out of reach: its clock, modules, kernel, swap and ports.
# Left out: ProtectSystem, ProtectHome, PrivateTmp, ProtectKernelTunables, ProtectKernelModules and ProtectHostname (each
# comes with a file system of heald's own, and nobody else would see what a service mounts), devices (before systemd 253
# ProtectClock shuts them out too), UMask (services' files are for others too), users, NoNewPrivileges and capabilities
# (services have users, and call sudo or ping), RestrictSUIDSGID (folders that hand on their group), the network and its
# addresses, namespaces (browsers, containers), memory that is written and executed (JIT), the kernel's log (it tells who
# was killed for lack of memory). Of SystemCallFilter: @clock (reading how well the clock is kept is the same call as
# setting it), @reboot (a container's own init calls it), @mount, @debug, @privileged and @resources (services' own work).
CapabilityBoundingSet=~CAP_SYS_TIME CAP_WAKE_ALARM CAP_SYS_MODULE
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=~@cpu-emulation @module @obsolete @raw-io @swap kexec_load kexec_file_load
`

/** Of whoever needs the network and a folder at most. MemoryDenyWriteExecute is out: V8 compiles as it runs. */
export const CONFINED = `UMask=0077
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
PrivateDevices=yes
DevicePolicy=closed
PrivateIPC=yes
PrivateUsers=yes
PrivateTmp=yes
RemoveIPC=yes
KeyringMode=private
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
`

/** Further, of all but the browser. */
export const CLOSED = `ProcSubset=pid
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
`

/** Chromium shuts its own children in, which takes namespaces and the calls that make them; it looks at the network's devices. */
export const BROWSER = `RestrictNamespaces=user pid net
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallFilter=@system-service chroot seccomp
SystemCallFilter=~@resources
`
