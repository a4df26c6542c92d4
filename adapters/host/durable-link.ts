import { constants } from 'node:fs'
import { open, rename, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Makes the link `path` lead to `target`, at once and for good: a new link beside it, renamed over it, and the folder
 * written to the disk. Without the last step a power cut brings the old link back. Works on a full disk, since neither
 * a short link nor a replaced name takes room. Whoever calls holds the lock of `path`, and has taken away what a kill may
 * have left at `besideOf(path)`.
 */
export async function moveLink(path: string, target: string): Promise<void> {
  const beside = besideOf(path)
  await symlink(target, beside)
  await rename(beside, path)
  await syncFolder(dirname(path))
}

/** The name under which a link is made before it takes its place. */
export function besideOf(path: string): string {
  return join(dirname(path), `.heald_${basename(path)}`)
}

/** Writes a folder's names to the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
