import { messageOf } from '../../fault.ts'
import { disk } from '../files.ts'
import { DIGEST_BYTES, type Digest } from './hash.ts'
import { treeFile } from './tree-files.ts'

/** Writes the tree's files behind the tree: nobody waits for it, and what it can't write is missing until the next start. */
export interface TreeWriter {
  add(tileLevel: number, index: number, digest: Digest): void
  /** Begins to write what was added, if it is worth a write; else a little later. */
  flush(): void
  /** Resolves when little enough waits for the disk. */
  room(): Promise<void>
  /** What was added so far is durable; rejects never. */
  sync(): Promise<void>
  close(): Promise<void>
}

interface Level {
  /** Of the first hash that waits. */
  first: number
  waiting: Digest[]
  fd: number | null
}

/** So many hashes may wait: 16 MB. A disk that takes none for so long gets no more of them. */
const MOST_WAITING = 524_288
const FEW_WAITING = 65_536
/** 64 KiB. A write takes a thread from those that flush entries. */
const WORTH_WRITING = 2048
const LATER_MS = 500

export function treeWriter(dir: string, onTrouble: (what: string) => void): TreeWriter {
  const levels: Level[] = []
  let waiting = 0
  let running: Promise<void> = Promise.resolve()
  let isRunning = false
  let isBroken = false
  let later: NodeJS.Timeout | null = null

  function fail(error: unknown): void {
    isBroken = true
    waiting = 0
    for (const level of levels) level.waiting = []
    onTrouble(`the tree's files can't be written, and will be when heald starts again: ${messageOf(error)}`)
  }

  async function write(): Promise<void> {
    for (const [at, level] of levels.entries()) {
      const { first, waiting: digests } = level
      if (digests.length === 0) continue
      level.waiting = []
      waiting -= digests.length
      const fd = level.fd ?? (await openForWriting(treeFile(dir, at)))
      level.fd = fd
      await disk.write(fd, Buffer.from(digests.join(''), 'latin1'), first * DIGEST_BYTES)
    }
  }

  function flush(): void {
    if (waiting >= WORTH_WRITING) flushAll()
    else if (waiting > 0) later ??= setTimeout(flushAll, LATER_MS).unref()
  }

  function flushAll(): void {
    if (later !== null) clearTimeout(later)
    later = null
    if (isRunning || isBroken || waiting === 0) return
    isRunning = true
    running = write()
      .catch(fail)
      .finally(() => {
        isRunning = false
        flush()
      })
  }

  /** All that was added so far is with the system. */
  async function written(): Promise<void> {
    while ((isRunning || waiting > 0) && !isBroken) {
      flushAll()
      await running
    }
  }

  return {
    add(tileLevel, index, digest) {
      if (isBroken) return
      while (levels.length <= tileLevel) levels.push({ first: 0, waiting: [], fd: null })
      const level = levels[tileLevel]
      if (level === undefined) return
      if (level.waiting.length === 0) level.first = index
      level.waiting.push(digest)
      waiting++
      if (waiting > MOST_WAITING) fail(new Error('the disk takes nothing'))
    },
    flush,
    async room() {
      if (waiting > FEW_WAITING) await running
    },
    async sync() {
      await written()
      try {
        for (const { fd } of levels) if (fd !== null && !isBroken) await disk.fdatasync(fd)
      } catch (error) {
        fail(error)
      }
    },
    async close() {
      await written()
      isBroken = true
      for (const { fd } of levels.splice(0)) if (fd !== null) await disk.close(fd)
    },
  }
}

/** What the file holds stays: only what differs is written over. */
async function openForWriting(path: string): Promise<number> {
  await disk.close(await disk.open(path, 'a', 0o600))
  return disk.open(path, 'r+', 0o600)
}
