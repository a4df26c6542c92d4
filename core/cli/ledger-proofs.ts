import { existsSync, fstatSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { addAbortSignal } from 'node:stream'
import { Fault, messageOf } from '../fault.ts'
import { entryInWords } from '../incident/words.ts'
import { type CheckedReceipt, checkReceipt } from '../ledger/check.ts'
import { keysFound, misplacedKey } from '../ledger/given-key.ts'
import { ownCheckpoint } from '../ledger/own-checkpoint.ts'
import { ownEpochs } from '../ledger/own-epochs.ts'
import { pastedIn } from '../ledger/pasted.ts'
import { readPlain } from '../ledger/plain-file.ts'
import { parseReceipt, receiptsIn } from '../ledger/receipt.ts'
import { fullReceiptText, MAX_PROOF_CHARS } from '../ledger/tlog-proof.ts'
import { oneWord } from './arguments.ts'
import { paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { seqNamed } from './ledger-entry.ts'
import { existing, givenKeysOf, keysAlone, segmentsIn } from './ledger-verify.ts'
import { progress } from './progress.ts'
import { cleanLine, cleanLines, jsonOf, wrapLines } from './text.ts'

/** `heald ledger prove SEQ`: everything to prove an entry with, elsewhere. */
export async function prove(context: Context, words: readonly string[]): Promise<number> {
  const { json, out, state, tty } = context
  const word = oneWord(words, 'ledger prove', 'SEQ')
  const dir = existing(join(state, 'ledger'))
  const seq = await seqNamed(dir, word)
  const { proveEntry } = await import('../ledger/prove.ts')
  const receipt = fullReceiptText(await proveEntry(dir, seq))
  out(json ? `${jsonOf({ seq, receipt })}\n` : tty ? cleanLines(receipt) : receipt)
  return EXIT.done
}

/** `heald ledger check [RECEIPT…]`: receipts, short or full, and checkpoints, from arguments, files or standard input. */
export async function check(context: Context, words: readonly string[], values: Values): Promise<number> {
  const { json, out, err, tty, state, columns, colour, nowMs, signal } = context
  const dir = segmentsIn(join(state, 'ledger')) ? join(state, 'ledger') : null
  const texts = words.length === 0 ? pastedIn(await input(context)) : words.flatMap(word => pastedIn(given(word)))
  if (texts.length === 0)
    throw new Fault('usage.words', 'there is nothing to check', {
      hint: 'name receipts or files with them, or pass them in: heald ledger check < receipt.txt',
    })
  const keys = dir === null ? keysAlone(values) : givenKeysOf(values)
  // To find its own keys a look through all of a ledger is needed, and a short receipt by itself needs none of them.
  const needsKeys = dir !== null && (keys.length > 0 || texts.some(text => parseReceipt(text) === null))
  const bar = progress('comparing', { wanted: tty && !json, err, nowMs })
  const { defaultThreads } = await import('../ledger/verify.ts')
  const by = {
    ...{ dir, keys, own: needsKeys ? await ownEpochs(dir) : null },
    ...{ workers: defaultThreads(), onProgress: bar.update, signal },
  }
  // What is signed with a key proves nothing of a ledger where that key is of another entry than it was kept for.
  const misplaced = misplacedKey(keysFound(keys, by.own?.epochs ?? []))
  const checked: CheckedReceipt[] =
    misplaced === null ? [] : [{ what: 'key', fits: false, why: misplaced.why, entry: null }]
  try {
    for (const text of texts) checked.push(await checkReceipt(text, by))
  } finally {
    bar.end()
  }
  if (json) out(`${jsonOf(checked)}\n`)
  else
    for (const { what, fits, why, entry } of checked) {
      const [mark, hue] =
        fits === true
          ? (['✓ fits', 'green'] as const)
          : fits === false
            ? (['✗ DOES NOT FIT', 'red'] as const)
            : (['? unknown', 'yellow'] as const)
      const said = entry === null ? '' : `\n  ${cleanLine(entryInWords(entry))} (${entry.ts})`
      out(`${paint(mark, hue, colour)}  ${wrapLines(`${what}: ${cleanLine(why)}`, columns)}${said}\n`)
    }
  return checked.every(({ fits }) => fits === true) ? EXIT.done : EXIT.bad
}

/** `heald ledger export DIR`: what was signed, as other people's tools read it. */
export async function exportTo(context: Context, words: readonly string[]): Promise<number> {
  const { json, out, err, tty, state, nowMs, signal, columns } = context
  const to = resolve(oneWord(words, 'ledger export', 'DIR'))
  const dir = existing(join(state, 'ledger'))
  const checkpoint = await ownCheckpoint(dir)
  if (checkpoint === null)
    throw new Fault('export.unsigned', 'there is no checkpoint yet', {
      hint: '"heald ledger checkpoint" makes one now',
    })
  const { exportTiles } = await import('../ledger/export.ts')
  const bar = progress('exporting', { wanted: tty && !json, err, nowMs })
  await exportTiles(dir, to, checkpoint, { onProgress: bar.update, signal }).finally(bar.end)
  const said = `${checkpoint.size.toLocaleString('en-US')} entries are in ${to} as a log of C2SP tlog-tiles: "checkpoint", "tile/…" and "tile/entries/…".`
  out(
    json
      ? `${jsonOf({ size: checkpoint.size, origin: checkpoint.origin, folder: to })}\n`
      : `${wrapLines(said, columns)}\n`,
  )
  return EXIT.done
}

/** An argument is a receipt, or the path of a file with some. */
function given(word: string): string {
  if (!existsSync(word)) {
    // A full receipt has lines: what is one line, and has no short one in it, can only be meant as a path.
    if (/^[^#\n]*[/.][^#\n]*$/.test(word) && receiptsIn(word).length === 0)
      throw new Fault('usage.path', `${word} does not exist`, {
        hint: 'name a file with receipts, or a receipt itself, like #41· and 26 letters and digits',
      })
    return word
  }
  try {
    return readPlain(word, MAX_PROOF_CHARS)
  } catch (error) {
    throw new Fault('usage.path', `${word} can't be read as receipts: ${messageOf(error)}`, {
      hint: 'name a file with receipts, of which a full one has about 2 KB; what is no file is passed in: heald ledger check < …',
      cause: error,
    })
  }
}

async function input({ signal, err }: Context): Promise<string> {
  // Node takes it for an empty stream.
  if (fstatSync(0).isDirectory())
    throw new Fault('usage.path', 'standard input is a folder', { hint: 'pass a file in' })
  if (process.stdin.isTTY) err('Paste receipts or checkpoints, then Ctrl-D.\n')
  let read = ''
  // The signal closes the stream: in a pipe there may never be anything.
  for await (const piece of addAbortSignal(signal, process.stdin.setEncoding('utf8'))) {
    read += piece
    if (read.length > MAX_PROOF_CHARS) throw new Fault('usage.input', 'standard input is too long to be receipts')
  }
  return read
}
