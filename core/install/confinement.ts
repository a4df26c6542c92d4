// What units may not do. nix/confinement.nix says the same for NixOS, and explains more of it.

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
