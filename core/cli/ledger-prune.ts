import { join, resolve } from 'node:path'
import { formatSize } from '../config/size.ts'
import { Fault } from '../fault.ts'
import { type Archived, archiveSegments } from '../ledger/archive.ts'
import type { Erased } from '../ledger/erase.ts'
import type { Pruned } from '../ledger/prune.ts'
import { freedBytes, oldestOf, prunable, type Sealed, sealedSegments } from '../ledger/prune-plan.ts'
import { type Prepared, preparePrune } from '../ledger/prune-prepare.ts'
import { parseReceipt } from '../ledger/receipt.ts'
import type { Verdict } from '../ledger/verify.ts'
import type { Trust } from '../ledger/verify-signed.ts'
import { noWords, oneWord } from './arguments.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { seqNamed } from './ledger-entry.ts'
import { filterOf, seqFrom, textOf } from './ledger-filter.ts'
import { ordered } from './ledger-keys.ts'
import { existing, gapAccepted, givenKeysOf, verdictText } from './ledger-verify.ts'
import { progress } from './progress.ts'
import { counted, wrapLines } from './text.ts'
import { agoAt } from './time.ts'

/*
 * Life of an order to prune
 *
 * 1. The whole ledger is verified: what is damaged is evidence and stays. Who knows that a key was lost may answer for that.
 * 2. What goes is archived, unless that is not wanted, and read back.
 * 3. The writer (the daemon, where one runs) records and removes it (`ledger/prune.ts`).
 */

/** `heald ledger archive DIR`: the segments that are done with, compressed, to be kept elsewhere. */
export async function archive(context: Context, words: readonly string[], values: Values): Promise<number> {
  const { json, out, columns, state } = context
  const folder = resolve(oneWord(words, 'ledger archive', 'DIR'))
  const dir = existing(join(state, 'ledger'))
  const chosen = oldestOf(sealedSegments(dir), boundsOf(values, context))
  if (chosen.length === 0) return nothing(context)
  const made = await stored(context, folder, chosen)
  const said = `${counted(made.segments, 'segment', 'segments')} (all entries before #${upTo(chosen)}) in ${folder}, ${formatSize(made.bytes)}; read back and compared. The list is ${made.list}: sha256sum -c ${made.list}`
  out(json ? `${JSON.stringify(made)}\n` : `${wrapLines(said, columns)}\n`)
  return EXIT.done
}

/** `heald ledger prune`: removes the oldest segments. */
export async function prune(context: Context, words: readonly string[], values: Values): Promise<number> {
  noWords(words, 'ledger prune')
  const { json, out, columns, state, nowMs, tz } = context
  const folder = textOf(values.archive)
  if ((folder === undefined) === (values['no-archive'] !== true))
    throw new Fault('usage.option', 'say what is to become of the old entries', {
      hint: 'either --archive DIR (a disk that is not this one is best), or --no-archive: they are gone then',
    })
  const trust = { keys: givenKeysOf(values), isGapAccepted: gapAccepted(values), checkpoints: [] }
  const dir = existing(join(state, 'ledger'))
  const chosen = prunable(oldestOf(sealedSegments(dir), mustBound(boundsOf(values, context))))
  const last = chosen.at(-1)
  if (last === undefined) return nothing(context)
  const freed = freedBytes(dir, chosen)
  const what = `${counted(chosen.length, 'segment', 'segments')} with all entries before #${last.end} (until ${agoAt(new Date(last.endMs).toISOString(), nowMs(), tz)}), ${formatSize(freed)}`
  if (values['dry-run'] === true) {
    const plan = { upTo: last.end, segments: chosen.length, bytes: freed }
    out(
      json
        ? `${JSON.stringify({ ...plan, dryRun: true })}\n`
        : `${wrapLines(`Would prune ${what}. Nothing was changed.`, columns)}\n`,
    )
    return EXIT.done
  }
  const prepared = await prepare(context, dir, chosen, { folder, trust })
  if (prepared === null) return EXIT.bad
  const { archived } = prepared
  const place = archived === null ? null : { sha256: archived.sha256, folder: archived.folder }
  const order = { upTo: last.end, archive: place, by: 'local:admin' }
  const made = (await ordered(context, '/v1/ledger/prune', ledger => ledger.prune(order), {
    upTo: last.end,
    ...(place ?? {}),
  })) as Pruned
  const kept = archived === null ? 'They were not archived.' : `They are in ${archived.folder} (${archived.list}).`
  const said = `Pruned ${what}. Entry #${made.seq} tells of it. ${kept} What stands for them, base.json, belongs to the ledger: copy it with it.`
  out(json ? `${JSON.stringify({ ...made, bytes: freed, archive: archived })}\n` : `${wrapLines(said, columns)}\n`)
  return EXIT.done
}

/** `heald ledger erase SEQ`: the text kept aside for an entry. */
export async function erase(context: Context, words: readonly string[]): Promise<number> {
  const { json, out, columns, state } = context
  const word = oneWord(words, 'ledger erase', 'SEQ')
  // A number needs no look at the ledger: whoever may not read it asks the daemon.
  const seq = parseReceipt(word) === null ? seqFrom(word) : await seqNamed(existing(join(state, 'ledger')), word)
  const made = (await ordered(context, '/v1/ledger/erase', ledger => ledger.erase(seq, 'local:admin'), {
    seq,
  })) as Erased
  const said = `The text kept aside for entry #${seq} is erased, and entry #${made.seq} tells of it. The chain stays whole. What was copied elsewhere (chats with notify.logs, the service's own log file, backups) is not touched.`
  out(json ? `${JSON.stringify(made)}\n` : `${wrapLines(said, columns)}\n`)
  return EXIT.done
}

function boundsOf(values: Values, context: Context): { untilMs?: number; toSeq?: number } {
  const { untilMs, toSeq } = filterOf(values, [], context)
  return { ...(untilMs === undefined ? {} : { untilMs }), ...(toSeq === undefined ? {} : { toSeq }) }
}

function mustBound(bounds: { untilMs?: number; toSeq?: number }): { untilMs?: number; toSeq?: number } {
  if (Object.keys(bounds).length > 0) return bounds
  throw new Fault('usage.option', 'say how far to prune', {
    hint: 'with --until 90d (all that is older), or --to SEQ',
  })
}

function nothing({ json, out, columns }: Context): number {
  const said =
    'Nothing to do: whole segments only (65,536 entries, or 64 MiB), never the one that is being written, and none so old is there.'
  out(json ? `${JSON.stringify({ segments: 0 })}\n` : `${wrapLines(said, columns)}\n`)
  return EXIT.done
}

async function stored(context: Context, folder: string, segments: readonly Sealed[]): Promise<Archived> {
  const { err, tty, json, nowMs, signal } = context
  const bar = progress('archiving', { wanted: tty && !json, err, nowMs })
  return archiveSegments(folder, segments, { onProgress: bar.update, signal }).finally(bar.end)
}

/** Null: the ledger is damaged, which was said. */
async function prepare(
  context: Context,
  dir: string,
  going: readonly Sealed[],
  { folder, trust }: { readonly folder: string | undefined; readonly trust: Trust },
): Promise<Prepared | null> {
  const { err, tty, json, nowMs, signal } = context
  const wanted = tty && !json
  const verifying = progress('verifying', { wanted, err, nowMs })
  const archiving = progress('archiving', { wanted, err, nowMs })
  const made = await preparePrune(dir, going, folder === undefined ? null : resolve(folder), {
    ...{ onVerified: verifying.update, onArchived: archiving.update, signal, trust },
  }).finally(() => {
    verifying.end()
    archiving.end()
  })
  if ('archived' in made) return made
  err(verdictText(made.verdict, dir, context))
  err(`heald: nothing was pruned: ${whyNot(made.verdict)}.\n`)
  return null
}

function whyNot({ torn, trouble }: Verdict): string {
  if (torn) return 'its end is not finished; the next start or entry of heald goes on behind it: try again then'
  if (trouble === 'gap')
    return 'a key was lost, and nobody answered for the next one (--key KEY --accept-gap, with the key of that epoch)'
  if (trouble === 'bare') return 'no checkpoint proves its keys; put "checkpoint" and "cp" back first'
  if (trouble === 'unproved') return 'the key that was given proves nothing here'
  return 'what is damaged is evidence, and stays'
}

function upTo(segments: readonly Sealed[]): number {
  return segments.at(-1)?.end ?? 0
}
