import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { errnoOf, faultOf, TargetFault } from './target-fault.ts'

/**
 * A folder that somebody else may own, opened so that its owner can't lead us out of it.
 *
 * Life of a guarded folder
 *
 * 1. The path is walked from the root, one component at a time, each opened by its name in the one before it
 *    (`/proc/self/fd/N/name` is Linux's openat for programs that have none) and never through a link.
 * 2. Each component, once open, says who owns it and who may write in it. Somebody else could swap the next component.
 * 3. Whatever is done later is done with a single name below the open descriptor, and by calls that don't follow a link
 *    at the end (readlink, symlink, rename, unlink, lstat). The folder may be renamed or replaced meanwhile: we
 *    stay in the one that was checked.
 *
 * A name is never put together from more than one component here: the kernel would follow links in the middle.
 */
export interface GuardedFolder {
  /** As it was asked for: for words to people, never for system calls. */
  readonly path: string
  /** Open for reading and fsync. */
  readonly handle: FileHandle
  /** The folder's own path by its descriptor. */
  readonly self: string
  readonly stats: Stats
  /** The path of an entry by the folder's descriptor; good as long as it is open. */
  at(name: string): string
  /** Opens a folder inside, under the same guard. */
  enter(name: string): Promise<GuardedFolder>
  close(): Promise<void>
}

/** The user who may own folders and write in them, besides root and ourselves. */
export interface Trusted {
  readonly uid: number
  readonly gid: number
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
/** open(2), the same on all architectures Node runs on. A component above the last needs only the right to pass through. */
const O_PATH = 0o10000000
const STICKY = 0o1000

/** Opens an absolute path, or rejects with a Fault: `target.missing`, `.link`, `.file`, `.unsafe`, `.denied`. */
export async function openGuarded(path: string, trusted: Trusted): Promise<GuardedFolder> {
  const names = path.split('/').filter(part => part !== '')
  const last = names.pop()
  const opened: FileHandle[] = []
  try {
    if (last === undefined) return await guardedFolder(path, await open('/', O_RDONLY | O_DIRECTORY), trusted)
    let above = await open('/', O_PATH | O_DIRECTORY)
    opened.push(above)
    let at = ''
    for (const name of names) {
      const next = await openBelow(above, at, name, O_PATH, trusted)
      opened.push(next)
      above = next
      at += `/${name}`
    }
    return await guardedFolder(path, await openBelow(above, at, last, O_RDONLY, trusted), trusted)
  } catch (error) {
    throw faultOf(error, path)
  } finally {
    await Promise.all(opened.map(handle => handle.close()))
  }
}

/** Opens a component while the one above it is asked who may write in it: opening alone does nothing. */
async function openBelow(
  above: FileHandle,
  at: string,
  name: string,
  mode: number,
  trusted: Trusted,
): Promise<FileHandle> {
  const [stats, next] = await Promise.allSettled([at === '' ? null : above.stat(), openEntry(above, at, name, mode)])
  try {
    if (stats.status === 'rejected') throw stats.reason
    if (stats.value !== null) refuse(stats.value, at, trusted, true)
  } catch (error) {
    if (next.status === 'fulfilled') await next.value.close()
    throw error
  }
  if (next.status === 'rejected') throw next.reason
  return next.value
}

async function openEntry(folder: FileHandle, at: string, name: string, mode: number): Promise<FileHandle> {
  const entry = `/proc/self/fd/${folder.fd}/${name}`
  const path = `${at}/${name}`
  try {
    return await open(entry, mode | O_DIRECTORY | O_NOFOLLOW)
  } catch (error) {
    const code = errnoOf(error)
    if (code !== 'ENOTDIR' && code !== 'ELOOP') throw faultOf(error, path)
    // Only for the words: whatever it was, it was not opened.
    const isLink = await lstat(entry).then(
      stats => stats.isSymbolicLink(),
      () => false,
    )
    throw isLink
      ? new TargetFault('target.link', `${path} is a link, and could be made to lead anywhere`, {
          ...{ cause: error, hint: 'Write the path that it leads to (readlink -f).' },
        })
      : new TargetFault('target.file', `${path} is not a folder`, { cause: error })
  }
}

async function guardedFolder(path: string, handle: FileHandle, trusted: Trusted): Promise<GuardedFolder> {
  try {
    const stats = await handle.stat()
    refuse(stats, path, trusted, false)
    const self = `/proc/self/fd/${handle.fd}`
    const at = (name: string): string => {
      if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
        throw new TargetFault('target.outside', `${JSON.stringify(name)} is not the name of something in ${path}`)
      }
      return `${self}/${name}`
    }
    return {
      path,
      handle,
      self,
      stats,
      at,
      async enter(name) {
        at(name)
        return guardedFolder(`${path}/${name}`, await openEntry(handle, path, name, O_RDONLY), trusted)
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw faultOf(error, path)
  }
}

/** Throws when the owner of a file or folder, or somebody who may write to it, is not trusted. */
export function refuse(stats: Stats, path: string, trusted: Trusted, isPassedThrough: boolean): void {
  const owners = [0, trusted.uid, process.geteuid?.()]
  if (!owners.includes(stats.uid)) {
    throw new TargetFault('target.unsafe', `${path} belongs to user ${stats.uid}, who could change it at any time`, {
      hint: `It must belong to root or to user ${trusted.uid}: chown it, or set the target's user.`,
    })
  }
  // Of a folder like /tmp nobody but an entry's owner can move it away, and that owner is looked at next.
  if (isPassedThrough && (stats.mode & STICKY) !== 0) return
  // A user's private group, which many systems let write by default, is that user.
  const isOwnGroup = stats.gid === 0 || (stats.gid === trusted.gid && trusted.gid === trusted.uid)
  const who = (stats.mode & 0o002) !== 0 ? 'everybody' : (stats.mode & 0o020) !== 0 && !isOwnGroup ? 'its group' : null
  if (who === null) return
  throw new TargetFault('target.unsafe', `${path} may be written by ${who}, who could change it at any time`, {
    hint: `Take the right away: chmod ${who === 'everybody' ? 'o-w' : 'g-w'} ${path}`,
  })
}
