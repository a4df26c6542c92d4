# What the units may not do. Each line that is missing from the usual list is explained.
{ lib }:
{
  # What heald's unit may not do, its services may not do either: they are its children, in its namespaces and below its
  # limits. (What it activates is not: an activation is a unit of its own.) So only that is taken away which no service
  # can want, and the rest stays:
  # - File systems, /tmp, /proc and namespaces (Protect…, Private…, RestrictNamespaces): the services' own.
  # - Devices: PrivateDevices, and ProtectClock, which before systemd 253 shuts out all of them.
  # - ProtectControlGroups: heald makes groups for its services. ProtectKernelLogs: it reads there who was out of memory.
  # - NoNewPrivileges, and most capabilities: a service may be another user, and may call sudo.
  # - RestrictSUIDSGID: a folder that hands on its group has such a bit.
  # - MemoryDenyWriteExecute: Node compiles while it runs. RestrictAddressFamilies: nobody knows what services speak.
  core = {
    LockPersonality = true;
    SystemCallArchitectures = "native";
    RestrictRealtime = true;
    ProtectHostname = true;
    ProtectKernelModules = true;
    # The clock, as ProtectClock does it, with the devices left alone.
    CapabilityBoundingSet = [ "~CAP_SYS_TIME CAP_WAKE_ALARM" ];
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
