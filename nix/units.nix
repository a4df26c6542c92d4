# heald's unit, the bot's, WhatsApp's, and who tells that heald stays down, from the settings. `heald install` writes the same
# (core/install/unit-text.ts), setting by setting.
{ lib, pkgs, config, cfg, settings, configFile, hasBot, credentials, alarm }:
let
  tryAgain = lib.concatStringsSep " " [
    ''failed=0 next=1 same=0 before=;''
    ''while :; do now=$(systemctl show --property=ActiveState --property=InvocationID heald.service);''
    ''case $now in''
    ''*=failed*) failed=$((failed + 1)) same=0;''
    ''if [ $failed -ge $next ]; then next=$((next * 2)); systemctl start --no-block heald-failed.service; fi;''
    ''sleep 600; systemctl is-failed --quiet heald.service || continue;''
    ''systemctl reset-failed heald.service; systemctl start --no-block heald.service ;;''
    ''*=inactive*) exit 0 ;;''
    ''*=active*) if [ "$now" = "$before" ]; then same=$((same + 1)); else same=0; fi;''
    ''if [ $same -ge 10 ]; then break; fi; before=$now; sleep 60 ;;''
    ''*) before=; sleep 60 ;;''
    ''esac; done;''
    ''[ $failed = 0 ] || exec systemctl start --no-block heald-back.service''
  ];
  confinement = import ./confinement.nix { inherit lib; };
  heald = lib.getExe cfg.package;
  hasWhatsApp = settings.channels ? whatsapp;
  socketPath = "/run/heald-whatsapp.sock";
  quoted = import ./quoted.nix { inherit lib; };
  # One request, without ledger, bot or configuration: when systemd has given up, and once heald is back.
  tell = { description, command }: {
    inherit description;
    documentation = [ "man:heald(1)" ];
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    # Another system is no reason to tell it twice.
    restartIfChanged = false;
    # The network may come late.
    startLimitIntervalSec = 1800;
    unitConfig.StartLimitBurst = 10;
    serviceConfig = {
      ExecStart = command;
      Restart = "on-failure";
      RestartSec = 30;
      RuntimeMaxSec = 60;
      LoadCredential = [ "token:${alarm.secret}" ];
      DynamicUser = true;
    } // confinement.confined { hasBrowser = false; };
  };
in {
  heald = {
    description = "heald: heals the services of this host, and records every step";
    documentation = [ "man:heald(1)" ];
    wantedBy = [ "multi-user.target" ];
    after = [ "network.target" "dbus.service" ];
    # systemd gives up only where somebody is told. The window holds ten of the slowest failures.
    startLimitIntervalSec = if alarm == null then 0 else 1800;
    unitConfig = lib.optionalAttrs (alarm != null) { StartLimitBurst = 10; };
    onFailure = lib.optional (alarm != null) "heald-again.service";
    # Services run on while it is exchanged, and it takes them up again.
    stopIfChanged = false;
    reloadTriggers = [ configFile ];
    path = [ pkgs.bash pkgs.coreutils pkgs.util-linux pkgs.getent ]
      ++ lib.optional config.nix.enable config.nix.package ++ cfg.path;
    # From systemd 254 on heald can limit the memory of services so, by the group that it has for itself.
    environment.HEALD_DELEGATED = "1";
    serviceConfig = {
      # It says when it stands, and that it is not stuck, by systemd-notify, which NixOS puts on the path of each unit.
      Type = "notify";
      NotifyAccess = "main";
      TimeoutStartSec = 90;
      WatchdogSec = 60;
      ExecStart = "${heald} up --config /etc/heald/heald.yaml";
      ExecReload = "${heald} reload";
      Restart = "always";
      RestartSec = 1;
      # After "heald down".
      RestartPreventExitStatus = 125;
      SuccessExitStatus = 125;
      StateDirectory = "heald";
      StateDirectoryMode = "0700";
      # The bot has to pass, to its own socket; that of heald is for its owner alone.
      RuntimeDirectory = "heald";
      RuntimeDirectoryMode = "0711";
      RuntimeDirectoryPreserve = "restart";
      # Its end is not the end of the services, nor of an activation.
      KillMode = "process";
      TimeoutStopSec = 20;
      # A control group for each service, beside that of heald itself.
      Delegate = true;
      DelegateSubgroup = "heald";
      # One service that is out of memory is healed; it is not the end of all.
      OOMPolicy = "continue";
      LimitNOFILE = 524288;
      TasksMax = "infinity";
    } // lib.optionalAttrs (!hasBot && cfg.environmentFiles != [ ]) { EnvironmentFile = cfg.environmentFiles; }
      // confinement.core;
  };

  # Before all that wait for sysinit.target, and without heald's own Node: what the switch was in the middle of may be what
  # broke it.
  recover = {
    description = "Leads back what was being switched when the machine went down";
    documentation = [ "man:heald(1)" ];
    wantedBy = [ "sysinit.target" ];
    after = [ "local-fs.target" ];
    before = [ "sysinit.target" "heald.service" "shutdown.target" ];
    restartIfChanged = false;
    unitConfig = {
      DefaultDependencies = false;
      Conflicts = "shutdown.target";
      RequiresMountsFor = "/var/lib/heald";
      ConditionPathExistsGlob = "/var/lib/heald/switch/*/deadman";
    };
    serviceConfig = {
      Type = "oneshot";
      TimeoutStartSec = "5min";
      # Each was armed with what it needs, in a file beside its record.
      ExecStart = "${pkgs.bash}/bin/sh -c 'for record in /var/lib/heald/switch/*/deadman; do "
        + "read -r id < \"$$record\" && [ -e \"$$record.boot.$$id\" ] && ${pkgs.bash}/bin/sh \"$$record.boot.$$id\"; done; exit 0'";
    };
  };

  bot = {
    description = "heald's bot: relays notices to chats";
    documentation = [ "man:heald(1)" ];
    wantedBy = [ "multi-user.target" ];
    wants = [ "network-online.target" ] ++ lib.optional hasWhatsApp "heald-whatsapp.socket";
    after = [ "heald.service" "network-online.target" ] ++ lib.optional hasWhatsApp "heald-whatsapp.socket";
    environment = lib.optionalAttrs hasWhatsApp { HEALD_WHATSAPP = socketPath; };
    startLimitIntervalSec = 0;
    # It asks for its channels once, when it starts.
    restartTriggers = [ (builtins.toJSON settings.channels) ] ++ cfg.environmentFiles;
    serviceConfig = {
      ExecStart = "${heald} bot --socket /run/heald/bot.sock --folder /var/lib/heald-bot";
      User = "heald-bot";
      Restart = "always";
      RestartSec = 1;
      # A request under way may take 10 s, its connections 5 more.
      TimeoutStopSec = 20;
      LoadCredential = credentials;
      EnvironmentFile = cfg.environmentFiles;
      MemoryMax = "512M";
      TasksMax = 64;
      StateDirectory = "heald-bot";
      StateDirectoryMode = "0700";
    } // confinement.confined { hasBrowser = false; };
  };

  # Where the bot reaches WhatsApp. Two browsers would spoil the session that they share: one connection at a time.
  whatsAppSocket = {
    description = "Where heald's bot reaches WhatsApp";
    wantedBy = [ "sockets.target" ];
    socketConfig = {
      ListenStream = socketPath;
      SocketUser = "heald-bot";
      SocketMode = "0600";
      RemoveOnStop = true;
      Accept = true;
      MaxConnections = 1;
    };
  };

  # One for each connection. Of the bot it takes orders, but no program and no folder.
  whatsApp = {
    description = "WhatsApp of heald's bot, in a browser";
    # The bot has another one started when it ends.
    restartIfChanged = false;
    unitConfig.CollectMode = "inactive-or-failed";
    environment = { HOME = "/var/lib/heald-whatsapp"; LANG = "C.UTF-8"; };
    serviceConfig = {
      ExecStart = lib.concatStringsSep " " (
        [ "${cfg.package}/libexec/heald-whatsapp" ]
        ++ map quoted ([ "/var/lib/heald-whatsapp" settings.channels.whatsapp.browser ]
          ++ settings.channels.whatsapp.browserArgs or [ ])
      );
      User = "heald-whatsapp";
      # Its signs of life come from a process of their own, systemd-notify.
      WatchdogSec = 60;
      NotifyAccess = "all";
      WatchdogSignal = "SIGKILL";
      TimeoutStopSec = 5;
      StateDirectory = "heald-whatsapp";
      StateDirectoryMode = "0700";
      MemoryMax = "768M";
      TasksMax = 512;
    } // confinement.confined { hasBrowser = true; };
  };

  down = tell { description = "Tells people that heald stays down"; command = alarm.down; };
  back = tell { description = "Tells people that heald is back"; command = alarm.back; };

  # Begins when systemd has given up: what a person would do, each 10 minutes; tells of it more and more rarely, and of the end.
  again = {
    description = "Starts heald again some time after systemd has given up";
    documentation = [ "man:heald(1)" ];
    # Who switches to another system would wait for the end of its sleep.
    restartIfChanged = false;
    startLimitIntervalSec = 0;
    serviceConfig = {
      Type = "oneshot";
      # What it calls is on the path of each unit.
      ExecStart = "${pkgs.bash}/bin/sh -c ${quoted tryAgain}";
    };
  };
}
