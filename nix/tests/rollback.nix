# The system is switched to one in which the service can't start. heald leads it back.
{ machine, start, ... }: {
  name = "heald-rollback";
  nodes.machine = machine ({ lib, ... }: {
    services.heald.settings = {
      services.web = { cwd = lib.mkForce "/etc/site"; target = "system"; crashLoop = { failures = 3; within = "30s"; }; };
      targets.system = { kind = "nixos"; activationDeadline = "2m"; };
      switch = { probation = "10s"; passes = 2; };
    };
    environment.etc."site/words".text = lib.mkDefault "one";
    # Somebody forgot to pack it.
    specialisation.broken.configuration.environment.etc."site/words".enable = false;
    specialisation.better.configuration.environment.etc."site/words".text = "better";
  });
  testScript = start + ''

    good = machine.succeed("readlink -f /run/current-system").strip()
    better = machine.succeed("readlink -f /run/current-system/specialisation/better").strip()
    broken = machine.succeed("readlink -f /run/current-system/specialisation/broken").strip()
    # The machines of tests have no profile yet.
    machine.succeed(f"nix-env --profile /nix/var/nix/profiles/system --set {good}")
    until("the system is known to be good", lambda: len(current("system")) == 1, 120)

    with subtest("what is broken is rolled back, and quarantined"):
        machine.fail(f"heald deploy system {broken}")
        assert machine.succeed("readlink -f /run/current-system").strip() == good
        assert machine.succeed("readlink -f /nix/var/nix/profiles/system").strip() == good
        shown("one")
        assert [entry["data"]["path"] for entry in entries("generation.quarantined")] == [broken]
        assert entries("rollback.verified")

    with subtest("it is refused from then on"):
        code, _ = machine.execute(f"heald deploy system {broken}")
        assert code == 3, code

    with subtest("what is well is committed: a reboot would lead to it"):
        machine.succeed(f"heald deploy system {better}")
        assert machine.succeed("readlink -f /nix/var/nix/profiles/system").strip() == better
        shown("better")

    machine.succeed("heald ledger verify")
  '';
}
