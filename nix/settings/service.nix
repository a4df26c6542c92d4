{ values, lib }:
let
  inherit (values) key section;
  check = section (import ./probe.nix { inherit values; }) { http = "http://127.0.0.1:8080/healthz"; };
in {
  run = key values.command [ "/run/current-system/sw/bin/node" "server.js" ] "The command; no shell reads it. Either this or `unit`.";
  unit = key values.unit "agent.service" "A unit of systemd instead of a command: systemd starts it, heald heals it.";
  cwd = key values.file "/srv/web/current" "Where it runs.";
  env = lib.mkOption {
    type = lib.types.attrsOf lib.types.str;
    default = { };
    example.PORT = "8080";
    description = "Its variables. They are in the Nix store, for everybody to read: no secrets.";
  };
  user = key values.user "web" "Whom it runs as; root unless written.";
  dependsOn = key values.names [ "database" ] "Services that have to be ready before it is started.";
  health = check "Whether it has come up and is alive, in one check.";
  startup = check "Whether it has come up.";
  readiness = check "Whether it can do its work.";
  liveness = check "Whether it is alive.";
  restart = section {
    backoff = section {
      first = key values.duration "0" "The pause before the first restart.";
      base = key values.duration "200ms" "The pause before the second; doubled for each further one.";
      cap = key values.duration "30s" "The longest pause, and the pace of the slow restarts in a crash loop.";
      resetAfter = key values.duration "60s" "After being ready this long, what was before is forgotten.";
    } { cap = "1m"; } "The pauses between restarts.";
  } { backoff.cap = "1m"; } "How it is restarted.";
  crashLoop = section {
    failures = key (values.integer 2 1000) 5 "How many failures mean that restarting will not cure it.";
    within = key values.duration "2m" "In which time.";
  } { failures = 5; within = "2m"; } "What counts as a crash loop.";
  stop = section {
    signal = key values.signal "SIGINT" "The signal that asks it to end.";
    timeout = key values.duration "20s" "When its whole tree is killed.";
  } { signal = "SIGINT"; } "How it is stopped.";
  limits = section {
    memory = key values.size "512MiB" "How much memory it may use.";
    pids = key (values.integer 1 4194304) 100 "How many processes it may have.";
  } { memory = "512MiB"; } "What it may use; heald refuses what this host can't keep.";
  logs = section {
    maxBytes = key values.size "10MiB" "The size at which a log file is rotated.";
    keep = key (values.integer 0 100) 3 "How many old ones are kept.";
  } { keep = 5; } "Its log files.";
  critical = key values.bool true "Whether each of its failures is critical from the first moment.";
  target = key values.name "web" "The target that is rolled back when it crash-loops.";
}
