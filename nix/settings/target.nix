{ values, lib }:
let inherit (values) key; in {
  kind = key (values.enum [ "releases" "nix-profile" "nixos" ]) "releases" "What it is. Required.";
  path = key values.file "/srv/web" "Of releases: the folder with `releases/` and the link `current`.";
  profile = key values.file "/nix/var/nix/profiles/web" "Of Nix: the link of the profile.";
  running = key values.file "/run/current-system" "Of nixos: the link to what runs.";
  activate = key values.command [ "bin/activate" ] "A command that runs in the generation after each move.";
  user = key values.user "web" "Of releases: whom that command runs as.";
  activationDeadline = key values.duration "60s" "How long an activation may take.";
  blameWindow = key values.duration "24h" "How long after its commit a generation is blamed for a crash loop.";
  irreversible = key (lib.types.either values.bool (lib.types.listOf values.text)) [ "2026-01-31" ]
    "Never rolled back from on its own: true, or a list of generations.";
  keepGood = key (values.integer 1 10) 3 "How many known-good generations are kept.";
  checks = values.list (import ./probe.nix { inherit values; }) [ { tcp = "127.0.0.1:8080"; } ]
    "Asked beside the checks of its services.";
}
