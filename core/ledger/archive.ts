import { createHash, hash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, lstatSync, readdirSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { disk, segmentName } from './files.ts'
import { NotPlain, openPlain, readPlain } from './plain-file.ts'
import type { Sealed } from './prune-plan.ts'
import { prunedMeanwhile } from './pruned-meanwhile.ts'
import { makeFolder, writingTo } from './target-folder.ts'

export interface Archived {
  /** Name of the list of all that was archived now, in the form of `sha256sum`, beside what it lists. */
  readonly list: string
  /** SHA-256 of that list, hex. */
  readonly sha256: string
  readonly folder: string
  readonly segments: number
  /** As they are stored. */
  readonly bytes: number
}

export interface ArchiveOptions {
  /** Called with the number of bytes done so far and in all. */
  readonly onProgress?: (doneBytes: number, allBytes: number) => void
  readonly signal?: AbortSignal
}

/**
 * Writes segments to `folder`, compressed (zstd), each read back and compared with what the ledger tells of it before it gets
 * its name. One that is there already is compared only. Several may do so at once, into one folder: nobody's file is
 * replaced. Faults: `ledger.damaged`, `ledger.pruned`, `archive.other`, `archive.broken`, those of `writingTo`.
 */
export function archiveSegments(
  folder: string,
  segments: readonly Sealed[],
  options: ArchiveOptions = {},
): Promise<Archived> {
  return writingTo(folder, () => writeArchive(folder, segments, options))
}

async function writeArchive(
  folder: string,
  segments: readonly Sealed[],
  { onProgress, signal }: ArchiveOptions,
): Promise<Archived> {
  makeFolder(folder, 0o700)
  await disk.syncFolder(dirname(folder))
  await removeLeft(folder)
  const allBytes = segments.reduce((sum, { validBytes }) => sum + validBytes, 0)
  let doneBytes = 0
  let bytes = 0
  const lines: string[] = []
  for (const segment of segments) {
    signal?.throwIfAborted()
    const file = `${segment.file.name}.jsonl.zst`
    const stored = await store(segment, join(folder, file), signal)
    lines.push(`${stored.sha256}  ${file}\n`)
    bytes += stored.bytes
    doneBytes += segment.validBytes
    onProgress?.(doneBytes, allBytes)
  }
  const list = `${segmentName(segments[0]?.file.first ?? 0)}-${segmentName(segments.at(-1)?.end ?? 0)}.sha256`
  await writeList(join(folder, list), lines.join(''))
  return { list, sha256: hash('sha256', lines.join(''), 'hex'), folder, segments: segments.length, bytes }
}

async function store(segment: Sealed, path: string, signal?: AbortSignal): Promise<Stored> {
  const { file, validBytes, sha256 } = segment
  const temporary = temporaryOf(path)
  try {
    if (existsSync(path)) {
      const stored = await storedThere(segment, path, signal)
      // The entry after it may lie, and what is there fit the lie: it must fit the segment.
      await mustBeAsTold(segment, signal)
      return stored
    }
    await mustBeAsTold(segment, signal, temporary)
    await sync(temporary)
    const stored = await readBack(temporary, validBytes, signal)
    if (stored.contentSha256 !== sha256)
      throw new Fault('archive.broken', `what was written for ${path} reads otherwise`, {
        hint: 'the disk of the archive is not to be trusted',
      })
    return (await name(temporary, path)) ? stored : await storedThere(segment, path, signal)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && !existsSync(file.path)) throw prunedMeanwhile(error)
    throw error
  } finally {
    await removeIfItCan(temporary)
  }
}

/** The file that has the name already. */
async function storedThere({ validBytes, sha256 }: Sealed, path: string, signal?: AbortSignal): Promise<Stored> {
  const stored = await readBack(path, validBytes, signal)
  if (stored.contentSha256 !== sha256) throw otherThere(path)
  // Whoever put it there may not have waited for the disk.
  await sync(path)
  return stored
}

function otherThere(path: string): Fault {
  return new Fault('archive.other', `${path} is there already, and holds something else`, {
    hint: 'name another folder, or look whose it is: nothing is overwritten',
  })
}

/** Where a file can have one name only: disks for cameras, and some that are shared in a network. */
const NO_LINKS: readonly string[] = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK']

/** Gives a file its name, unless one has it: of two at once the second must not replace what the first has told of. */
async function name(temporary: string, path: string): Promise<boolean> {
  try {
    await disk.link(temporary, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    if (!NO_LINKS.includes(codeOf(error))) throw error
    if (existsSync(path)) return false
    await disk.rename(temporary, path)
    return true
  }
}

/** Throws a Fault (`ledger.damaged`) where the segment is not as the entry after it tells; writes it compressed `to` a file. */
async function mustBeAsTold({ file, validBytes, sha256 }: Sealed, signal?: AbortSignal, to?: string): Promise<void> {
  const content = createHash('sha256')
  const steps = [createReadStream(file.path, { end: validBytes - 1 }), passing(chunk => content.update(chunk))] as const
  const options = signal === undefined ? {} : { signal }
  if (to === undefined) await pipeline(...steps, drain, options)
  else await pipeline(...steps, createZstdCompress(), createWriteStream(to, { flags: 'wx', mode: 0o600 }), options)
  if (content.digest('hex') !== sha256)
    throw new Fault('ledger.damaged', `${file.path} is not the segment that the entry after it tells of`, {
      hint: 'nothing was pruned; "heald ledger verify" says more',
    })
}

async function writeList(path: string, text: string): Promise<void> {
  const temporary = temporaryOf(path)
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: 0o600, flush: true })
    if (!(await name(temporary, path)) && textOf(path, text.length) !== text) throw otherThere(path)
    await sync(path)
  } finally {
    await removeIfItCan(temporary)
  }
  await disk.syncFolder(dirname(path))
}

/** Null when it can't be the text of a list of so many bytes. */
function textOf(path: string, mostBytes: number): string | null {
  try {
    return readPlain(path, mostBytes)
  } catch (error) {
    if (error instanceof NotPlain) return null
    throw error
  }
}

/** A name of one's own: of two that write to one file, the one cuts what the other has read back. */
function temporaryOf(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`
}

const TEMPORARY = /^\d{12}(?:\.jsonl\.zst|-\d{12}\.sha256)(?:\.[0-9a-f]{12})?\.tmp$/
/** To write a segment takes seconds. */
const LEFT_MS = 3_600_000

/** What killed ones left behind. */
async function removeLeft(folder: string): Promise<void> {
  for (const left of readdirSync(folder).filter(each => TEMPORARY.test(each))) {
    const changedMs = lstatSync(join(folder, left), { throwIfNoEntry: false })?.mtimeMs
    if (changedMs !== undefined && Date.now() - changedMs > LEFT_MS) await removeIfItCan(join(folder, left))
  }
}

/** Nobody needs its name again: one that stays, such as another user's, is no reason to end without an archive. */
async function removeIfItCan(path: string): Promise<void> {
  try {
    await disk.remove(path)
  } catch (error) {
    process.emitWarning(`${path} is of no use any more, and can't be removed: ${messageOf(error)}`)
  }
}

interface Stored {
  /** Of the file, and of what is in it, hex. */
  readonly sha256: string
  readonly contentSha256: string
  readonly bytes: number
}

/** No compression makes something this much larger. */
const MOST_GROWTH = 2
const MOST_FRAME_BYTES = 65_536

/**
 * Reads on to `mostBytes` of what is in it only, and to what these can take in the file: a small file may hold zeros without
 * end, and an endless one nothing. Then the hashes are ''.
 */
async function readBack(path: string, mostBytes: number, signal?: AbortSignal): Promise<Stored> {
  const [file, content] = [createHash('sha256'), createHash('sha256')]
  let [bytes, contentBytes] = [0, 0]
  const isTooMuch = (): boolean => contentBytes > mostBytes || bytes > MOST_GROWTH * mostBytes + MOST_FRAME_BYTES
  const mustEnd = (): void => {
    if (isTooMuch()) throw new Error('it holds more than it should')
  }
  try {
    await pipeline(
      createReadStream(path, { fd: openPlain(path) }),
      passing(chunk => {
        file.update(chunk)
        bytes += chunk.length
        mustEnd()
      }),
      createZstdDecompress(),
      async chunks => {
        for await (const chunk of chunks as AsyncIterable<Buffer>) {
          contentBytes += chunk.length
          mustEnd()
          content.update(chunk)
        }
      },
      { ...(signal === undefined ? {} : { signal }) },
    )
  } catch (error) {
    signal?.throwIfAborted()
    if (isTooMuch()) return { sha256: '', contentSha256: '', bytes }
    throw new Fault('archive.broken', `${path} can't be read back: ${messageOf(error)}`, { cause: error })
  }
  return { sha256: file.digest('hex'), contentSha256: content.digest('hex'), bytes }
}

/** A step of a pipeline that looks at what passes. */
function passing(look: (chunk: Buffer) => void) {
  return async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      look(chunk)
      yield chunk
    }
  }
}

/** The end of a pipeline of which nothing is kept. */
async function drain(chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const _ of chunks);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
