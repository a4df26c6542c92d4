import { existsSync, mkdirSync } from 'node:fs'
import { dirname, sep } from 'node:path'
import { codeOf, Fault, messageOf } from '../fault.ts'

/** Makes a folder, and those that it is in. Node's own way never ends where the system says ENOENT, as it does in /proc. */
export function makeFolder(folder: string, mode = 0o777): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder), mode)
  try {
    mkdirSync(folder, mode)
  } catch (error) {
    // Somebody else was quicker.
    if (codeOf(error) !== 'EEXIST' || !existsSync(folder)) throw error
  }
}

/** Whether there is no room left where something was to be written. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
}

/** Only what is in the folder is written: the ledger is read. */
const WRITING: readonly unknown[] = ['write', 'fsync']

/**
 * Does what writes to a folder that a person has named. What hinders it there is a Fault: `folder.full`, or
 * `folder.unusable`, such as a file in its place.
 */
export async function writingTo<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isFull(error))
      throw new Fault('folder.full', `the disk that holds ${folder} is full`, {
        hint: 'make room on it, or name a folder on another one',
        cause: error,
      })
    if (!isIn(folder, error)) throw error
    throw new Fault('folder.unusable', `${folder} can't be written: ${messageOf(error)}`, {
      hint: 'name a folder that you may write to; one that is not there yet is made',
      cause: error,
    })
  }
}

/** Whether the system refused something in the folder, or in what it is in; not in the ledger, which is read meanwhile. */
function isIn(folder: string, error: unknown): boolean {
  const { path, syscall } = error as NodeJS.ErrnoException
  if (path === undefined) return WRITING.includes(syscall)
  return `${path}${sep}`.startsWith(`${folder}${sep}`) || folder.startsWith(`${path}${sep}`)
}
