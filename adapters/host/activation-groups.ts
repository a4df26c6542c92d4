import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { findHierarchies, removeGroup } from './cgroup.ts'

/** The folder of this target's groups, one for each run: a service that a run has started may live on in its own. */
export function groupsOf(path: string): string | null {
  const { unified } = findHierarchies()
  const name = `heald-target-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`
  return unified === null ? null : join(unified, name)
}

/** Removes the groups of earlier runs of the target at `path` in which nothing is left, and their folder with the last. */
export function sweepGroups(path: string): void {
  const groups = groupsOf(path)
  if (groups === null || !existsSync(groups)) return
  try {
    removeEmpty(groups)
  } catch {
    // Somebody else has removed them meanwhile, or they may not be read: they cost nothing.
  }
  removeGroup(groups)
}

function removeEmpty(groups: string): void {
  for (const entry of readdirSync(groups, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroup(join(groups, entry.name))
}

/** Makes a group for a run and removes empty ones of earlier runs; null where groups can't be made. */
export function freshGroup(groups: string | null): string | null {
  if (groups === null) return null
  try {
    mkdirSync(groups, { recursive: true })
    removeEmpty(groups)
    const group = join(groups, `${process.pid}-${Date.now()}`)
    mkdirSync(group)
    return group
  } catch {
    // Without a group a run is killed by its session.
    return null
  }
}
