import json
import time


def status():
    return json.loads(machine.execute("heald status --json")[1])


def web():
    """The one service."""
    return status()["services"][0]


def entries(kind):
    """The ledger's entries of a kind, newest first."""
    lines = machine.succeed(f"heald ledger list --json --limit 500 --kind {kind}").splitlines()
    return [json.loads(line) for line in lines if line]


def current(target):
    """The generation of a target that runs and is known to be good, if there is one."""
    told = json.loads(machine.succeed(f"heald generations {target} --json"))
    return [it for it in told if it["current"] and it["knownGood"]]


def until(what, is_so, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return
        # Until heald answers there is nothing to be read.
        except (ValueError, KeyError):
            pass
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def until_ready():
    until("the service is ready", lambda: web()["state"] == "ready")


def kill_it():
    before = web()["pid"]
    machine.succeed(f"kill -9 {before}")
    until("another process is ready", lambda: web()["state"] == "ready" and web()["pid"] != before)


def shown(words):
    machine.wait_until_succeeds(f"curl -fsS http://127.0.0.1:8080/words | grep {words}", timeout=60)


machine.wait_for_unit("heald.service")
until_ready()
