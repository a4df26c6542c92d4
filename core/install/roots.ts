import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/**
 * Lets Nix collect the generations that heald has kept in `state` so that it could roll back to them: removes the links that
 * are its roots. What else is there stays, and a heald that comes again keeps them again. May be called again.
 */
export async function letGoOfRoots(state: string): Promise<void> {
  const folder = join(state, 'switch')
  for (const target of await namesIn(folder)) {
    const roots = join(folder, target, 'roots')
    const links = [join(folder, target, 'candidate'), ...(await namesIn(roots)).map(name => join(roots, name))]
    for (const link of links) {
      const found = await lstat(link).catch(() => null)
      if (found?.isSymbolicLink()) await rm(link, { force: true })
    }
  }
}
