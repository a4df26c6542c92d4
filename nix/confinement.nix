# What the units may not do. Each line that is missing from the usual list is explained.
{ lib }:
{
  # What heald's unit may not do, its services may not do either: they are its children, in its namespaces and below its
  # limits. (What it activates is not: an activation is a unit of its own.) So only what belongs to the machine as a whole
  # is taken away: its clock, modules, kernel, swap and ports. The rest stays:
  # - Whatever gives heald a file system of its own: Protect…, Private…, ProtectKernelModules and ProtectKernelTunables (a
  #   VPN sets tunables, too) among them, and ProtectHostname. Nobody else would see what a service mounts there, and no
  #   container could be given a name. The capability and the calls that load modules are taken away below.
  # - Namespaces (RestrictNamespaces): browsers and containers make some.
  # - Devices: PrivateDevices, and ProtectClock, which before systemd 253 shuts out all of them.
  # - ProtectControlGroups: heald makes groups for its services. ProtectKernelLogs: it reads there who was out of memory.
  # - UMask: what a service writes is for others, too; services inherit it. heald's own is in closed folders.
  # - NoNewPrivileges, and most capabilities: a service may be another user, and may call sudo or ping.
  # - RestrictSUIDSGID: a folder that hands on its group has such a bit.
  # - MemoryDenyWriteExecute: Node compiles while it runs. RestrictAddressFamilies, IPAddressDeny: nobody knows what services
  #   speak, and with whom.
  # - KeyringMode: private is what units have anyway.
  # - Of SystemCallFilter, as services do it: @clock (who reads how well the clock is kept makes the same call; to set it
  #   takes the capability, which is gone), @reboot (the init of a container calls it, and ends the container alone), @mount,
  #   @debug (crash handlers), @privileged and @resources (to be another user, to be nice). A no is EPERM, not a kill.
  core = {
    # The clock, as ProtectClock does it, with the devices left alone; modules as ProtectKernelModules does it.
    CapabilityBoundingSet = [ "~CAP_SYS_TIME CAP_WAKE_ALARM CAP_SYS_MODULE" ];
    LockPersonality = true;
    RestrictRealtime = true;
    SystemCallArchitectures = "native";
    SystemCallErrorNumber = "EPERM";
    SystemCallFilter = [ "~@cpu-emulation @module @obsolete @raw-io @swap kexec_load kexec_file_load" ];
  };

  # The bot needs its own folder, heald's socket beside it and the network, and nothing else. Who tells that heald stays
  # down needs the network alone. The browser of WhatsApp, a unit of its own, needs more.
  # - MemoryDenyWriteExecute: Node compiles while it runs.
  # - IPAddressDeny: the platforms have no fixed addresses.
  confined = { hasBrowser }: {
    CapabilityBoundingSet = [ "" ];
    AmbientCapabilities = [ "" ];
    DevicePolicy = "closed";
    KeyringMode = "private";
    LockPersonality = true;
    NoNewPrivileges = true;
    PrivateDevices = true;
    PrivateIPC = true;
    PrivateTmp = true;
    PrivateUsers = true;
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHome = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectProc = "invisible";
    ProtectSystem = "strict";
    RemoveIPC = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    SystemCallErrorNumber = "EPERM";
    UMask = "0077";
  } // (if hasBrowser then {
    # Chromium confines its own processes with user namespaces and chroot, looks at /proc, and at the network's devices.
    RestrictNamespaces = "user pid net";
    RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" "AF_NETLINK" ];
    SystemCallFilter = [ "@system-service chroot seccomp" "~@resources" ];
  } else {
    ProcSubset = "pid";
    RestrictNamespaces = true;
    RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
    SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
  });
}
