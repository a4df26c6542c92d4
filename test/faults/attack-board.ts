import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { leafHash, toHex } from '../../core/ledger/tree/hash.ts'
import { emptyRange, rangeBuilder, rootOf } from '../../core/ledger/tree/range.ts'
import { linesIn } from '../core/ledger/forged.ts'

export type Random = (below: number) => number

export interface Board {
  readonly dir: string
  readonly origin: string
  /** Every file as it was, all lines, and before them those that were pruned. */
  readonly files: ReadonlyMap<string, Buffer>
  readonly lines: readonly string[]
  readonly gone: readonly string[]
  /** A checkpoint that was kept elsewhere, and how many entries it covers. */
  readonly note: string
  readonly size: number
  /** Another one, from before the present epoch. */
  readonly older: string
  /** Entries of epochs whose key is erased. */
  readonly oldSize: number
}

/** A closed ledger's folder as a board. */
export function boardOf(
  dir: string,
  more: Pick<Board, 'origin' | 'note' | 'size' | 'older' | 'oldSize' | 'gone'>,
): Board {
  const files = new Map<string, Buffer>()
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }))
    if (!name.startsWith('lock') && statSync(join(dir, name)).isFile()) files.set(name, readFileSync(join(dir, name)))
  return { ...more, dir, files, lines: linesIn(dir) }
}

export function setUp({ dir, files }: Board): void {
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true })
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), bytes)
  }
}

export type Move = (board: Board, random: Random) => void | Promise<void>

/** His own changes may have made the key or a segment useless. */
export async function ifItCan(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch {
    // Then this move changes less.
  }
}

/** What is not there any more is told of, with the root that it had. */
export function mustBeTold(now: readonly string[], before: readonly string[], where: string): void {
  const tree = rangeBuilder(emptyRange(0))
  for (const line of before) tree.append(leafHash(line))
  const told = `"data":{"upTo":${before.length},"root":"${toHex(rootOf(tree.range()))}"`
  assert.ok(
    now.some(line => line.includes('"kind":"ledger.pruned"') && line.includes(told)),
    `nobody tells of the prune: ${where}`,
  )
}
