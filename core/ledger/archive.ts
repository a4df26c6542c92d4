import { createHash, hash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { disk, segmentName } from './files.ts'
import type { Sealed } from './prune-plan.ts'
import { prunedMeanwhile } from './pruned-meanwhile.ts'

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
 * its name. One that is there already is compared only. Several may do so at once, of one ledger, into one folder. Faults:
 * `ledger.damaged`, `ledger.pruned`, `archive.other`, `archive.broken`.
 */
export async function archiveSegments(
  folder: string,
  segments: readonly Sealed[],
  { onProgress, signal }: ArchiveOptions = {},
): Promise<Archived> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  await disk.syncFolder(dirname(folder))
  await removeLeft(folder)
  const allBytes = segments.reduce((sum, { validBytes }) => sum + validBytes, 0)
  let doneBytes = 0
  let bytes = 0
  const lines: string[] = []
  for (const segment of segments) {
    signal?.throwIfAborted()
    const name = `${segment.file.name}.jsonl.zst`
    const stored = await store(segment, join(folder, name), signal)
    lines.push(`${stored.sha256}  ${name}\n`)
    bytes += stored.bytes
    doneBytes += segment.validBytes
    onProgress?.(doneBytes, allBytes)
  }
  const list = `${segmentName(segments[0]?.file.first ?? 0)}-${segmentName(segments.at(-1)?.end ?? 0)}.sha256`
  await writeList(join(folder, list), lines.join(''))
  return { list, sha256: hash('sha256', lines.join(''), 'hex'), folder, segments: segments.length, bytes }
}

async function store({ file, validBytes, sha256 }: Sealed, path: string, signal?: AbortSignal): Promise<Stored> {
  if (existsSync(path)) {
    const stored = await readBack(path, signal)
    if (stored.contentSha256 === sha256) return stored
    throw new Fault('archive.other', `${path} is there already, and holds something else`, {
      hint: 'name another folder, or look whose it is: nothing is overwritten',
    })
  }
  const temporary = temporaryOf(path)
  try {
    await compress(file.path, temporary, { validBytes, sha256 }, signal)
    await sync(temporary)
    const stored = await readBack(temporary, signal)
    if (stored.contentSha256 !== sha256)
      throw new Fault('archive.broken', `what was written for ${path} reads otherwise`, {
        hint: 'the disk of the archive is not to be trusted',
      })
    await disk.rename(temporary, path)
    return stored
  } catch (error) {
    await disk.remove(temporary)
    if (codeOf(error) === 'ENOENT' && !existsSync(file.path)) throw prunedMeanwhile(error)
    throw error
  }
}

async function compress(
  from: string,
  to: string,
  { validBytes, sha256 }: Pick<Sealed, 'validBytes' | 'sha256'>,
  signal?: AbortSignal,
): Promise<void> {
  const content = createHash('sha256')
  await pipeline(
    createReadStream(from, { end: validBytes - 1 }),
    passing(chunk => content.update(chunk)),
    createZstdCompress(),
    createWriteStream(to, { flags: 'wx', mode: 0o600 }),
    { ...(signal === undefined ? {} : { signal }) },
  )
  if (content.digest('hex') !== sha256)
    throw new Fault('ledger.damaged', `${from} is not the segment that the entry after it tells of`, {
      hint: 'nothing was pruned; "heald ledger verify" says more',
    })
}

async function writeList(path: string, text: string): Promise<void> {
  const temporary = temporaryOf(path)
  await writeFile(temporary, text, { flag: 'wx', mode: 0o600, flush: true })
  await disk.rename(temporary, path)
  await disk.syncFolder(dirname(path))
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
  for (const name of readdirSync(folder).filter(each => TEMPORARY.test(each))) {
    const changedMs = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs
    if (changedMs !== undefined && Date.now() - changedMs > LEFT_MS) await disk.remove(join(folder, name))
  }
}

interface Stored {
  /** Of the file, and of what is in it, hex. */
  readonly sha256: string
  readonly contentSha256: string
  readonly bytes: number
}

async function readBack(path: string, signal?: AbortSignal): Promise<Stored> {
  const [file, content] = [createHash('sha256'), createHash('sha256')]
  let bytes = 0
  try {
    await pipeline(
      createReadStream(path),
      passing(chunk => {
        file.update(chunk)
        bytes += chunk.length
      }),
      createZstdDecompress(),
      async chunks => {
        for await (const chunk of chunks as AsyncIterable<Buffer>) content.update(chunk)
      },
      { ...(signal === undefined ? {} : { signal }) },
    )
  } catch (error) {
    signal?.throwIfAborted()
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

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
