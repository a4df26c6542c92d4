# What the two units may not do. Each line that is missing from the usual list is explained.
{ lib }:
{
  # What heald's unit may not do, its services may not do either: they are its children, in its namespaces and below its
  # limits. (What it activates is not: an activation is a unit of its own.) So only that is taken away which no service
  # can want, and the rest stays:
  # - File systems, /tmp, /dev, /proc and namespaces (Protect…, Private…, RestrictNamespaces): the services' own.
  # - ProtectControlGroups: heald makes groups for its services. ProtectKernelLogs: it reads there who was out of memory.
  # - NoNewPrivileges, and most capabilities: a service may be another user, and may call sudo.
  # - MemoryDenyWriteExecute: Node compiles while it runs. RestrictAddressFamilies: nobody knows what services speak.
  core = {
    LockPersonality = true;
    KeyringMode = "private";
    RestrictRealtime = true;
    ProtectClock = true;
    ProtectHostname = true;
    ProtectKernelModules = true;
    RestrictSUIDSGID = true;
  };

  # The bot needs its own folder, heald's socket beside it and the network, and nothing else.
  # - MemoryDenyWriteExecute: Node compiles while it runs.
  # - IPAddressDeny: the platforms have no fixed addresses.
  bot = { hasBrowser }: {
    CapabilityBoundingSet = [ "" ];
    AmbientCapabilities = [ "" ];
    DevicePolicy = "closed";
    KeyringMode = "private";
    LockPersonality = true;
    NoNewPrivileges = true;
    PrivateDevices = true;
    PrivateIPC = true;
    PrivateTmp = true;
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
    SystemCallFilter = [ "@system-service @mount chroot" "~@clock @module @raw-io @reboot @swap @obsolete @cpu-emulation" ];
  } else {
    PrivateUsers = true;
    ProcSubset = "pid";
    RestrictNamespaces = true;
    RestrictAddressFamilies = [ "AF_UNIX" "AF_INET" "AF_INET6" ];
    SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
  });
}
