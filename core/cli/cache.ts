import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { codeOf } from '../fault.ts'

/**
 * Switches on Node's compile cache in `<state>/cache`. Cached code is run, so the folder must be ours alone: never a
 * shared temporary folder, never one that another user owns or may write to. Without it heald only starts slower.
 * @param create make the state folder if it is missing (only `up` does; a question leaves no trace)
 */
export function openCompileCache(state: string, create: boolean): void {
  const folder = join(state, 'cache')
  try {
    if (create) mkdirSync(state, { recursive: true, mode: 0o700 })
    if (!isOurs(state, 0o022)) return
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (isOurs(folder, 0o077)) enableCompileCache(folder)
  } catch (error) {
    // Missing, not ours, read-only or full: all of them mean "no cache", and whoever needs the folder says so itself.
    if (codeOf(error) === 'unknown') throw error
  }
}

function isOurs(folder: string, othersMode: number): boolean {
  const stat = lstatSync(folder)
  return stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & othersMode) === 0
}
