import { closeSync, fstatSync, openSync } from 'node:fs'
import { lastWholeLine } from './chain.ts'
import type { Mark } from './head.ts'
import { MAX_SEGMENT_BYTES } from './segment.ts'
import type { Joined } from './verify-join.ts'
import type { Planned } from './verify-plan.ts'
import type { TreeWalk } from './verify-walk.ts'

/**
 * Whether all that is wrong are bad bytes at the end with no whole line after them: what a start sets aside (`recover.ts`
 * judges by the same rules). `mark` is one whose entry is there. It asks this only after a bad end was found, so it costs
 * nothing otherwise.
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
  return plan.slice(bad).every(({ file, isSealed }, index) => {
    const isLater = index > 0
    if (isSealed || (isLater && mark !== null && mark.size > file.first)) return false
    return isWithoutEntry(file.path, isLater ? 0 : walk.goodBytes)
  })
}

/** No whole line follows, wherever it belongs. */
export function isWithoutEntry(path: string, fromBytes: number): boolean {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    return size <= MAX_SEGMENT_BYTES && lastWholeLine(fd, fromBytes, size) === null
  } finally {
    closeSync(fd)
  }
}
