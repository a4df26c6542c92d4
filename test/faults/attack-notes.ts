import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { checkpointsIn } from '../../core/cli/ledger-given.ts'
import { codeOf } from '../../core/fault.ts'
import { type Checkpoint, checkpointText, signCheckpoint } from '../../core/ledger/checkpoint.ts'
import { EMPTY_ROOT } from '../../core/ledger/tree/hash.ts'
import { treeOfSegments } from '../../core/ledger/tree/reader.ts'
import type { Trust } from '../../core/ledger/verify-signed.ts'
import { linesIn, seqIn } from '../core/ledger/forged.ts'
import type { Board, Random } from './attack-board.ts'

/*
 * What was kept elsewhere, on its way to the command line: who can't make a checkpoint can have a mail wrap one, beside
 * another that is good, or give others beside it that prove nothing.
 */

type Mangle = (note: string, random: Random) => string

const eachLine = (note: string, change: (line: string) => string): string => note.split('\n').map(change).join('\n')
/** Something is done to one line. */
const atLine =
  (change: (line: string, random: Random) => readonly string[]): Mangle =>
  (note, random) => {
    const lines = note.split('\n')
    const at = random(lines.length - 1)
    return lines.toSpliced(at, 1, ...change(lines[at] ?? '', random)).join('\n')
  }

const MANGLES: readonly Mangle[] = [
  note => note,
  (note, random) => {
    const width = 20 + random(60)
    return eachLine(note, line => line.replace(new RegExp(`.{${width}}(?=.)`, 'g'), '$&\n'))
  },
  note => note.replaceAll('— ', '- '),
  note => note.replaceAll('— ', '-- '),
  atLine(() => []),
  atLine(line => [line, '']),
  atLine(line => [line, 'Sent from my phone']),
  atLine(line => [line, line]),
  atLine((line, random) => {
    const at = random(line.length)
    return [`${line.slice(0, at)}x${line.slice(at + 1)}`]
  }),
  atLine((line, random) => [line.slice(0, random(line.length))]),
  (note, random) => {
    const mark = ['> ', '| ', '* ', 'JD> ', '    ', '\t', '>>', '`'][random(8)]
    return eachLine(note, line => `${mark}${line}`)
  },
  note => note.replaceAll('\n', '\r\n'),
  note => note.replaceAll('\n', '\r'),
  note => eachLine(note, line => `${line}\n`),
  note => note.toUpperCase(),
  note => JSON.stringify({ note }),
]

/** What `--checkpoint FILE` makes of a good checkpoint and one that something was done to; null: it is refused. */
export async function handedOver({ dir, note, older }: Board, random: Random): Promise<Trust['checkpoints'] | null> {
  const mangled = (MANGLES[random(MANGLES.length)] ?? assert.fail())(note, random)
  const path = `${dir}.given`
  writeFileSync(path, random(2) > 0 ? `${older}\n${mangled}` : `${mangled}\n\n${older}`)
  try {
    return await checkpointsIn({ checkpoint: [path] }, new AbortController().signal)
  } catch (error) {
    assert.equal(codeOf(error), 'usage.path', String(error))
    return null
  } finally {
    rmSync(path)
  }
}

/** What needs no key of the ledger; the root is that of what is there. */
const OTHERS: readonly ((checkpoint: Checkpoint) => string)[] = [
  checkpoint => `${checkpointText(checkpoint)}\n— ${checkpoint.origin} ${Buffer.alloc(68, 7).toString('base64')}\n`,
  checkpoint => signCheckpoint(checkpoint, generateKeyPairSync('ed25519').privateKey),
  checkpoint =>
    signCheckpoint({ ...checkpoint, origin: 'web-9/heald/00000000' }, generateKeyPairSync('ed25519').privateKey),
  ({ origin }) => `${origin}\n`,
]

/** The genuine checkpoint, and before it some that prove nothing. */
export async function severalOf({ dir, origin, note }: Board, random: Random): Promise<Trust['checkpoints']> {
  const size = seqIn(linesIn(dir).at(-1) ?? '') + 1
  const { root } = await treeOfSegments(dir, size).catch(() => ({ root: EMPTY_ROOT }))
  const others = Array.from({ length: 1 + random(3) }, () => OTHERS[random(OTHERS.length)] ?? assert.fail())
  const made = others.map((make, at) => ({ name: `other ${at}`, note: make({ origin, size, root }) }))
  return [...made, { name: 'kept', note }]
}
