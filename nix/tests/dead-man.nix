# heald dies in the middle of a switch and does not come back. What leads back then is outside of it.
{ machine, start, ... }: {
  name = "heald-dead-man";
  nodes.machine = machine {
    services.heald.settings = {
      services.web.target = "site";
      targets.site = { kind = "releases"; path = "/srv/site"; activationDeadline = "5s"; };
      # As short as it may be: the activation's deadline, the probation and a minute.
      switch = { probation = "25s"; passes = 2; deadMan = "90s"; };
    };
  };
  testScript = start + ''

    machine.wait_until_succeeds(
        "heald generations site --json | jq -e 'map(select(.current and .knownGood)) | length == 1'", timeout=120
    )
    machine.succeed("systemd-run --unit=deploy heald deploy site r3")
    machine.wait_until_succeeds(
        "heald ledger list --json --limit 50 --kind switch.probation | grep -q r3", timeout=60
    )
    assert machine.succeed("readlink /srv/site/current").strip().endswith("r3")

    with subtest("without heald, the target is led back"):
        machine.succeed("systemctl kill -s KILL --kill-whom=main heald.service; systemctl stop heald.service")
        machine.succeed("systemctl list-units 'heald-deadman-*' | grep -q running")
        machine.wait_until_succeeds("readlink /srv/site/current | grep -q r1", timeout=180)

    with subtest("it is learned of, once heald is back"):
        machine.succeed("systemctl start heald.service")
        machine.wait_until_succeeds("heald status --json | jq -e '.services[0].state == \"ready\"'", timeout=60)
        machine.wait_until_succeeds("heald ledger list --json --limit 50 --kind deadman.fired | grep -q site", timeout=60)
        machine.wait_until_succeeds("curl -fsS http://127.0.0.1:8080/words | grep one", timeout=60)

    machine.succeed("heald ledger verify")
  '';
}
