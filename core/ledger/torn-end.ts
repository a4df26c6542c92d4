import { closeSync, fstatSync, openSync } from 'node:fs'
import { lastWholeLine, UNFINISHED } from './chain.ts'
import type { Mark } from './head.ts'
import { MAX_SEGMENT_BYTES } from './segment.ts'
import type { Joined } from './verify-join.ts'
import type { Planned } from './verify-plan.ts'
import type { TreeWalk } from './verify-walk.ts'

/**
 * Whether all that is wrong are bad bytes at the end with no whole line after them: what a start sets aside (`recover.ts`
 * judges by the same rules). `mark` is one whose entry is there. It asks this only after a bad end was found, so it costs
 * nothing otherwise. What a writer has added since the last look tells nothing of the bytes that were seen.
 */
export function isTornEnd(
  plan: readonly Planned[],
  walks: readonly TreeWalk[],
  { firstBad }: Joined,
  mark: Mark | null,
): boolean {
  const bad = plan.findIndex(({ file }) => file.name === firstBad?.segment)
  const walk = walks[bad]
  if (!walk?.bad || firstBad?.seq !== walk.bad.seq || firstBad.line !== walk.bad.line) return false
  // What follows a sealed segment held entries once.
  if (walk.goodLines === 0 && plan[bad - 1]?.isSealed) return false
  // Segments behind it that were begun and never got an entry count for nothing.
  return plan.slice(bad).every(({ file, task, isSealed }, index) => {
    const isLater = index > 0
    if (isSealed || (isLater && mark !== null && mark.size > file.first)) return false
    if (isLater) return isWithoutEntry(file.path, 0, task.validBytes)
    // No line end was seen behind the good lines, so no whole line either.
    if (walk.bad?.why === UNFINISHED) return walk.seenBytes <= MAX_SEGMENT_BYTES
    return isWithoutEntry(file.path, walk.goodBytes)
  })
}

/** No whole line follows before `toBytes` (left out: the end), wherever it belongs. */
export function isWithoutEntry(path: string, fromBytes: number, toBytes = Number.POSITIVE_INFINITY): boolean {
  const fd = openSync(path, 'r')
  try {
    const size = Math.min(fstatSync(fd).size, toBytes)
    return size <= MAX_SEGMENT_BYTES && lastWholeLine(fd, fromBytes, size) === null
  } finally {
    closeSync(fd)
  }
}
