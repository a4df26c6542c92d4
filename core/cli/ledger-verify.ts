import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { round } from '../clock.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { segmentFiles } from '../ledger/files.ts'
import { parseGivenKey } from '../ledger/given-key.ts'
import { readMark } from '../ledger/head.ts'
import { receiptOf } from '../ledger/receipt.ts'
import type { Finding, Verdict } from '../ledger/verify.ts'
import type { Trust } from '../ledger/verify-signed.ts'
import { askAsOwnerOf } from '../owner.ts'
import { optionalWord } from './arguments.ts'
import { type Colour, paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { textsOf } from './ledger-filter.ts'
import { checkpointsIn } from './ledger-given.ts'
import { MOST_WORKERS, numberWithin } from './ledger-options.ts'
import { count, signedLines, troubleLines, upTo } from './ledger-signed-words.ts'
import { progress } from './progress.ts'
import { cleanLine, jsonOf, wrapLines } from './text.ts'

/** File beside the ledger. */
const INDEX = 'index.db'

/** `heald ledger verify [DIR]`: whether all that counts is one unbroken chain; needs no daemon and changes nothing. */
export async function verify(context: Context, words: readonly string[], values: Values): Promise<number> {
  const { state, json, out, err, tty, nowMs, signal } = context
  const given = optionalWord(words, 'ledger verify', 'DIR')
  const dir = given === null ? existing(join(state, 'ledger')) : named(resolve(given))
  const { defaultThreads, verifyLedger } = await import('../ledger/verify.ts')
  const workers = numberWithin('workers', values, 1, MOST_WORKERS) ?? defaultThreads()
  const trust = {
    keys: givenKeysOf(values),
    isGapAccepted: gapAccepted(values),
    checkpoints: await checkpointsIn(values, signal),
  }
  const bar = progress('verifying', { wanted: tty && !json, err, nowMs })
  const chained = await verifyLedger(dir, { workers, trust, onProgress: bar.update, signal }).finally(bar.end)
  const verdict = values.index === true && chained.ok ? await withIndex(chained, dir, context) : chained
  out(json ? `${jsonOf(verdict)}\n` : verdictText(verdict, dir, context))
  return verdict.ok ? EXIT.done : EXIT.bad
}

/** The same, with what the search index is: it is derived anew from the entries, and compared. */
async function withIndex(verdict: Verdict, dir: string, { json, err, tty, nowMs, signal }: Context): Promise<Verdict> {
  const startMs = performance.now()
  const { verifyIndex } = await import('../ledger/index/verify-index.ts')
  const bar = progress('comparing the index', { wanted: tty && !json, err, nowMs })
  const found = await verifyIndex(dir, { signal, onProgress: bar.update }).finally(bar.end)
  const tookMs = round(verdict.tookMs + performance.now() - startMs)
  const judged = { ...verdict, tookMs, checked: { ...verdict.checked, index: found?.ok ?? null } }
  if (found === null || found.ok) return judged
  return { ...judged, ok: false, firstBad: { seq: found.seq, line: 0, why: found.why, segment: INDEX } }
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
      ? [
          `The ledger is whole: ${count(size)} in one unbroken chain${upTo(verdict)}. (${Math.round(tookMs)} ms)`,
          ...prunedLines(verdict),
          ...signedLines(verdict),
          ...(verdict.checked.index === true ? ['Its search index hides nothing and adds nothing.'] : []),
        ]
      : verdict.checked.index === false
        ? indexLines(verdict, firstBad, dir)
        : torn
          ? tornLines(verdict, firstBad)
          : firstBad.line > 0
            ? damageLines(verdict, firstBad, dir)
            : troubleLines(verdict, firstBad, dir)
  const names = verdict.void.length === 0 ? [] : segmentFiles(dir).map(({ name }) => name)
  const voids = verdict.void.map(({ segment, bytes }) => {
    const next = names[names.indexOf(segment) + 1]
    const why = next === undefined ? '' : `; entry #${Number(next)} says why`
    return `${bytes.toLocaleString('en-US')} ${bytes === 1 ? 'byte' : 'bytes'} at the end of segment ${segment} don't count${why}.`
  })
  return `${painted(wrapLines([...lines, ...voids].join('\n'), columns), colour)}\n`
}

function tornLines(verdict: Verdict, { line, why, segment }: Finding): string[] {
  const where = `(line ${line} of segment ${segment}: ${cleanLine(why)})`
  return [
    verdict.hasWriter
      ? `The ledger ends in a write that is not finished ${where}, as a full disk leaves it.`
      : `The ledger ends in a torn write ${where}, as a crash or a power cut leaves it.`,
    verdict.size === 0
      ? 'There is no whole entry before it.'
      : `All before it is whole: ${count(verdict.size)} in one unbroken chain${upTo(verdict)}.`,
    ...(verdict.trusted === 'nothing' ? [] : signedLines(verdict)),
    verdict.hasWriter
      ? 'heald is running and goes on behind it with its next entry; "heald status" says whether it can record. If these bytes are still there at its next start, it sets them aside and records that.'
      : 'Nothing has to be done: the next start of heald sets these bytes aside and records that.',
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

function prunedLines({ prunedUpTo }: Verdict): string[] {
  if (prunedUpTo === 0) return []
  return [`The entries before #${prunedUpTo} were pruned, as an entry tells; what stands for them fits.`]
}

/** The entries are good, and what is derived from them is not. */
function indexLines(verdict: Verdict, { why }: Finding, dir: string): string[] {
  return [
    `THE SEARCH INDEX IS WRONG: ${cleanLine(why)}.`,
    `The ledger itself is whole: ${count(verdict.size)} in one unbroken chain${upTo(verdict)}.`,
    'What a search shows is checked against the entries, so nothing in it was made up; but entries may have been hidden from it.',
    `What to do: find out who could write ${join(dir, INDEX)}, then delete it. It is derived, and the next search makes it anew.`,
    'To search without it until then: heald ledger list --json | grep WORD',
  ]
}

/** What was given with --key: keys, each of them perhaps with the receipt of the entry that tells of it. */
export function givenKeysOf({ key }: Values): Trust['keys'] {
  return textsOf(key).map(text => {
    const found = parseGivenKey(text)
    if (found !== null) return found
    throw new Fault(
      'usage.key',
      `--key ${cleanLine(text).slice(0, 200)}: that is no public key of a ledger, alone or with a receipt`,
      {
        hint: 'it looks like web-1/heald/0a1b2c3d+530d903a+AekyeRrm…, and the receipt behind it like #41·…; "heald keygen" prints both, and "heald ledger verify" too',
      },
    )
  })
}

/** The same, where there is no ledger to compare a receipt with: whoever gave one would believe that it was looked at. */
export function keysAlone(values: Values): Trust['keys'] {
  const keys = givenKeysOf(values)
  if (keys.every(({ told }) => told === undefined)) return keys
  throw new Fault(
    'usage.key',
    'the receipt behind --key tells of an entry, and there is no ledger here to find it in',
    {
      hint: 'give the key alone here',
    },
  )
}

/** Whether the key that was given is to be believed although the one before was gone. Fault: `usage.option`. */
export function gapAccepted(values: Values): boolean {
  if (values['accept-gap'] !== true) return false
  if (textsOf(values.key).length > 0) return true
  throw new Fault('usage.option', '--accept-gap believes a key, and none was given', {
    hint: 'add --key KEY: the key of the epoch that begins behind the gap, as it was kept elsewhere',
  })
}

const COLOURS: Readonly<Record<string, Colour>> = {
  'The ledger is whole': 'green',
  'The ledger ends in a torn write': 'yellow',
  'The ledger ends in a write that is not finished': 'yellow',
  'THE LEDGER IS DAMAGED': 'red',
  'NOTHING HERE IS PROVED': 'red',
  'THE CHECKPOINT THAT WAS GIVEN PROVES NOTHING': 'red',
  'THE CHECKPOINT THAT WAS GIVEN DOES NOT FIT THIS LEDGER': 'red',
  'THE CHECKPOINT THAT WAS GIVEN IS OF ANOTHER LEDGER': 'yellow',
  'WHAT WAS KEPT OF THIS LEDGER FITS': 'yellow',
  "THE CHECKPOINT THAT WAS GIVEN CAN'T BE JUDGED HERE": 'yellow',
  "THE LEDGER AND THE CHECKPOINT THAT WAS GIVEN CAN'T BOTH BE TRUE": 'red',
  'A KEY THAT WAS GIVEN PROVES NOTHING HERE': 'red',
  'NO CHECKPOINT IS HERE': 'yellow',
  'NO HANDOVER OF A KEY IS HERE': 'yellow',
  'NOT ALL OF THIS LEDGER IS VOUCHED FOR': 'yellow',
  'THE LEDGER IS NOT THE ONE THAT WAS SIGNED': 'red',
  'THE SEARCH INDEX IS WRONG': 'red',
}

/** After wrapping, which would count what colours are made of. */
function painted(text: string, wanted: boolean): string {
  const head = Object.keys(COLOURS).find(each => text.startsWith(each)) ?? ''
  return paint(head, COLOURS[head], wanted) + text.slice(head.length)
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

/** Whether there is a ledger in `dir`; a Fault when it can't be read. */
export function segmentsIn(dir: string): boolean {
  try {
    return segmentFiles(dir).length > 0 || readMark(dir).mark !== null
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return false
    throw new Fault('state.unreadable', `the ledger in ${dir} can't be read: ${messageOf(error)}`, {
      hint: askAsOwnerOf(dir),
      cause: error,
    })
  }
}
