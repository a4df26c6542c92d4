import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
  /** Entries of epochs whose key is erased. */
  readonly oldSize: number
}

/** A closed ledger's folder as a board. */
export function boardOf(dir: string, more: Pick<Board, 'origin' | 'note' | 'size' | 'oldSize' | 'gone'>): Board {
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
