# What can be told before a system is built. heald itself checks the rest when it reads the file.
{ lib, settings }:
let
  services = settings.services or { };
  targets = settings.targets or { };
  ways = probe: builtins.length (builtins.filter (way: probe ? ${way}) [ "http" "tcp" "exec" "file" "unit" ]);
  probesOf = place: map (key: { place = "${place}.${key.name}"; probe = key.value; });
  probes = lib.concatLists (lib.mapAttrsToList (name: service: probesOf "services.${name}"
    (map (key: lib.nameValuePair key service.${key})
      (builtins.filter (key: service ? ${key}) [ "health" "startup" "readiness" "liveness" ]))) services)
    ++ lib.concatLists (lib.mapAttrsToList (name: target: probesOf "targets.${name}"
      (lib.imap1 (n: probe: lib.nameValuePair "checks[${toString n}]" probe) (target.checks or [ ]))) targets);
  goodName = name: builtins.match "[a-z0-9][a-z0-9-]{0,62}" name != null;
  at = "services.heald.settings";
  bot = settings.bot or { };
  ofUnit = { user = "heald-bot"; state = "/var/lib/heald-bot"; };
in
  lib.mapAttrsToList (name: service: {
    assertion = goodName name && (service ? run) != (service ? unit);
    message = "${at}.services.${name}: needs run or unit, one of them, and a name of small letters, digits and dashes.";
  }) services
  ++ lib.mapAttrsToList (name: service: {
    assertion = !(service ? target) || targets ? ${service.target};
    message = "${at}.services.${name}.target: there is no target ${service.target or ""}.";
  }) services
  ++ lib.mapAttrsToList (name: service: {
    assertion = lib.all (other: services ? ${other}) (service.dependsOn or [ ]);
    message = "${at}.services.${name}.dependsOn: names a service that is not there.";
  }) services
  ++ lib.mapAttrsToList (name: target: {
    assertion = goodName name && target ? kind;
    message = "${at}.targets.${name}: needs kind, and a name of small letters, digits and dashes.";
  }) targets
  ++ map ({ place, probe }: {
    assertion = ways probe == 1;
    message = "${at}.${place}: needs exactly one of http, tcp, exec, file and unit.";
  }) probes
  ++ lib.mapAttrsToList (key: own: {
    assertion = (bot.run or "child") != "unit" || (bot.${key} or own) == own;
    message = "${at}.bot.${key}: the bot's unit has a user and a folder of its own (${own}); this is for run = \"child\".";
  }) ofUnit
  ++ [ {
    assertion = !(settings ? channels) || !(services ? bot);
    message = "${at}.services.bot: with channels, bot is heald's own name.";
  } ]
