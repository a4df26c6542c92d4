import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** Where programs are when nothing says so. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The file that running `program` from the folder `cwd` would execute, as execvp(3) finds it: along `path` (folders
 * with colons between), unless the name has a slash. Undefined when there is none that we may execute.
 */
export async function findProgram(program: string, path: string, cwd: string): Promise<string | undefined> {
  if (program === '') return undefined
  const candidates = program.includes('/')
    ? [resolve(cwd, program)]
    : path.split(':').map(folder => join(resolve(cwd, folder), program))
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
