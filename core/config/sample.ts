/** What `heald init` writes. It passes the check and runs as it is, on any host and as any user. */
export const SAMPLE = `# heald.yaml: what heald runs and heals on this host.
#
#   heald config check    finds every mistake, with its line and what to write instead
#   heald up              starts the services and heals them
#   heald reload          applies a changed file, all of it or nothing
#
# Durations have a unit: 500ms, 2s, 1m30s, 24h.  Sizes too: 64KiB, 512MiB, 1GiB.
# Relative paths start from the folder of this file.

# host: web-1               # the name in messages and in the ledger; left out: this machine's name
# tz: Europe/Berlin         # the time zone people read times in; left out: UTC

services:
  # A sample that tells the time. Put your own service in its place. Names: small letters, digits, dashes.
  clock:
    # The command, as a list or as a line of words. No shell reads it; if you need one: [sh, -c, "…"].
    run: [sh, -c, "while :; do date; sleep 5; done"]

    # cwd: /srv/app/current             # where it runs; left out: the folder of this file
    # env: { PORT: "8080" }             # its variables; it gets none of heald's own but PATH, HOME, USER and LANG
    # user: app                         # whom it runs as; heald has to run as root for that
    # dependsOn: [database]             # services to start before it

    # How heald finds out whether it works. Without it, only the end of the process is noticed. One of:
    # health: { http: "http://127.0.0.1:8080/healthz", every: 2s, timeout: 500ms, failures: 3, startup: 15s }
    # health: { tcp: "127.0.0.1:5432" }
    # health: { exec: [./check.sh] }    # exit code 0 means well
    # health: { file: run/heartbeat, maxAge: 15s }    # the service touches the file while it is well
    #
    # every (5s) is how often, timeout (1s) how long an answer may take, failures (3) how many misses in a row mean
    # "not well", startup (30s) how long a start may take. Instead of health there can be startup, readiness and
    # liveness, each with a check of its own.

    # limits: { memory: 512MiB, pids: 200 }           # beyond them the kernel steps in, and heald starts it anew
    # stop: { signal: SIGTERM, timeout: 10s }         # how to stop it, and when to stop asking politely
    # crashLoop: { failures: 3, within: 60s }         # so many failures mean: restarting alone will not cure it
    # restart: { backoff: { first: 0, base: 200ms, cap: 30s, resetAfter: 60s } }
    # logs: { maxBytes: 10MiB, keep: 3 }              # its output is in logs/ of the state folder, rotated
    # critical: true                                  # a failure is critical from the first moment
    # target: app                                     # what is rolled back when it crash-loops, see targets

# What services run from, in generations: a folder with releases/<name> and a link "current" to one of them, or a Nix
# profile. A new generation that makes its services fail is rolled back.
# targets: { app: { kind: releases, path: /srv/app, keepGood: 3 } }
# switch: { probation: 2m, passes: 3, budget: { perHour: 2, perDay: 4 } }

# Who is told. Secrets are never written here, only where they are: { file: PATH } or { env: NAME }.
# channels:
#   telegram: { token: { file: /run/credentials/telegram }, chats: [-1001234567890] }
#   discord: { token: { env: DISCORD_TOKEN }, channels: ["112233445566778899"] }
#   slack: { botToken: { env: SLACK_BOT_TOKEN }, appToken: { env: SLACK_APP_TOKEN }, channels: [C012AB3CD] }
#   console: {}
# routes:
#   # The first that fits decides. Without routes, everything goes to all channels.
#   - { match: { severity: critical }, to: [telegram, slack] }
#   - { to: slack, grace: 10s }
# escalation:
#   - { after: 5m, unless: acked, to: [telegram, discord] }
# maintenance: [{ cron: "0 3 * * SUN", for: 1h, why: backup }]

# ledger:
#   fsync: true             # false is faster, and a power cut may take the last entries
#   checkpointEvery: 10s    # the least time between two signed checkpoints
#   keep: 365d              # older entries are pruned, whole segments of them; left out: all is kept
#   archive: /mnt/heald     # where they are archived first; without it they are gone
#   redact: ["a secret"]    # texts that must never reach the ledger, as they are
`
