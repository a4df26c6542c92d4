import { constants } from 'node:fs'
import { access, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { TargetFault } from './target-fault.ts'

/** Where a dead-man's programs are found for as long as it stands, whatever becomes of PATH's folders. */
export interface PinnedTools {
  readonly sh: string
  /** Their folders, as PATH has them. */
  readonly path: string
}

const NEEDED = ['sh', 'sleep', 'env', 'flock', 'ln', 'mv', 'readlink', 'rm', 'setsid', 'sync', 'timeout', 'tr', 'cat']

/**
 * Finds the programs that a dead-man needs, by what they are and not by how they are reached: on NixOS the very switch
 * that it is to undo may take `/run/current-system/sw/bin` away. Rejects with `deadman.tools` when one is missing.
 */
export async function pinTools(search: string, more: readonly string[] = []): Promise<PinnedTools> {
  const folders = new Map<string, string>()
  const missing: string[] = []
  for (const tool of [...NEEDED, ...more]) {
    const found = await findProgram(tool, search)
    if (found === null) missing.push(tool)
    else folders.set(tool, await pinnedFolder(found))
  }
  const shell = folders.get('sh')
  if (missing.length > 0 || shell === undefined) {
    const words = `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not on PATH`
    throw new TargetFault('deadman.tools', `what is to lead back without heald can't be armed: ${words}`, {
      hint: 'Install coreutils and util-linux, or put them on the PATH that heald is started with.',
    })
  }
  return { sh: join(shell, 'sh'), path: [...new Set(folders.values())].join(':') }
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
