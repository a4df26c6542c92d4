import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { originOf } from '../../../core/ledger/epochs.ts'
import { keptCheckpoints } from '../../../core/ledger/kept.ts'
import { keyStore } from '../../../core/ledger/keys.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { type Verdict, verifyLedger } from '../../../core/ledger/verify.ts'
import type { Trust } from '../../../core/ledger/verify-signed.ts'
import { entriesIn, exit, folder, optionsFor, rehashed } from './stand.ts'

/* A ledger that somebody attacks who may write every file of it, has its present private key, and knows this code. */

export interface Victim {
  readonly dir: string
  /** What was kept elsewhere. */
  readonly vkey: string
  readonly firstVkey: string
  readonly note: string
  readonly size: number
}

const SEGMENT = 'seg/000000000000.jsonl'

/** 20 entries in two epochs, a checkpoint over all of them. */
export async function victim(t: TestContext): Promise<Victim> {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  const firstVkey = ledger.vkey() ?? assert.fail()
  for (let n = 1; n <= 9; n++) await ledger.append(exit(n))
  await ledger.rotateKey('local:admin')
  for (let n = 10; n <= 18; n++) await ledger.append(exit(n))
  const { note, size } = await ledger.checkpoint()
  const vkey = ledger.vkey() ?? assert.fail()
  await ledger.close(2000)
  return { dir, vkey, firstVkey, note, size }
}

export const linesOf = (dir: string): string[] => readFileSync(join(dir, SEGMENT), 'utf8').split('\n').slice(0, -1)

export function writeLines(dir: string, lines: readonly string[], { rehash }: { readonly rehash: boolean }): void {
  const text = `${lines.join('\n')}\n`
  writeFileSync(join(dir, SEGMENT), rehash ? rehashed(text) : text)
}

/** Removes or makes anew whatever would tell: all of it may be written by the attacker. */
export async function coverUp(
  dir: string,
  { checkpoints }: { readonly checkpoints: 'sign the newest' | 'sign all' | 'remove' },
) {
  rmSync(join(dir, 'head'), { force: true })
  rmSync(join(dir, 'tree'), { recursive: true, force: true })
  if (checkpoints === 'remove') {
    rmSync(join(dir, 'checkpoint'), { force: true })
    rmSync(join(dir, 'cp'), { recursive: true, force: true })
    return
  }
  const keys = keyStore(dir)
  const [genesis] = entriesIn(dir)
  const newest = keys.epochs().at(-1)
  if (genesis === undefined || newest === undefined) return
  for (const { name } of keptCheckpoints(dir)) {
    if (name !== 'checkpoint' && checkpoints === 'sign the newest') continue
    const size = name === 'checkpoint' ? linesOf(dir).length : Number(name.slice(3, 15))
    const { root } = await treeOfSegments(dir, Math.min(size, linesOf(dir).length))
    writeFileSync(join(dir, name), signCheckpoint({ origin: originOf(genesis), size, root }, keys.load(newest)))
  }
}

export const alone = (dir: string): Promise<Verdict> => verifyLedger(dir)
export const withNote = (dir: string, { note }: Victim): Promise<Verdict> =>
  verifyLedger(dir, { trust: { keys: [], checkpoints: [{ name: 'kept.txt', note }] } })
export const withKey = (dir: string, vkey: string, more: Partial<Trust> = {}): Promise<Verdict> =>
  verifyLedger(dir, { trust: { keys: [parseVkey(vkey) ?? assert.fail()], checkpoints: [], ...more } })
