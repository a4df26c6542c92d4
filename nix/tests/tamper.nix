# Somebody who is root changes the ledger, cuts its end off, and writes it anew.
{ machine, start, ... }: {
  name = "heald-tamper";
  nodes.machine = machine { };
  testScript = start + ''

    segment = "/var/lib/heald/ledger/seg/000000000000.jsonl"
    for _ in range(2):
        kill_it()
    machine.succeed("heald ledger checkpoint > /tmp/kept")
    machine.succeed("heald ledger verify --checkpoint /tmp/kept")
    machine.succeed("systemctl stop heald.service")
    machine.succeed("cp -a /var/lib/heald/ledger /tmp/ledger")

    with subtest("a changed line is named"):
        machine.succeed(f"sed -i '4s/\"pid\":[0-9]*/\"pid\":1/' {segment}")
        code, told = machine.execute("heald ledger verify --json")
        verdict = json.loads(told)
        assert code == 1 and not verdict["ok"], told
        assert verdict["firstBad"]["seq"] == 3, told

    with subtest("a missing end is noticed by what was kept elsewhere"):
        machine.succeed("rm -rf /var/lib/heald/ledger && cp -a /tmp/ledger /var/lib/heald/ledger")
        machine.succeed(f"head -n 5 {segment} > /tmp/short && cat /tmp/short > {segment}")
        machine.succeed("rm -rf /var/lib/heald/ledger/head /var/lib/heald/ledger/tree /var/lib/heald/ledger/checkpoint")
        machine.fail("heald ledger verify --checkpoint /tmp/kept")

    with subtest("what heald finds at its start is an incident"):
        machine.succeed("rm -rf /var/lib/heald/ledger && cp -a /tmp/ledger /var/lib/heald/ledger")
        machine.succeed(f"head -n 5 {segment} > /tmp/short && cat /tmp/short > {segment}")
        machine.succeed("systemctl start heald.service")
        until("an incident is open", lambda: status()["incidents"]["open"] > 0)
        assert entries("integrity.alert")
  '';
}
