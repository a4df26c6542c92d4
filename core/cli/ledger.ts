import { join } from 'node:path'
import type { LinesFound } from '../api/ledger-query.ts'
import type { Entry } from '../entry.ts'
import { Fault } from '../fault.ts'
import { entryInWords } from '../incident/words.ts'
import { seqOf } from '../ledger/cursor.ts'
import { segmentFiles } from '../ledger/files.ts'
import type { Filter } from '../ledger/filter.ts'
import { followLines } from '../ledger/follow.ts'
import { readMark } from '../ledger/head.ts'
import { checkLine } from '../ledger/line.ts'
import { listEntries } from '../ledger/list.ts'
import { firstSeq, readEntry, unknownEntry } from '../ledger/read.ts'
import { receiptOf } from '../ledger/receipt.ts'
import { readTail } from '../ledger/side.ts'
import { noWords, oneWord } from './arguments.ts'
import { paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { seqNamed } from './ledger-entry.ts'
import { filterOf, numberOf, textOf } from './ledger-filter.ts'
import { mustTake, numberWithin, OPTIONS_OF } from './ledger-options.ts'
import { existing, verify } from './ledger-verify.ts'
import { logNames } from './logs.ts'
import { progress } from './progress.ts'
import { nearest } from './suggest.ts'
import { type Column, table } from './table.ts'
import { beside, cleanLine, cleanLines, wrapLines } from './text.ts'
import { ago, agoAt, clockTime, fullTime } from './time.ts'

/** `heald ledger …`: reads the files themselves, so it works without a daemon and on a copy. */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  const [what, ...rest] = words
  if (what !== undefined && Object.hasOwn(OPTIONS_OF, what)) mustTake(what, values)
  const dir = join(context.state, 'ledger')
  if (what === 'list') return list(context, existing(dir), rest, values)
  if (what === 'show') return show(context, existing(dir), oneWord(rest, 'ledger show', 'SEQ'))
  if (what === 'follow') return follow(context, existing(dir), rest, values)
  if (what === 'verify' && values.commands === true)
    return (await import('./ledger-commands.ts')).verify(context, rest, values)
  if (what === 'verify') return verify(context, rest, values)
  if (what === 'prove') return (await import('./ledger-proofs.ts')).prove(context, rest)
  if (what === 'check') return (await import('./ledger-proofs.ts')).check(context, rest, values)
  if (what === 'export') return (await import('./ledger-proofs.ts')).exportTo(context, rest)
  if (what === 'checkpoint') return (await import('./ledger-keys.ts')).checkpoint(context, rest)
  if (what === 'archive') return (await import('./ledger-prune.ts')).archive(context, rest, values)
  if (what === 'prune') return (await import('./ledger-prune.ts')).prune(context, rest, values)
  if (what === 'erase') return (await import('./ledger-prune.ts')).erase(context, rest)
  const problem = what === undefined ? '"heald ledger" needs a word more' : `"heald ledger" has no "${what}"`
  throw new Fault('usage.words', problem, {
    hint: 'write heald ledger list, show SEQ, follow, verify, checkpoint, prove SEQ, check RECEIPT, export DIR, archive DIR, prune or erase SEQ',
  })
}

const COLUMNS: readonly Column[] = [
  { title: 'SEQ', align: 'right' },
  { title: 'WHEN' },
  { title: 'KIND' },
  { title: 'BY' },
  { title: 'WHAT', shrinks: true, wraps: true },
]
const PAGE = 50

async function list(context: Context, dir: string, words: readonly string[], values: Values): Promise<number> {
  const { json, out, err, columns, colour, tz, nowMs, signal } = context
  const filter = filterOf(values, words, context)
  const limit = numberWithin('limit', values, 1) ?? PAGE
  const cursor = numberOf('cursor', textOf(values.cursor))
  const bar = progress('indexing', { wanted: context.tty && !json, err, nowMs })
  const { queryLedger } = await import('../ledger/index/query.ts')
  const asked = { limit, ...(cursor === undefined ? {} : { cursor: String(cursor) }) }
  const elsewhere = async () => (await import('./ledger-elsewhere.ts')).askElsewhere(context, dir, { filter, ...asked })
  const page = await queryLedger(dir, filter, { ...asked, signal, onProgress: bar.update, elsewhere }).finally(bar.end)
  const lost = lostEnd(dir)
  if (lost !== null) err(`heald: the newest entries can't be read: ${lost}. Run "heald ledger verify".\n`)
  const code = page.bad.length === 0 && lost === null ? EXIT.done : EXIT.bad
  if (json && values.page === true) {
    const found: LinesFound = { lines: page.rows.map(({ line }) => line), next: page.next, bad: page.bad }
    out(`${JSON.stringify(found)}\n`)
    return code
  }
  for (const { seq, why } of page.bad) err(damagedText(seq, why))
  if (json) {
    for (const { line } of page.rows) out(`${line}\n`)
  } else if (page.rows.length > 0) {
    const rows = page.rows.map(({ entry }) => [
      `#${entry.seq}`,
      { text: agoAt(entry.ts, nowMs(), tz), short: ago(entry.ts, nowMs()) },
      entry.kind,
      byWhom(entry),
      entryInWords(entry),
    ])
    out(table(COLUMNS, rows, columns, colour))
  }
  if (page.rows.length === 0 && cursor === undefined && lost === null)
    (json ? err : out)(wrapLines(await nothingText(context, dir, filter), columns))
  // On standard error, so that a pipe gets entries only.
  if (page.next !== null) err(`… older ones: add --cursor ${page.next}\n`)
  else if (asksBefore(filter, firstSeq(dir))) err(`… the entries before #${firstSeq(dir)} were pruned\n`)
  return code
}

/** Why the segment of the newest entry can't be read, as far as the mark knows which that is; null: it can. */
function lostEnd(dir: string): string | null {
  const { mark } = readMark(dir)
  if (mark === null || mark.size === 0 || segmentFiles(dir).some(({ name }) => name >= mark.seg)) return null
  return `segment ${mark.seg} is missing, or is no file`
}

/** Whether a range was asked for that begins before entry `first`. */
function asksBefore({ fromSeq, toSeq }: Filter, first: number): boolean {
  return (fromSeq !== undefined || toSeq !== undefined) && (fromSeq ?? 0) < first
}

const LOOK_BACK = 1000

/** Nothing was found: a name that none of the newest entries holds was perhaps mistyped. */
async function nothingText({ state, signal }: Context, dir: string, filter: Filter): Promise<string> {
  const { svc, inc } = filter
  if (svc === undefined && inc === undefined) return 'No entry fits.\n'
  const { rows } = await listEntries(dir, {}, { limit: LOOK_BACK, signal })
  const names = {
    svc: new Set([...rows.map(({ entry }) => entry.svc ?? ''), ...(await logNames(join(state, 'logs')))]),
    inc: new Set(rows.map(({ entry }) => entry.inc ?? '')),
  }
  const hints = (['svc', 'inc'] as const).flatMap(key => {
    const given = filter[key]
    if (given === undefined || names[key].has(given)) return []
    const what = key === 'svc' ? 'service' : 'incident'
    const near = nearest(given, names[key])
    const meant = near === undefined || near === '' ? '' : ` Did you mean --${key} ${cleanLine(near)}?`
    return [` No ${what} "${cleanLine(given)}" is known here.${meant}`]
  })
  return `No entry fits.${hints.join('')}\n`
}

async function show(context: Context, dir: string, word: string): Promise<number> {
  const { json, out, err, columns, colour, tz, nowMs } = context
  const seq = await seqNamed(dir, word)
  const found = await readEntry(dir, seq)
  if (found === null) throw unknownEntry(dir, seq)
  if ('why' in found) {
    // A program would take the line for the entry.
    if (json)
      throw new Fault('entry.damaged', `entry #${seq} is damaged: ${found.why}`, {
        hint: `"heald ledger verify" says more; "heald ledger show ${seq}" prints the line as it stands there`,
      })
    err(damagedText(seq, found.why))
    out(`${cleanLine(found.line)}\n`)
    return EXIT.bad
  }
  if (json) {
    out(`${found.line}\n`)
    return EXIT.done
  }
  const { entry } = found
  const { v, data, ...rest } = entry
  const heads: [string, string][] = [
    ...Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]),
    ...Object.entries(data).map(([name, value]): [string, string] => [
      `data.${name}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
    ['receipt', receiptOf(seq, entry.h)],
  ]
  const width = Math.max(...heads.map(([name]) => name.length))
  out(
    `${paint(`Entry #${seq}`, 'bold', colour)}  ${cleanLine(entryInWords(entry))}\n${fullTime(entry.ts, tz)} ${tz}, ${ago(entry.ts, nowMs())}\n\n`,
  )
  for (const [name, value] of heads) {
    const line = beside(name.padEnd(width), width, cleanLine(value), columns)
    out(`${line.replace(name, paint(name, 'dim', colour))}\n`)
  }
  const tail = readTail(dir, entry)
  if (tail !== null)
    out(
      `\n${paint('Its last lines, kept aside:', 'dim', colour)}\n${cleanLines(tail).trimEnd().replace(/^/gm, '  │ ')}\n`,
    )
  else if (data.tail !== undefined)
    out('\nThe text kept aside is not there: it was erased or lost. The entry stays valid.\n')
  return EXIT.done
}

/** Without --from it begins a little before the end, as `tail -f` does. */
const FOLLOW_BACK = 10

async function follow(context: Context, dir: string, words: readonly string[], values: Values): Promise<number> {
  noWords(words, 'ledger follow')
  const { json, out, err, colour, tz, nowMs, signal } = context
  let code: number = EXIT.done
  const newest = (await listEntries(dir, {}, { limit: 1 })).rows[0]?.entry.seq ?? 0
  const durable = Math.min(newest + 1, readMark(dir).mark?.size ?? Number.POSITIVE_INFINITY)
  const from = numberOf('from', textOf(values.from)) ?? Math.max(0, durable - FOLLOW_BACK)
  for await (const line of followLines(dir, from, signal)) {
    const checked = checkLine(line)
    if (!checked.ok) code = EXIT.bad
    // A program would take the line for an entry.
    if (json && !checked.ok) err(damagedText(seqOf(line), checked.why))
    else if (json) out(`${line}\n`)
    else if (!checked.ok) out(`${paint('damaged:', 'red', colour)} ${checked.why}: ${cleanLine(line).slice(0, 200)}\n`)
    else {
      const { entry } = checked
      const when = paint(clockTime(entry.ts, nowMs(), tz), 'dim', colour)
      out(`${when}  ${cleanLine(entryInWords(entry))}${paint(`  ${entry.kind} #${entry.seq}`, 'dim', colour)}\n`)
    }
  }
  return code
}

function damagedText(seq: number | null, why: string): string {
  return `heald: entry ${seq === null || seq < 0 ? '(unknown)' : `#${seq}`} is damaged: ${why}. Run "heald ledger verify".\n`
}

/** The daemon itself acts in most entries: only others are named. */
function byWhom(entry: Entry): string {
  return entry.actor === undefined || entry.actor === 'heald' ? '' : entry.actor
}
