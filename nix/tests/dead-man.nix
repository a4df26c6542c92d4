# heald dies in the middle of a switch and does not come back. What leads back then is outside of it.
{ machine, start, ... }: {
  name = "heald-dead-man";
  nodes.machine = machine {
    services.heald.settings = {
      services.web.target = "site";
      targets.site = { kind = "releases"; path = "/srv/site"; activationDeadline = "3s"; };
      # As short as it may be: the activation's deadline, the probation and a minute.
      switch = { probation = "12s"; passes = 2; deadMan = "75s"; };
    };
  };
  testScript = start + ''

    until("r1 is known to be good", lambda: len(current("site")) == 1, 120)
    machine.succeed("systemd-run --unit=deploy heald deploy site r3")
    until("r3 is on probation", lambda: any(it["data"]["to"]["generation"] == "r3" for it in entries("switch.probation")))
    assert machine.succeed("readlink /srv/site/current").strip().endswith("r3")

    with subtest("without heald, the target is led back"):
        machine.succeed("systemctl kill -s KILL --kill-whom=main heald.service; systemctl stop heald.service")
        assert "running" in machine.succeed("systemctl list-units 'heald-deadman-*'")
        until("r1 is back", lambda: machine.succeed("readlink /srv/site/current").strip().endswith("r1"), 180)

    with subtest("it is learned of, once heald is back"):
        machine.succeed("systemctl start heald.service")
        until_ready()
        until("it is on record", lambda: entries("deadman.fired"))
        shown("one")

    machine.succeed("heald ledger verify")
  '';
}
