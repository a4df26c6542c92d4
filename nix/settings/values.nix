# The single values that the configuration is made of, as types. They refuse what heald would refuse for its form; what
# concerns several keys at once is checked by heald itself when it reads the file (`heald config check`).
{ lib }:
let
  inherit (lib) mkOption types;

  described = description: type: type // { inherit description; };
  matching = pattern: description: described description (types.strMatching pattern);
  oneOrMany = type: types.either type (types.listOf type);
in rec {
  # A key that may be left out. What is left out is not written, so that heald's own default applies, whichever it is in
  # the version that reads it.
  key = type: example: description: mkOption {
    type = types.nullOr type;
    default = null;
    inherit example description;
  };
  # A map of keys that may be left out with all of them.
  section = keys: example: description: mkOption {
    type = types.nullOr (types.submodule { options = keys; });
    default = null;
    inherit example description;
  };
  named = module: example: description: mkOption {
    type = types.attrsOf (types.submodule module);
    default = { };
    inherit example description;
  };
  list = keys: example: description: mkOption {
    type = types.nullOr (types.listOf (types.submodule { options = keys; }));
    default = null;
    inherit example description;
  };

  inherit matching;
  inherit (types) bool listOf;
  text = types.nonEmptyStr;
  integer = types.ints.between;
  inherit (types) enum;

  duration = described "duration with its unit, like 500ms, 2s, 1m30s or 24h, or 0" (types.either
    (types.enum [ 0 ])
    (types.strMatching "0|([0-9]+([.][0-9]+)? *(d|h|m|s|ms) *)+"));
  size = described "size, like 64KiB, 512MiB or 1GiB, or a number of bytes" (types.either
    types.ints.positive
    (types.strMatching "[0-9]+([.][0-9]+)? *([kKmMgGtT]([iI]?[bB])?|[kKmMgGtT][iI])?|[0-9]+ *[bB]"));

  # No path of Nix: it would be copied into the store, and what is in the store does not change.
  file = matching "/.*" "absolute path in quotes";
  # One that nobody else may read has no place in the store either.
  secretFile = described "absolute path in quotes, outside of the Nix store" (types.addCheck file
    (path: !lib.hasPrefix builtins.storeDir path));

  command = described "command: a line of words, or a list of them" (types.either text (types.nonEmptyListOf types.str));
  user = matching "[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}[$]?" "name of a user";
  name = matching "[a-z0-9][a-z0-9-]{0,62}" "name of small letters, digits and dashes";
  names = types.listOf name;
  pattern = matching "[a-z0-9*-]{1,63}" "name of a service, with * for any characters";
  channel = types.enum [ "telegram" "discord" "slack" "whatsapp" "console" ];
  channels = described "name of a channel, or a list of them" (oneOrMany channel);
  signal = types.enum [ "SIGTERM" "SIGINT" "SIGQUIT" "SIGHUP" "SIGUSR1" "SIGUSR2" "SIGWINCH" "SIGKILL" ];
  http = matching "https?://[^@]+" "http or https URL without a password in it";
  address = matching "(\\[[0-9a-fA-F:.]+]|[A-Za-z0-9._-]+):[0-9]{1,5}" "host:port";

  chatNumber = described "number of a chat" (types.either types.int (types.strMatching "-?[0-9]+"));
  account = described "number of an account" (types.either types.ints.positive (types.strMatching "[1-9][0-9]{0,15}"));
  unit = matching "[A-Za-z0-9:_.\\\\@-]{1,240}[.]service" "name of a systemd service, like agent.service";
  units = matching "[][A-Za-z0-9:_.\\\\@*?!-]{1,240}[.]service" "pattern of systemd services, like agent-*.service";
  some = what: type: described "${what}, or a list of them" (oneOrMany type);
  clock = matching "([01]?[0-9]|2[0-3]):[0-5][0-9]" "time of day, like 08:00";
  hours = matching "([01]?[0-9]|2[0-3]):[0-5][0-9] *- *([01]?[0-9]|2[0-3]):[0-5][0-9]" "two times of day, like 22:00-07:00";
  moment = matching "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?" "moment, like 2026-11-30T22:00 or 2026-11-30T22:00Z";
  cron = matching "@(hourly|daily|weekly|monthly|yearly)|[^ ]+( +[^ ]+){4}" "minute, hour, day, month and weekday";
}
