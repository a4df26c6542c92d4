import { existsSync } from 'node:fs'
import { statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
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
}

const BYTES = 1024 * 1024
/** On a disk with less room it would be a part of the trouble. */
const SPARE_BYTES = 16 * BYTES

export function reserveIn(dir: string): Reserve {
  const path = join(dir, 'reserve')
  return {
    async keep() {
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
    },
    async spend() {
      try {
        await unlink(path)
        await disk.syncFolder(dir)
        return true
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false
        throw error
      }
    },
  }
}
