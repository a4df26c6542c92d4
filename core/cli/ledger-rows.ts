import type { Subcommand } from './command.ts'

/** `heald ledger …` */
export const LEDGER: Subcommand = {
  name: 'ledger',
  usage:
    'list [FILTERS] | show SEQ | follow | verify [DIR] | checkpoint | prove SEQ | check RECEIPT… | export DIR | archive DIR | prune | erase SEQ',
  summary: 'Read and check the tamper-evident record of everything that happened.',
  details: `list    newest first; --limit 50, --cursor N for the next page. Filters, words
        or flags: kind:service.exited (or service, exited), svc:, inc:, actor:,
        severity:, since:2h or 2026-08-21, until:, seq:1..9. Other words have to
        be in it, whole, or exit*, "in a row": heald ledger list svc:api oom
show    every field of one entry, its receipt, and the text kept aside for it.
follow  the last entries (--from SEQ), then each new one, until Ctrl-C.
verify  follows chain and tree through every line, checks what was signed, and
        with --index the search index. Needs no daemon: DIR may be a copy. --key
        KEY or --key 'KEY RECEIPT', --checkpoint FILE: what you kept elsewhere;
        --accept-gap: believe that KEY although the one before it was gone.
        --workers N: threads.
        --commands: only the chain of commands, also of a file with nothing
        else in it; --receipt RECEIPT: one that was kept elsewhere.
checkpoint  signs what the ledger is now and prints the note.
prove   a full receipt: the entry, and all to prove it with elsewhere.
check   receipts, short (#41·…) or full, and checkpoints, as words, files or
        standard input. With --key KEY also where there is no ledger.
export  what was signed, as C2SP tlog-tiles, for other people's tools.
archive the old segments, compressed, to another folder; --until 90d (older than
        that) or --to SEQ says how far.
prune   removes them here: --until or --to, and --archive DIR or --no-archive;
        --dry-run only says what would go. Receipts and later proofs still hold.
        Where a key was lost it needs --key KEY --accept-gap, as verify does,
        with the key of the epoch that begins behind the gap.
        To verify from the first entry again, unpack the archive into "seg" of a
        copy of the ledger: zstd -d --output-dir-flat COPY/seg DIR/*.zst
erase   the text kept aside for an entry (last log lines); the entry stays.
SEQ     41, #41, or a receipt (#41·…), which has to be that entry's own.

With --json: the ledger's own lines, and one document for verify. With --page
too, list prints one document: lines, next (for --cursor), and bad, which names
the entries among them that are damaged and left out.
Exit code 1: the ledger is damaged, or ends in a torn write, or not all of it is
proved by what was given; a receipt does not fit, or can't be judged.`,
  options: {
    kind: { type: 'string', multiple: true },
    svc: { type: 'string' },
    service: { type: 'string' },
    inc: { type: 'string' },
    incident: { type: 'string' },
    actor: { type: 'string' },
    severity: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    seq: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    text: { type: 'string' },
    limit: { type: 'string', short: 'n' },
    cursor: { type: 'string' },
    page: { type: 'boolean' },
    workers: { type: 'string' },
    key: { type: 'string', multiple: true },
    checkpoint: { type: 'string', multiple: true },
    'accept-gap': { type: 'boolean' },
    index: { type: 'boolean' },
    archive: { type: 'string' },
    'no-archive': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    commands: { type: 'boolean' },
    receipt: { type: 'string', multiple: true },
  },
  load: () => import('./ledger.ts'),
}

/** `heald keygen` */
export const KEYGEN: Subcommand = {
  name: 'keygen',
  usage: '',
  summary: "Make a new key for the ledger's checkpoints, and with it a new epoch; the key before it is erased.",
  details: `Prints the public key and the receipt of the entry that tells of it: keep both where this host can't change them. With
them "heald ledger verify --key 'KEY RECEIPT'" tells, also on a copy elsewhere, up to which entry the ledger is as it was
signed. The daemon does it where one runs.`,
  options: {},
  load: () => import('./ledger-keys.ts'),
}
