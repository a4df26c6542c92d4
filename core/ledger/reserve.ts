import { existsSync } from 'node:fs'
import { statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { Kind } from '../entry.ts'
import { codeOf } from '../fault.ts'
import { disk } from './files.ts'

/**
 * A file of nothing but room: given up when the disk is full in the middle of a switch, so that its way back can be
 * written. Some three thousand entries fit.
 */
export interface Reserve {
  /** Makes it, where there is room to spare. Never rejects: without it a full disk holds up a switch. */
  keep(): Promise<void>
  /** Gives it up; whether there was one. */
  spend(): Promise<boolean>
  /**
   * Told of the kinds of entries that are durable now. Makes it anew once a switch has come to rest after it was given
   * up, or when there was no room for it before; once a minute at most. Never rejects.
   */
  follow(kinds: readonly Kind[]): Promise<void>
}

const BYTES = 1024 * 1024
/** On a disk with less room it would be a part of the trouble. */
const SPARE_BYTES = 16 * BYTES

const EVERY_MS = 60_000
/** What a switch ends with. */
const RESTS: ReadonlySet<Kind> = new Set([
  ...(['switch.committed', 'switch.failed', 'rollback.verified', 'rollback.held'] as const),
])

export function reserveIn(dir: string, clock: Clock): Reserve {
  const path = join(dir, 'reserve')
  /** There is one, or it is to be made; or what it was given up for may still need all the room. */
  let state: 'kept' | 'wanted' | 'spent' = 'wanted'
  let triedMs: number | null = null

  async function make(): Promise<void> {
    try {
      if (existsSync(path)) return
      const { bavail, bsize } = await statfs(dir)
      if (bavail * bsize < SPARE_BYTES) return
      const fd = await disk.open(path, 'wx', 0o600)
      try {
        await disk.write(fd, Buffer.alloc(BYTES))
        await disk.fdatasync(fd)
      } finally {
        await disk.close(fd)
      }
    } catch {
      // A half-made one is room as well, and is given up like a whole one.
    }
  }

  async function keep(): Promise<void> {
    await make()
    if (existsSync(path)) state = 'kept'
  }

  return {
    keep,
    async follow(kinds) {
      if (state === 'spent' && kinds.some(kind => RESTS.has(kind))) state = 'wanted'
      const nowMs = clock.monoMs()
      if (state !== 'wanted' || (triedMs !== null && nowMs - triedMs < EVERY_MS)) return
      triedMs = nowMs
      await keep()
    },
    async spend() {
      try {
        await unlink(path)
        state = 'spent'
        await disk.syncFolder(dir)
        return true
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false
        throw error
      }
    },
  }
}
