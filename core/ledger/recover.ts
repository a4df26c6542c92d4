import { createHash, hash } from 'node:crypto'
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Data, Draft } from '../entry.ts'
import { lastWholeLine, type Walk, walkChain } from './chain.ts'
import { claimOf } from './checkpoint.ts'
import { type SegmentFile, segmentFiles, writeAllSync } from './files.ts'
import { type Mark, readMark } from './head.ts'
import { latestCheckpoint } from './kept.ts'
import { checkLine, MAX_LINE_BYTES, ZEROS } from './line.ts'
import { MAX_SEGMENT_BYTES, type Previous, type Tail } from './segment.ts'

/** Where the chain ends: what the next entry needs to know. */
export interface Position {
  readonly seq: number
  readonly h: string
  /** Wall clock of the last entry; 0 when there is none. */
  readonly tsMs: number
}

/** An entry that tells of what the start found; `told` is called once it is durable. */
export interface Notice {
  readonly draft: Draft
  readonly told?: () => void
}

export interface Recovered {
  readonly position: Position
  /** The segment to go on with; null: a new one has to be opened. */
  readonly tail: Tail | null
  /** What that new one says of the segment before. */
  readonly previous: Previous | null
  readonly notices: readonly Notice[]
}

/**
 * Puts the end of the ledger in order. Life of a start:
 *
 * 1. Only the last segment is read. A segment without a single entry (the writer died while opening it) is set aside
 *    and the one before is the last.
 * 2. Bad bytes at its end with no whole line after them, and nothing that the mark knew to be durable among them, are a
 *    torn write: kept in `aside/`, cut off, told by `ledger.torn`.
 * 3. Anything else is damage, and so is a segment larger than heald writes any, of which the rest is not read. Nothing is
 *    cut: a new segment goes on after the last whole line, told by `integrity.alert`.
 *
 * Only the holder of the lock may call it. Throws the system's errors. Without `fsync` nothing waits for the disk.
 */
export function recover(dir: string, fsync: boolean): Recovered {
  for (const folder of ['seg', 'aside']) mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 })
  const { mark } = readMark(dir)
  const notices: Notice[] = []
  const alert = (data: Data): void => {
    // One alert for one damage: the first finding is the one nearest to it.
    if (notices.length === 0) notices.push({ draft: { kind: 'integrity.alert', data } })
  }
  const files = segmentFiles(dir)
  let found: Omit<Recovered, 'notices'> | null = null
  for (let file = files.pop(); file !== undefined && found === null; file = files.pop()) {
    const fd = openSync(file.path, 'r')
    try {
      const last = examine(fd, file, mark)
      if (last.damage !== null)
        alert({
          ...last.damage,
          segment: file.name,
          ...(mark === null ? {} : { mark: { size: mark.size, h: mark.h } }),
        })
      if (last.seq === file.first) {
        setAside(dir, file, last, fsync)
      } else {
        found = last.damage === null ? goOn(dir, fd, file, last, mark, fsync) : startAnew(fd, file, last)
      }
    } finally {
      closeSync(fd)
    }
  }
  if (found === null && mark !== null && mark.size > 0)
    alert({ what: 'entries are missing', why: 'no segment holds an entry', mark: { size: mark.size, h: mark.h } })
  const claimed = claimOf(latestCheckpoint(dir) ?? '')
  const size = found?.position.seq ?? 0
  if (claimed !== null && claimed.size > size)
    alert({ what: 'entries are missing', why: `a checkpoint of ${claimed.size} entries was signed`, found: size })
  const { position, tail, previous } = found ?? { position: { seq: 0, h: ZEROS, tsMs: 0 }, tail: null, previous: null }
  return { position, tail, previous, notices: [...tornNotices(dir), ...notices] }
}

interface Examined {
  readonly walk: Walk
  readonly sizeBytes: number
  /** The next seq, counting whole lines behind damage too, and the end and hash of the last of them. */
  readonly seq: number
  readonly h: string
  readonly endBytes: number
  readonly damage: Data | null
}

function examine(fd: number, file: SegmentFile, mark: Mark | null): Examined {
  const { size: sizeBytes, mode } = fstatSync(fd)
  const isTooLarge = sizeBytes > MAX_SEGMENT_BYTES
  const readableBytes = Math.min(sizeBytes, MAX_SEGMENT_BYTES)
  const walk = walkChain(fd, { seq: file.first, prev: file.first === 0 ? ZEROS : null }, readableBytes)
  const whole = walk.bad === null ? null : lastWholeLine(fd, walk.goodBytes, readableBytes)
  const end =
    whole !== null && whole.seq >= walk.seq
      ? { ...whole, seq: whole.seq + 1 }
      : { seq: walk.seq, h: walk.h ?? ZEROS, endBytes: walk.goodBytes }
  const base = { walk, sizeBytes, ...end }
  if (isTooLarge)
    return {
      ...base,
      damage: {
        what: 'the last segment is damaged',
        why: `it is larger than ${MAX_SEGMENT_BYTES} bytes`,
        seq: walk.seq,
      },
    }
  if (walk.bad !== null && (whole !== null || (mark !== null && mark.size > walk.seq)))
    return {
      ...base,
      damage: { what: 'the last segment is damaged', why: walk.bad.why, seq: walk.bad.seq, line: walk.bad.line },
    }
  if (mark !== null && mark.size > walk.seq)
    return {
      ...base,
      damage: { what: 'entries are missing', why: `the mark knew ${mark.size} entries`, found: walk.seq },
    }
  if (mark !== null && mark.seg === file.name && !endsWith(fd, mark))
    return {
      ...base,
      damage: {
        what: 'the last segment was rewritten',
        why: 'the entry at the mark has another hash',
        seq: mark.size - 1,
      },
    }
  if ((mode & 0o200) === 0)
    return {
      ...base,
      damage: {
        what: 'entries are missing',
        why: 'the segment after a sealed one is gone or holds no entry',
        found: walk.seq,
      },
    }
  return { ...base, damage: null }
}

/** Whether the line that ends where the mark says has the mark's hash. */
function endsWith(fd: number, mark: Mark): boolean {
  const bytes = Buffer.alloc(67)
  return readSync(fd, bytes, 0, 67, Math.max(0, mark.off - 67)) === 67 && bytes.toString('latin1') === `${mark.h}"}\n`
}

/** The last segment is sound, but for a torn write at its end, which is cut off. */
function goOn(
  dir: string,
  fd: number,
  file: SegmentFile,
  last: Examined,
  mark: Mark | null,
  fsync: boolean,
): Omit<Recovered, 'notices'> {
  const { goodBytes, goodLines } = last.walk
  if (last.sizeBytes > goodBytes) saveTorn(dir, file.name, goodBytes, readBytes(fd, goodBytes, last.sizeBytes), fsync)
  const writable = openSync(file.path, 'r+')
  try {
    if (last.sizeBytes > goodBytes) ftruncateSync(writable, goodBytes)
    // After a failed flush the kernel may hold bytes that never reached the disk and believe them stored. Whatever is
    // not known to be durable is written again, over itself, so that the next flush covers it.
    const from = mark?.seg === file.name ? mark.off : 0
    for (let at = from; at < goodBytes; at += 1_048_576) {
      const bytes = readBytes(fd, at, Math.min(goodBytes, at + 1_048_576))
      for (let done = 0; done < bytes.length; ) done += writeSync(writable, bytes, done, bytes.length - done, at + done)
    }
    if (fsync && (from < goodBytes || last.sizeBytes > goodBytes)) fdatasyncSync(writable)
  } finally {
    closeSync(writable)
  }
  const tail = { name: file.name, count: goodLines, bytes: goodBytes, hash: hashOf(fd, goodBytes), previous: null }
  return { position: { seq: last.seq, h: last.h, tsMs: tsOf(fd, goodBytes) }, tail, previous: null }
}

/** Damage: the file stays as it is; what counts of it ends with its last whole line. */
function startAnew(fd: number, file: SegmentFile, last: Examined): Omit<Recovered, 'notices'> {
  const sha256 = hashOf(fd, last.endBytes).digest('hex')
  const previous = { name: file.name, sha256, validBytes: last.endBytes, count: last.seq - file.first }
  return { position: { seq: last.seq, h: last.h, tsMs: tsOf(fd, last.endBytes) }, tail: null, previous }
}

/** A segment without an entry makes room for one of the same name. Its bytes are kept. */
function setAside(dir: string, file: SegmentFile, { sizeBytes, damage }: Examined, fsync: boolean): void {
  if (damage !== null && sizeBytes > 0) {
    renameSync(file.path, join(dir, 'aside', `${file.name}-${Date.now()}.damaged`))
    return
  }
  if (sizeBytes > 0) saveTorn(dir, file.name, 0, readFileSync(file.path), fsync)
  unlinkSync(file.path)
}

const PENDING = /^(\d{12})-(\d+)-[0-9a-f]{8}\.bin\.pending$/

/** Keeps torn bytes. The name says `pending` until the entry that tells of them is durable. */
function saveTorn(dir: string, segment: string, offset: number, bytes: Buffer, fsync: boolean): void {
  const name = `${segment}-${offset}-${hash('sha256', bytes, 'hex').slice(0, 8)}.bin.pending`
  const fd = openSync(join(dir, 'aside', name), 'w', 0o600)
  try {
    writeAllSync(fd, bytes)
    if (fsync) fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  if (!fsync) return
  const folder = openSync(join(dir, 'aside'), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function tornNotices(dir: string): Notice[] {
  return readdirSync(join(dir, 'aside'))
    .sort()
    .slice(0, 64)
    .flatMap(name => {
      const found = PENDING.exec(name)
      if (found === null) return []
      const savedAs = name.slice(0, -'.pending'.length)
      const bytes = readFileSync(join(dir, 'aside', name))
      const data = {
        segment: found[1] ?? '',
        offset: Number(found[2]),
        bytes: bytes.length,
        sha256: hash('sha256', bytes, 'hex'),
        savedAs,
      }
      const told = (): void => renameSync(join(dir, 'aside', name), join(dir, 'aside', savedAs))
      return [{ draft: { kind: 'ledger.torn', data }, told } as const]
    })
}

function readBytes(fd: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(to - from)
  for (let at = 0; at < bytes.length; ) {
    const got = readSync(fd, bytes, at, bytes.length - at, from + at)
    if (got === 0) return bytes.subarray(0, at)
    at += got
  }
  return bytes
}

function hashOf(fd: number, endBytes: number): ReturnType<typeof createHash> {
  const running = createHash('sha256')
  for (let at = 0; at < endBytes; at += 1_048_576) running.update(readBytes(fd, at, Math.min(endBytes, at + 1_048_576)))
  return running
}

/** Wall clock of the entry whose line ends at `endBytes`; 0 when it can't be told. */
function tsOf(fd: number, endBytes: number): number {
  const bytes = readBytes(fd, Math.max(0, endBytes - MAX_LINE_BYTES), endBytes - 1)
  const line = bytes.toString('utf8', bytes.lastIndexOf(10) + 1)
  const checked = checkLine(line.slice(line.lastIndexOf('{"v":1,"seq":')))
  return checked.ok ? Date.parse(checked.entry.ts) : 0
}
