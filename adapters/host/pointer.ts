import type { Stats } from 'node:fs'
import { lstat, readlink, rename, symlink, unlink } from 'node:fs/promises'
import type { GuardedFolder } from './guarded-folder.ts'
import { errnoOf, faultOf, TargetFault } from './target-fault.ts'

/**
 * A link that says which generation runs.
 *
 * Life of a move
 *
 * 1. The stray of a move that was killed is swept: it has one exact name, so nobody else's file is ever taken for it.
 * 2. A new link is made beside the pointer and renamed over it: everybody sees the old one or the new one.
 * 3. The folder is fsynced: without, a power cut brings the old one back long after everybody has acted on the new one.
 *    This is done even when the pointer leads there already, for whoever moved it may have been killed before it.
 * 4. The pointer is read again: the folder's owner could have swapped the link under our hands.
 */
export interface Pointer {
  /** What the link says, word for word. */
  readonly leadsTo: string
  /** When it was put there, wall clock. Not its mtime: that one anybody can set, and copies keep it. */
  readonly movedMs: number
  /** Another one when another link takes its place, or the same one was away. */
  readonly mark: string
}

/** Null when it is not there. Rejects with a Fault `target.pointer` when it is no link. */
export async function readPointer(folder: GuardedFolder, name: string): Promise<Pointer | null> {
  const path = `${folder.path}/${name}`
  try {
    const [leadsTo, stats] = await Promise.all([readlink(folder.at(name)), lstat(folder.at(name))])
    return { leadsTo, movedMs: Math.floor(stats.ctimeMs), mark: linkMark(stats) }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    if (errnoOf(error) === 'EINVAL') throw notLink(path, error)
    throw faultOf(error, path)
  }
}

/** A rename changes the ctime of what is renamed, so a link that was moved aside and back is told as well. */
export function linkMark({ ino, ctimeMs }: Stats): string {
  return `${ino}:${ctimeMs}`
}

/** Durable when it resolves. When it rejects, the pointer is whole: where it was, or already where it should be. */
export async function movePointer(folder: GuardedFolder, name: string, leadsTo: string): Promise<void> {
  const path = `${folder.path}/${name}`
  const fresh = folder.at(`.${name}.heald-new`)
  const found = await readPointer(folder, name)
  try {
    await sweep(fresh, `${folder.path}/.${name}.heald-new`)
    if (found?.leadsTo !== leadsTo) {
      await symlink(leadsTo, fresh)
      try {
        await rename(fresh, folder.at(name))
      } catch (error) {
        // What can't be taken away now (the disk is broken) is swept by the next move.
        await unlink(fresh).catch(() => {})
        throw errnoOf(error) === 'EISDIR' ? notLink(path, error) : error
      }
    }
    await folder.handle.sync()
  } catch (error) {
    // Nobody but us makes that name, and it was free a moment ago.
    throw ['EEXIST', 'ENOTDIR'].includes(errnoOf(error)) ? swapped(folder, path, error) : faultOf(error, path)
  }
  const now = await readPointer(folder, name)
  if (now?.leadsTo !== leadsTo) throw swapped(folder, path)
}

function swapped(folder: GuardedFolder, path: string, cause?: unknown): TargetFault {
  return new TargetFault('target.swapped', `${path} was changed by somebody else while it was moved`, {
    ...{ cause, retry: 'now', hint: `Somebody who may write in ${folder.path} moves it too: find out who.` },
  })
}

function notLink(path: string, cause: unknown): TargetFault {
  return new TargetFault('target.pointer', `${path} is not a link`, {
    ...{ cause, hint: 'Move it away; heald makes the link itself.' },
  })
}

async function sweep(stray: string, path: string): Promise<void> {
  try {
    await unlink(stray)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    if (errnoOf(error) === 'EISDIR') {
      throw new TargetFault('target.pointer', `${path}, where heald makes its links, is a folder`, {
        ...{ cause: error, hint: 'Move it away: nothing of heald makes a folder of that name.' },
      })
    }
    throw error
  }
}
