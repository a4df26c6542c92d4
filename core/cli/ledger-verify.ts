import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { segmentFiles } from '../ledger/files.ts'
import { readMark } from '../ledger/head.ts'
import { receiptOf } from '../ledger/receipt.ts'
import type { Finding, Verdict } from '../ledger/verify.ts'
import { noWords } from './arguments.ts'
import { type Colour, paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { numberOf, textOf } from './ledger-filter.ts'
import { progress } from './progress.ts'
import { cleanLine, wrapLines } from './text.ts'

/** `heald ledger verify [DIR]`: whether all that counts is one unbroken chain; needs no daemon and changes nothing. */
export async function verify(context: Context, words: readonly string[], values: Values): Promise<number> {
  const { state, json, out, err, tty, nowMs, signal } = context
  const [given, ...more] = words
  noWords(more, 'ledger verify DIR')
  const dir = given === undefined ? existing(join(state, 'ledger')) : named(resolve(given))
  const { defaultThreads, verifyLedger } = await import('../ledger/verify.ts')
  const workers = numberOf('workers', textOf(values.workers)) ?? defaultThreads()
  const bar = progress('verifying', { wanted: tty && !json, err, nowMs })
  const verdict = await verifyLedger(dir, { workers, onProgress: bar.update, signal }).finally(bar.end)
  out(json ? `${JSON.stringify(verdict)}\n` : verdictText(verdict, dir, context))
  return verdict.ok ? EXIT.done : EXIT.bad
}

/** What was found, what is still proved, and what to do. */
export function verdictText(
  verdict: Verdict,
  dir: string,
  { colour, columns }: Pick<Context, 'colour' | 'columns'>,
): string {
  const { size, firstBad, torn, tookMs } = verdict
  const lines =
    firstBad === null
      ? [`The ledger is whole: ${count(size)} in one unbroken chain${upTo(verdict)}. (${Math.round(tookMs)} ms)`]
      : torn
        ? tornLines(verdict, firstBad)
        : damageLines(verdict, firstBad, dir)
  const names = verdict.void.length === 0 ? [] : segmentFiles(dir).map(({ name }) => name)
  const voids = verdict.void.map(({ segment, bytes }) => {
    const next = names[names.indexOf(segment) + 1]
    const why = next === undefined ? '' : `; entry #${Number(next)} says why`
    return `${bytes.toLocaleString('en-US')} ${bytes === 1 ? 'byte' : 'bytes'} at the end of segment ${segment} don't count${why}.`
  })
  return `${painted(wrapLines([...lines, ...voids].join('\n'), columns), colour)}\n`
}

function tornLines(verdict: Verdict, { line, why, segment }: Finding): string[] {
  return [
    `The ledger ends in a torn write (line ${line} of segment ${segment}: ${cleanLine(why)}), as a crash or a power cut leaves it.`,
    verdict.size === 0
      ? 'There is no whole entry before it.'
      : `All before it is whole: ${count(verdict.size)} in one unbroken chain${upTo(verdict)}.`,
    'Nothing has to be done: the next start of heald sets these bytes aside and records that.',
  ]
}

function damageLines(verdict: Verdict, { seq, line, why, segment }: Finding, dir: string): string[] {
  return [
    `THE LEDGER IS DAMAGED at entry #${seq} (line ${line} of segment ${segment}): ${cleanLine(why)}.`,
    verdict.size === 0
      ? 'Nothing before it can be proved.'
      : `Still proved: ${count(verdict.size)} before it, up to ${receiptOf(verdict.size - 1, verdict.head)}.`,
    'This is no torn write: the files were changed, or the disk lost something. heald never cuts or mends them.',
    `What to do: copy ${dir} as it is, then compare it with a backup, or with receipts that were noted elsewhere.`,
  ]
}

const COLOURS: Readonly<Record<string, Colour>> = {
  'The ledger is whole': 'green',
  'The ledger ends in a torn write': 'yellow',
  'THE LEDGER IS DAMAGED': 'red',
}

/** After wrapping, which would count what colours are made of. */
function painted(text: string, wanted: boolean): string {
  const head = Object.keys(COLOURS).find(each => text.startsWith(each)) ?? ''
  return paint(head, COLOURS[head], wanted) + text.slice(head.length)
}

function upTo({ size, head }: Verdict): string {
  return size === 0 ? '' : `, the last one is ${receiptOf(size - 1, head)}`
}

function count(entries: number): string {
  return entries === 1 ? '1 entry' : `${entries.toLocaleString('en-US')} entries`
}

/** A folder that was named has to hold a ledger, or a state folder's ledger. */
function named(dir: string): string {
  if (segmentsIn(dir)) return dir
  const inside = join(dir, 'ledger')
  if (segmentsIn(inside)) return inside
  throw new Fault('usage.path', `${dir} ${existsSync(dir) ? 'holds no ledger' : 'does not exist'}`, {
    hint: 'name the folder that holds "seg", such as the folder "ledger" in a state folder, or a copy of it',
  })
}

/** The ledger's folder `dir`; a Fault when there is no ledger in it, or none that can be read. */
export function existing(dir: string): string {
  if (segmentsIn(dir)) return dir
  const why = existsSync(dir) ? 'holds no ledger' : 'does not exist'
  throw new Fault('ledger.missing', `${dir} ${why}`, {
    hint: 'if heald keeps its state elsewhere, say where: --state DIR',
  })
}

function segmentsIn(dir: string): boolean {
  try {
    return segmentFiles(dir).length > 0 || readMark(dir).mark !== null
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return false
    const hint = 'ask as the user heald runs as, with sudo for example'
    throw new Fault('state.unreadable', `the ledger in ${dir} can't be read: ${messageOf(error)}`, {
      hint,
      cause: error,
    })
  }
}
