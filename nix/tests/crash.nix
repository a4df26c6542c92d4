# A service is killed, by hand and by the kernel; then heald itself, and its unit is restarted.
{ machine, start, ... }: {
  name = "heald-crash";
  nodes.machine = machine { services.heald.settings.channels.console = { }; };
  testScript = start + ''

    with subtest("what is killed runs again, and the ledger says so"):
        kill_it()
        shown("one")
        assert any(entry["data"].get("signal") == "SIGKILL" for entry in entries("service.exited"))
        assert entries("service.recovered")

    with subtest("the service outlives heald, killed or restarted, and is taken up again"):
        pid = web()["pid"]
        machine.succeed("systemctl kill -s KILL --kill-whom=main heald.service")
        until_ready()
        assert web()["pid"] == pid, "the same process"
        machine.succeed("systemctl restart heald.service")
        until_ready()
        assert web()["pid"] == pid, "the same process"
        assert entries("service.adopted")

    with subtest("a changed file is applied by a reload"):
        machine.succeed("systemctl reload heald.service")

    with subtest("the bot is a unit of its own, without rights, and tells of it"):
        machine.wait_for_unit("heald-bot.service")
        machine.succeed("test $(stat -c %U /var/lib/heald-bot) = heald-bot")
        machine.wait_until_succeeds("journalctl -u heald-bot.service | grep -i web", timeout=60)
        machine.fail("runuser -u heald-bot -- heald status")

    machine.succeed("heald ledger verify")
  '';
}
