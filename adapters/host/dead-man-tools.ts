import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { TargetFault } from './target-fault.ts'

/** Where a dead-man's programs are found for as long as it stands, whatever becomes of PATH's folders. */
export interface PinnedTools {
  readonly sh: string
  readonly flock: string
  /** Their folders, as PATH has them. */
  readonly path: string
  /** Every program, by its pinned path. */
  readonly programs: readonly string[]
}

/** `heald doctor` looks for the same. */
export const NEEDED = [
  'sh',
  'sleep',
  'env',
  'flock',
  'ln',
  'mv',
  'readlink',
  'rm',
  'setsid',
  'sync',
  'timeout',
  'tr',
  'cat',
]

/**
 * Finds the programs that a dead-man needs, by what they are and not by how they are reached: on NixOS the very switch
 * that it is to undo may take `/run/current-system/sw/bin` away. Rejects with `deadman.tools` when one is missing.
 */
export async function pinTools(search: string, more: readonly string[] = []): Promise<PinnedTools> {
  const names = [...NEEDED, ...more]
  const found = await Promise.all(
    names.map(async name => {
      const program = await findProgram(name, search)
      return program === null ? null : join(await pinnedFolder(program), name)
    }),
  )
  const programs = found.filter(program => program !== null)
  const [sh, flock] = ['sh', 'flock'].map(name => programs.find(program => basename(program) === name))
  if (programs.length < names.length || sh === undefined || flock === undefined) {
    const missing = names.filter((_, at) => found[at] === null)
    const words = `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not on PATH`
    throw new TargetFault('deadman.tools', `what is to lead back without heald can't be armed: ${words}`, {
      hint: 'Install coreutils and util-linux, or put them on the PATH that heald is started with.',
    })
  }
  return { sh, flock, path: [...new Set(programs.map(dirname))].join(':'), programs }
}

/** Whether all of them are still there: what was pinned months ago may have been updated away, or collected. */
export async function areThere({ programs }: PinnedTools): Promise<boolean> {
  return (await Promise.all(programs.map(isProgram))).every(Boolean)
}

/** The program that a shell would run; null when there is none. */
export async function findProgram(name: string, search: string): Promise<string | null> {
  for (const folder of search.split(':')) {
    // What stands in the working directory is nobody's tool.
    if (isAbsolute(folder) && (await isProgram(join(folder, name)))) return join(folder, name)
  }
  return null
}

/** The real folder; where many names are one binary (busybox) it goes by the name, so there the link's own folder. */
async function pinnedFolder(found: string): Promise<string> {
  const real = dirname(await realpath(found))
  return (await isProgram(join(real, basename(found)))) ? real : dirname(found)
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
