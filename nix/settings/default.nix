# Every key of the configuration as an option, under its own name (docs/configuration.md). test/nix/options.test.ts
# compares them with what heald reads, both ways, and each example with what heald accepts.
{ lib }:
let
  values = import ./values.nix { inherit lib; };
  inherit (values) key section;
in {
  host = key (values.matching "[a-z0-9]([a-z0-9.-]*[a-z0-9])?" "name of small letters, digits, dots and dashes") "web-1"
    "The name in messages and in the ledger; this machine's unless written.";
  tz = key values.text "Europe/Berlin" "The time zone people read times in.";
  services = values.named { options = import ./service.nix { inherit values lib; }; }
    { web = { run = [ "/run/current-system/sw/bin/node" "server.js" ]; cwd = "/srv/web"; }; } "What to run.";
  units = key (values.listOf values.units) [ "agent-*.service" ] "Units of systemd that are healed, each by its own name.";
  targets = values.named { options = import ./target.nix { inherit values lib; }; }
    { web = { kind = "releases"; path = "/srv/web"; }; } "What is switched and rolled back.";
  switch = section {
    probation = key values.duration "5m" "How long a new generation is watched before it counts as good.";
    passes = key (values.integer 1 1000) 3 "How often each check has to pass in that time.";
    deadMan = key values.duration "10m" "When something outside heald leads back, should heald not be there to do it.";
    budget = section {
      perHour = key (values.integer 0 1000) 1 "Automatic rollbacks of one target in an hour.";
      perDay = key (values.integer 0 1000) 4 "And in a day.";
    } { perHour = 1; } "How many automatic rollbacks a target may have.";
  } { probation = "5m"; } "How a new generation is tried.";
  ledger = section {
    fsync = key values.bool false "Whether each entry is on the disk before it counts.";
    redact = key (values.listOf values.text) [ "hunter2" ]
      "Texts that must never reach the ledger. They are in the Nix store, for everybody to read.";
    checkpointEvery = key values.duration "10s" "The least time between two signed checkpoints.";
    keep = key values.duration "365d" "How long entries are kept; older ones are pruned, in whole segments.";
    archive = key values.file "/mnt/archive/heald" "The folder they are archived in first; without it they are gone.";
  } { fsync = true; } "The record.";
  channels = section (import ./channels.nix { inherit values; })
    { telegram = { token.file = "/run/secrets/telegram"; chats = [ (-1001234567890) ]; }; } "Where people are told.";
  bot = section {
    run = key (values.enum [ "child" "unit" ]) "unit"
      "Whether heald starts the bot, or it is a unit of its own, which it is here unless written.";
    user = key values.user "heald-bot" "Whom it runs as, as heald's child; as a unit heald-bot and nobody else.";
    state = key values.file "/var/lib/heald-bot" "The folder of its own state, as heald's child; as a unit /var/lib/heald-bot and no other.";
  } { run = "unit"; } "How the process that serves the channels is run.";
} // import ./people.nix { inherit values; } // import ./notices.nix { inherit values; }
