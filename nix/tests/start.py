import json

machine.wait_for_unit("heald.service")
machine.wait_until_succeeds("heald status --json | jq -e '.services[0].state == \"ready\"'", timeout=60)


def web():
    """The service as heald sees it."""
    return json.loads(machine.execute("heald status --json")[1])["services"][0]


def entries(kind):
    """The ledger's entries of a kind, newest first."""
    lines = machine.succeed(f"heald ledger list --json --limit 500 --kind {kind}").splitlines()
    return [json.loads(line) for line in lines if line]
