import { closeSync, readdirSync, readSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Entry } from '../entry.ts'
import { countingSegments } from './base.ts'
import { disk } from './files.ts'
import { safeJson } from './line.ts'
import { isMissing, NotPlain, openPlain } from './plain-file.ts'
import { commitment } from './prepare.ts'

/**
 * Texts that may have to be erased later (the last lines of a crashed service) stand beside the chain, in
 * `side/<segment>.jsonl`; the entry holds only their salted hash. Erasing a row leaves the chain valid.
 */
export interface SideRow {
  readonly seq: number
  /** 16 bytes, hex. */
  readonly salt: string
  readonly text: string
}

export interface SideStore {
  /** Rejects when the rows could not be written: the entries then keep a commitment to a text nobody has. */
  write(segment: string, rows: readonly SideRow[]): Promise<void>
  close(): Promise<void>
}

/** Rows reach the disk with the operating system's own pace: they are not worth an entry's delay. */
export function sideStore(dir: string): SideStore {
  let open: { readonly segment: string; readonly fd: number } | null = null
  const close = async (): Promise<void> => {
    const fd = open?.fd
    open = null
    if (fd !== undefined) await disk.close(fd)
  }
  return {
    async write(segment, rows) {
      if (open?.segment !== segment) {
        await close()
        await mkdir(join(dir, 'side'), { recursive: true, mode: 0o700 })
        open = { segment, fd: await disk.open(sidePath(dir, segment), 'a', 0o600) }
      }
      try {
        // The leading LF ends a row that an earlier crash or error left unfinished.
        await disk.write(open.fd, Buffer.from(`\n${rows.map(row => `${safeJson(row)}\n`).join('')}`))
      } catch (error) {
        await close()
        throw error
      }
    },
    close,
  }
}

/**
 * The text that belongs to an entry, if it is still there and is what the entry committed to. A row whose text does
 * not fit the commitment is passed over: an entry that was written again leaves an older row behind.
 */
export function readTail(dir: string, entry: Entry): string | null {
  const { tail } = entry.data
  if (typeof tail !== 'object' || tail === null || !('sha256' in tail) || typeof tail.sha256 !== 'string') return null
  const segment = countingSegments(dir).findLast(file => file.first <= entry.seq)
  if (segment === undefined) return null
  let fd: number
  try {
    fd = openPlain(sidePath(dir, segment.name))
  } catch (error) {
    if (error instanceof NotPlain || isMissing(error)) return null
    throw error
  }
  try {
    for (const line of lines(fd)) {
      if (!line.startsWith(`{"seq":${entry.seq},`)) continue
      const row = rowOf(line)
      if (row !== null && row.seq === entry.seq && commitment(row).sha256 === tail.sha256) return row.text
    }
    return null
  } finally {
    closeSync(fd)
  }
}

/** A row as it is written; null when the line holds none. */
export function rowOf(line: string): SideRow | null {
  try {
    const row: unknown = JSON.parse(line)
    if (typeof row !== 'object' || row === null) return null
    const { seq, salt, text } = row as Partial<Record<keyof SideRow, unknown>>
    // Of one length: a longer salt would take in the beginning of the text.
    if (typeof salt !== 'string' || !/^[0-9a-f]{32}$/.test(salt)) return null
    return typeof seq === 'number' && typeof text === 'string' ? { seq, salt, text } : null
  } catch {
    return null
  }
}

/** Files in `side/` whose name fits, in order; none when there is no such folder. */
export function sideNames(dir: string, pattern: RegExp): string[] {
  try {
    return readdirSync(join(dir, 'side'))
      .filter(name => pattern.test(name))
      .sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function* lines(fd: number): Generator<string> {
  const buffer = Buffer.allocUnsafe(65_536)
  let rest = Buffer.alloc(0)
  for (;;) {
    const got = readSync(fd, buffer, 0, buffer.length, null)
    if (got === 0) break
    let bytes = Buffer.concat([rest, buffer.subarray(0, got)])
    for (let to = bytes.indexOf(10); to >= 0; to = bytes.indexOf(10)) {
      yield bytes.toString('utf8', 0, to)
      bytes = bytes.subarray(to + 1)
    }
    rest = bytes
  }
}

function sidePath(dir: string, segment: string): string {
  return join(dir, 'side', `${segment}.jsonl`)
}
