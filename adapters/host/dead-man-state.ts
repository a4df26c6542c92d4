import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Fired } from '../../core/safeswitch/dead-man.ts'
import type { Ref } from '../../core/safeswitch/journal.ts'
import { syncFolder } from './durable-link.ts'
import { nullWhenMissing } from './missing.ts'
import { errnoOf, TargetFault } from './target-fault.ts'

/**
 * What a dead-man and heald tell each other, in a folder of heald's own:
 *
 *   deadman            which one may fire: its id, then a line of JSON. Whoever is not named here ends without a word.
 *   deadman.start.ID   what systemd gives to `sh` to start one.
 *   deadman.ready.ID   a process that systemd started says that it stands: pid and start time. Others say it by a pipe.
 *   deadman.boot.ID    what `sh` does with one that the machine went down with; only next to the `deadman` that names it.
 *   deadman.result     what one did that fired: id, `done` or `failed`, why, the JSON of its state. Its time is the file's.
 *   lock               see dead-man-lock.ts
 */
export interface Standing {
  readonly id: string
  readonly kind: string
  /** Where it leads back to. */
  readonly to: Ref
  /** The kernel's id of the boot; a process of another one is gone. */
  readonly boot: string
  readonly pid: number
  /** Clock ticks since boot. */
  readonly startTime: number
  /** How long it waits, from when it was armed. */
  readonly afterMs: number
  /** The heald that armed it. */
  readonly holder: { readonly pid: number; readonly startTime: number }
}

const STATE = 'deadman'
const RESULT = 'deadman.result'
const READY = 'deadman.ready.'
const START = 'deadman.start.'
const AT_BOOT = 'deadman.boot.'
/** What is renamed to its place when it is whole; a kill before that leaves it. */
const HALF_MADE = [`${STATE}.new`, `${RESULT}.new`]

/** Makes the folder, for nobody else to look into or write in: what is in it is acted on with our rights. */
export async function ownFolder(dir: string): Promise<void> {
  await guarded(dir, async () => {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const found = await lstat(dir)
    if (!found.isDirectory() || found.uid !== process.geteuid?.()) {
      throw new TargetFault('deadman.folder', `${dir} is no folder of heald's own user`, {
        hint: 'Remove it; heald makes it anew.',
      })
    }
    const handle = await open(dir, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      if ((found.mode & 0o077) !== 0) await handle.chmod(0o700)
    } finally {
      await handle.close()
    }
  })
}

/** Null when nobody may fire. What is not whole names nobody. */
export async function readStanding(dir: string): Promise<Standing | null> {
  const text = await guarded(dir, () => nullWhenMissing(readFile(join(dir, STATE), 'utf8')))
  const [id = '', record = ''] = text?.split('\n') ?? []
  const found = parsed(record)
  return found?.id === id ? found : null
}

/**
 * From here on the one that is named may fire, and no other. Written while it starts; named only once `stands` has
 * resolved, and not when that rejects.
 */
export async function writeStanding(dir: string, standing: Standing, stands: Promise<unknown>): Promise<void> {
  await guarded(dir, async () => {
    const fresh = join(dir, `${STATE}.new`)
    try {
      await Promise.all([writeDurably(fresh, `${standing.id}\n${JSON.stringify(standing)}\n`), stands])
      await rename(fresh, join(dir, STATE))
    } catch (error) {
      await rm(fresh, { force: true })
      throw error
    }
    await syncFolder(dir)
  })
}

/** Resolves with its path. What is not there any more starts nobody. */
export async function writeStart(dir: string, id: string, text: string): Promise<string> {
  const path = join(dir, START + id)
  await guarded(dir, () => writeFile(path, text, { mode: 0o600 }))
  return path
}

/** For who has not named the one of that id yet; durable with its `writeStanding`. */
export async function writeAtBoot(dir: string, id: string, text: string): Promise<void> {
  await guarded(dir, () => writeDurably(join(dir, AT_BOOT + id), text))
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** From here on nobody may fire. */
export async function removeStanding(dir: string): Promise<void> {
  await removeDurably(dir, STATE)
}

export async function readFired(dir: string): Promise<Fired | null> {
  return guarded(dir, async () => {
    const path = join(dir, RESULT)
    const text = await nullWhenMissing(readFile(path, 'utf8'))
    const [id = '', result, why = '', record = ''] = text?.split('\n') ?? []
    const found = parsed(record)
    if (found === null || found.id !== id || (result !== 'done' && result !== 'failed')) return null
    return { id, to: found.to, atMs: Math.floor((await stat(path)).mtimeMs), result, why }
  })
}

export async function removeFired(dir: string): Promise<void> {
  await removeDurably(dir, RESULT)
}

/** Where a process of that id that can't be given a pipe says that it stands. */
export function readyPath(dir: string, id: string): string {
  return join(dir, READY + id)
}

export async function readReady(dir: string, id: string): Promise<string | null> {
  return nullWhenMissing(readFile(readyPath(dir, id), 'utf8'))
}

/** What is of no more use once an arming has ended, one way or another. */
export async function leftovers(dir: string): Promise<string[]> {
  return guarded(dir, async () => {
    const names = (await nullWhenMissing(readdir(dir))) ?? []
    const named = AT_BOOT + (await readStanding(dir))?.id
    const isOver = (name: string) => name.startsWith(AT_BOOT) && name !== named
    return names.filter(
      name => name.startsWith(READY) || name.startsWith(START) || HALF_MADE.includes(name) || isOver(name),
    )
  })
}

/** Only for who has the lock: without it an arming may be under way. */
export async function sweep(dir: string): Promise<void> {
  for (const name of await leftovers(dir)) await guarded(dir, () => rm(join(dir, name), { force: true }))
}

async function removeDurably(dir: string, name: string): Promise<void> {
  await guarded(dir, async () => {
    await rm(join(dir, name), { force: true })
    // Also when it was gone: whoever removed it may have been killed before this.
    await nullWhenMissing(syncFolder(dir))
  })
}

function parsed(record: string): Standing | null {
  try {
    const value = JSON.parse(record) as Partial<Standing>
    const isWhole =
      typeof value.id === 'string' &&
      typeof value.pid === 'number' &&
      typeof value.startTime === 'number' &&
      typeof value.boot === 'string' &&
      typeof value.to?.path === 'string' &&
      typeof value.to.generation === 'string'
    return isWhole ? (value as Standing) : null
  } catch {
    return null
  }
}

async function guarded<T>(dir: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof TargetFault) throw error
    const isFull = ['ENOSPC', 'EDQUOT'].includes(errnoOf(error))
    const words = isFull ? 'there is no room left' : error instanceof Error ? error.message : String(error)
    throw new TargetFault('deadman.folder', `${dir} can't be used: ${words}`, {
      ...{ cause: error, retry: 5000 },
      hint: isFull ? 'Make room (blocks or inodes: df, df -i).' : 'Look at the rights of that folder, and at its disk.',
    })
  }
}
