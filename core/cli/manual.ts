/** What the overview, the manual page and the completion scripts say about all subcommands together. */

export type Told = readonly (readonly [name: string, text: string])[]

export const WHAT =
  'heald keeps the services of one host running and records every step in a ledger that anyone can check.'

export const OPTIONS: Told = [
  [
    '--state DIR',
    "the folder with heald's state (default: $STATE_DIRECTORY, /var/lib/heald for root, else ~/.local/state/heald)",
  ],
  ['--json', 'print JSON for programs'],
  ['--no-colour', 'no colours (NO_COLOR does the same)'],
  ['--help', 'how a subcommand is used'],
  ['--version', 'which heald this is'],
]

export const FILES: Told = [
  ['heald.yaml', 'the configuration: in the current folder, else /etc/heald/heald.yaml; JSON is read too'],
  ['STATE/ledger', 'the record of everything that happened'],
  ['STATE/logs', 'what the services write'],
  ['STATE/heald.sock', 'the socket of the daemon, for its owner alone; in $RUNTIME_DIRECTORY where that is set'],
]

export const ENVIRONMENT: Told = [
  ['STATE_DIRECTORY', 'the state folder where --state is not given; systemd sets it'],
  ['RUNTIME_DIRECTORY', 'where the sockets are; systemd sets it'],
  ['XDG_STATE_HOME', 'in place of ~/.local/state, for who is not root'],
  ['PATH', 'where the tools of heald are found, and what services are given'],
  ['TZ', 'the zone in which times are shown'],
  ['NO_COLOR', 'anything in it means: no colours'],
  ['HEALD_DEBUG', 'anything in it means: errors are shown with where they came from'],
]
