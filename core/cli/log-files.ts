import { type FileHandle, open } from 'node:fs/promises'
import { codeOf } from '../fault.ts'

/**
 * A service's log as one stream of bytes. The service itself appends to the file; the daemon rotates by copying the end
 * to `.1` and truncating, so a reader has to notice that the file became shorter and look for the rest in the copy.
 */
const CHUNK_BYTES = 64 * 1024
/** Enough of what was read last to find the place again in the rotated copy. */
const LANDMARK_BYTES = 1024

export interface Place {
  /** Bytes of the current file that were read. */
  readonly offset: number
  /** The last of them. */
  readonly landmark: Buffer
}

export const BEGINNING: Place = { offset: 0, landmark: Buffer.alloc(0) }

/**
 * What stands before `end` in `path`, from the start of its last `lines` lines, at most `maxBytes`; null when there is
 * no such file.
 */
export async function lastLines(path: string, end: number, lines: number, maxBytes: number): Promise<Buffer | null> {
  if (lines === 0 || maxBytes <= 0) return Buffer.alloc(0)
  const file = await openIfThere(path)
  if (file === null) return null
  try {
    const size = Math.min(end, (await file.stat()).size)
    const chunks: Buffer[] = []
    let from = size
    // The end of the last line does not begin another one.
    let ends = -1
    while (from > 0 && size - from < maxBytes) {
      const to = from
      from = Math.max(0, to - CHUNK_BYTES, size - maxBytes)
      const chunk = await readAll(file, from, to)
      if (to === size && chunk.at(-1) !== 10) ends = 0
      for (let at = chunk.lastIndexOf(10); at >= 0; at = at === 0 ? -1 : chunk.lastIndexOf(10, at - 1)) {
        ends++
        if (ends >= lines) return Buffer.concat([chunk.subarray(at + 1), ...chunks])
      }
      chunks.unshift(chunk)
    }
    return Buffer.concat(chunks)
  } finally {
    await file.close()
  }
}

/** Where reading goes on after all that is there now. */
export async function endOf(path: string): Promise<Place> {
  const file = await openIfThere(path)
  if (file === null) return BEGINNING
  try {
    const { size } = await file.stat()
    return { offset: size, landmark: await readAll(file, Math.max(0, size - LANDMARK_BYTES), size) }
  } finally {
    await file.close()
  }
}

/** Hands what was written since `place` to `take`, in pieces, and answers with the new place. */
export async function readOn(path: string, place: Place, take: (bytes: Buffer) => void): Promise<Place> {
  const file = await openIfThere(path)
  if (file === null) return place
  try {
    const { size } = await file.stat()
    if (size >= place.offset) return await readFrom(file, place, size, take)
    const copy = await openIfThere(`${path}.1`)
    if (copy !== null) {
      try {
        await takeRest(copy, place.landmark, take)
      } finally {
        await copy.close()
      }
    }
    return await readFrom(file, BEGINNING, size, take)
  } finally {
    await file.close()
  }
}

async function readFrom(file: FileHandle, place: Place, size: number, take: (bytes: Buffer) => void): Promise<Place> {
  let { offset, landmark } = place
  while (offset < size) {
    const bytes = await readAll(file, offset, Math.min(size, offset + CHUNK_BYTES))
    if (bytes.length === 0) break
    take(bytes)
    offset += bytes.length
    landmark = Buffer.concat([landmark, bytes]).subarray(-LANDMARK_BYTES)
  }
  return { offset, landmark }
}

/** What stands after the last place in `copy` that looks like `landmark`. Nothing, when it was rotated out of it. */
async function takeRest(copy: FileHandle, landmark: Buffer, take: (bytes: Buffer) => void): Promise<void> {
  if (landmark.length === 0) return
  const { size } = await copy.stat()
  let after = Buffer.alloc(0)
  for (let to = size; to > 0; to -= CHUNK_BYTES) {
    const chunk = await readAll(copy, Math.max(0, to - CHUNK_BYTES), to)
    after = Buffer.concat([chunk, after])
    const at = after.lastIndexOf(landmark)
    if (at >= 0) {
      take(after.subarray(at + landmark.length))
      return
    }
    if (after.length > 64 * CHUNK_BYTES) return
  }
}

async function readAll(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const bytes = Buffer.alloc(to - from)
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, from + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
