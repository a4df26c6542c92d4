import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export const BLOCK_BYTES = 4096

/** A disk that can be filled up to the block: the write that comes to its end is cut short, and the next one is refused. */
export interface SmallDisk {
  readonly at: string
  /** Leaves room for so many blocks. */
  fill(blocks: number): void
  /** Makes room again. */
  clear(): void
}

/** Null where none can be mounted. */
export function smallDisk(t: TestContext, size: string): SmallDisk | null {
  const at = mkdtempSync(join(tmpdir(), 'heald-disk-'))
  let isMounted = false
  t.after(() => {
    if (isMounted) execFileSync('umount', ['-l', at])
    rmSync(at, { recursive: true, force: true })
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'heald-test', at], { stdio: 'pipe' })
    isMounted = true
  } catch {
    return null
  }
  const ballast = join(at, 'ballast')
  const room = (): number => {
    const { bavail, bsize } = statfsSync(at)
    return (bavail * bsize) / BLOCK_BYTES
  }
  const clear = (): void => rmSync(ballast, { force: true })
  return {
    at,
    clear,
    fill(blocks) {
      clear()
      const fd = openSync(ballast, 'w')
      try {
        const piece = Buffer.alloc(BLOCK_BYTES * 256, 120)
        for (let left = room() - blocks; left > 0; left = room() - blocks)
          writeSync(fd, piece, 0, BLOCK_BYTES * Math.min(256, left))
      } finally {
        closeSync(fd)
      }
      if (room() !== blocks) throw new Error(`there is room for ${room()} blocks instead of ${blocks}`)
    },
  }
}
