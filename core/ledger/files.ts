import {
  close,
  closeSync,
  type Dirent,
  fdatasync,
  fsync,
  link,
  open,
  openSync,
  readdirSync,
  readSync,
  rename,
  unlink,
  write,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { isMissing } from './plain-file.ts'

/** The system calls the ledger waits for, one promise each. They run on the thread pool: none of them holds the daemon. */
export const disk = {
  open: (path: string, flags: string, mode: number): Promise<number> =>
    new Promise((resolve, reject) => open(path, flags, mode, (error, fd) => (error ? reject(error) : resolve(fd)))),
  fdatasync: (fd: number): Promise<void> =>
    new Promise((resolve, reject) => fdatasync(fd, error => (error ? reject(error) : resolve()))),
  fsync: (fd: number): Promise<void> =>
    new Promise((resolve, reject) => fsync(fd, error => (error ? reject(error) : resolve()))),
  close: (fd: number): Promise<void> =>
    new Promise((resolve, reject) => close(fd, error => (error ? reject(error) : resolve()))),
  /** Nothing happens where there is none. */
  remove: (path: string): Promise<void> =>
    new Promise((resolve, reject) =>
      unlink(path, error => (error === null || error.code === 'ENOENT' ? resolve() : reject(error))),
    ),
  rename: (from: string, to: string): Promise<void> =>
    new Promise((resolve, reject) => rename(from, to, error => (error ? reject(error) : resolve()))),
  /** Gives a file a second name; unlike `rename` it replaces nothing (EEXIST). */
  link: (from: string, to: string): Promise<void> =>
    new Promise((resolve, reject) => link(from, to, error => (error ? reject(error) : resolve()))),

  /** Writes all of `bytes`, at `atBytes` if that is given; a short write goes on where it stopped. */
  async write(fd: number, bytes: Buffer, atBytes: number | null = null): Promise<void> {
    let from = 0
    while (from < bytes.length) {
      const start = from
      from += await new Promise<number>((resolve, reject) =>
        write(fd, bytes, start, bytes.length - start, atBytes === null ? null : atBytes + start, (error, done) =>
          error ? reject(error) : resolve(done),
        ),
      )
    }
  },

  /** Makes the names in a folder durable. */
  async syncFolder(dir: string): Promise<void> {
    const fd = await disk.open(dir, 'r', 0)
    try {
      await disk.fsync(fd)
    } finally {
      await disk.close(fd)
    }
  },

  /** Replaces a file: the old content or the new one is there after a crash, never a mixture. */
  async replace(path: string, text: string, { sync }: { readonly sync: boolean }): Promise<void> {
    const temporary = `${path}.tmp`
    const fd = await disk.open(temporary, 'w', 0o600)
    try {
      await disk.write(fd, Buffer.from(text))
      if (sync) await disk.fsync(fd)
    } finally {
      await disk.close(fd)
    }
    await disk.rename(temporary, path)
    if (sync) await disk.syncFolder(dirname(path))
  },
} as const

export function writeAllSync(fd: number, bytes: Buffer): void {
  for (let from = 0; from < bytes.length; ) from += writeSync(fd, bytes, from)
}

/** The search index, which is derived and may be thrown away. */
export const INDEX_FILE = 'index.db'
/** Endings of its files, in the order to remove them: its own goes last, so that nobody opens the rest as a whole one. */
export const INDEX_PARTS = ['-wal', '-shm', '-journal', ''] as const

export interface SegmentFile {
  /** Its first seq, 12 digits. */
  readonly name: string
  readonly first: number
  readonly path: string
}

/**
 * The segments of a ledger, oldest first; none when the folder is not there yet. What is no file is no segment, whatever
 * it is called: reading a pipe would never end.
 */
export function segmentFiles(dir: string): SegmentFile[] {
  let found: Dirent[]
  try {
    found = readdirSync(join(dir, 'seg'), { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
  return found
    .filter(each => each.isFile() && /^\d{12}\.jsonl$/.test(each.name))
    .map(({ name }) => name)
    .sort()
    .map(file => ({ name: file.slice(0, 12), first: Number(file.slice(0, 12)), path: join(dir, 'seg', file) }))
}

export function segmentName(first: number): string {
  return String(first).padStart(12, '0')
}

export function segmentPath(dir: string, name: string): string {
  return join(dir, 'seg', `${name}.jsonl`)
}

/** The first line of a file without its LF, '' when it is longer than `maxBytes` or has no LF. */
export function firstLine(path: string, maxBytes: number): string {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(maxBytes)
    const got = readSync(fd, bytes, 0, maxBytes, 0)
    const end = bytes.subarray(0, got).indexOf(10)
    return end < 0 ? '' : bytes.toString('utf8', 0, end)
  } finally {
    closeSync(fd)
  }
}
