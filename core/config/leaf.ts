import { z } from 'zod'
import { formatDuration, parseDuration } from './duration.ts'
import { type Read, readFlag, readInteger, readText } from './read.ts'
import { formatSize, parseSize } from './size.ts'
import { readArgv } from './words.ts'

/** The single values that maps of the schema are made of. */

/** A value read by `read`; what it finds wrong becomes a zod issue with a hint. */
export function leaf<T>(read: (value: unknown) => Read<T>) {
  return z.unknown().transform((value, context): T => {
    const result = read(value)
    if ('value' in result) return result.value
    context.issues.push({
      code: 'custom',
      message: result.problem,
      input: undefined,
      params: { hint: result.hint },
      path: [...(result.at ?? [])],
    })
    return z.NEVER
  })
}

/** Longest duration a timer can take is 24.8 days; no setting needs it. */
const MAX_DURATION_MS = 24 * 86_400_000

export const duration = (minMs: number, maxMs: number = MAX_DURATION_MS) =>
  leaf<number>(value => {
    const read = parseDuration(value)
    if (!('value' in read)) return read
    const ms = Math.round(read.value)
    if (ms < minMs) return { problem: 'is too short', hint: `write at least ${formatDuration(minMs)}` }
    if (ms > maxMs) return { problem: 'is too long', hint: `write at most ${formatDuration(maxMs)}` }
    return { value: ms }
  })

export const size = (minBytes: number) =>
  leaf<number>(value => {
    const read = parseSize(value)
    if ('value' in read && read.value < minBytes)
      return { problem: 'is too small', hint: `write at least ${formatSize(minBytes)}` }
    return read
  })

export const integer = (min: number, max: number) => leaf<number>(value => readInteger(value, min, max))
export const text = (example: string) => leaf<string>(value => readText(value, example))
export const flag = leaf<boolean>(readFlag)
export const argv = leaf<string[]>(readArgv)

/** Of a list only the first `most` are read: relations say when there are more, reading all would only fill the memory. */
export const listOf = <T extends z.ZodType>(item: T, most: number) =>
  z.preprocess((value: unknown): unknown => (Array.isArray(value) ? value.slice(0, most) : value), z.array(item))
