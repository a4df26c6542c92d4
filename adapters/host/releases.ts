import type { Stats } from 'node:fs'
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, posix } from 'node:path'
import type { Activation, Generation, Target, View } from '../../core/safeswitch/target.ts'
import type { Account } from './account.ts'
import { CALLED_OFF, runActivation } from './activation.ts'
import { flushFileSystem } from './flush.ts'
import { type GuardedFolder, openGuarded, refuse } from './guarded-folder.ts'
import { MOST_LISTED } from './kept-target.ts'
import { linkMark, movePointer, readPointer } from './pointer.ts'
import { errnoOf, faultOf, TargetFault } from './target-fault.ts'

export interface ReleasesOptions {
  readonly name: string
  /** Absolute, without links: holds `current` and `releases/`. */
  readonly path: string
  /** The user of the service, who may own the folder, and as whom the command runs. Null: our own, and root's alone. */
  readonly owner?: Account | null
  /** Run in the release after the pointer has moved. A first word with a slash in it is looked up in the release. */
  readonly activate?: readonly string[]
}

export interface ReleasesTarget extends Target {
  /**
   * Brings these releases to the disk, so that a rollback to one of them need not wait for that, and for what others
   * write. Only for ones that are whole: what is still being unpacked has to be brought there again.
   */
  prepare(good: readonly string[]): Promise<void>
}

interface Running extends Pick<View, 'movedMs' | 'mark'> {
  readonly now: Generation | null
}

const POINTER = 'current'
const FOLDER = 'releases'
const MOST_LINKS = 5
/** Of one name, on every file system. */
const MOST_NAME_BYTES = 255

/**
 * A folder with `releases/<name>/…` and a link `current → releases/<name>`. Whoever owns the folder is trusted with what
 * runs, as that user, and with nothing else: see guarded-folder.ts.
 */
export function releasesTarget({ name, path, owner = null, activate }: ReleasesOptions): ReleasesTarget {
  if (!isAbsolute(path) || posix.normalize(path) !== path || path.endsWith('/')) {
    throw new TargetFault('target.path', `${JSON.stringify(path)} is not an absolute path without "..", "." and "//"`)
  }
  const trusted = { uid: owner?.uid ?? process.geteuid?.() ?? 0, gid: owner?.gid ?? process.getegid?.() ?? 0 }
  const argv = activate === undefined ? null : [...activate]
  /** Releases that were committed, and are known to be on disk (`keyOf`). One that never was may still change in place. */
  const flushed = new Set<string>()

  /** Runs `act` with the folder and the one of the releases open. */
  async function within<T>(act: (folder: GuardedFolder, releases: GuardedFolder) => Promise<T>): Promise<T> {
    const folder = await openGuarded(path, trusted)
    try {
      const releases = await folder.enter(FOLDER)
      try {
        refuseOtherDisk(releases, folder)
        return await act(folder, releases)
      } finally {
        await releases.close()
      }
    } catch (error) {
      throw faultOf(error, path)
    } finally {
      await folder.close()
    }
  }

  const generationOf = (release: string, stats: Stats): Generation => ({
    generation: release,
    path: `${path}/${FOLDER}/${release}`,
    createdMs: Math.floor(stats.birthtimeMs > 0 ? stats.birthtimeMs : stats.ctimeMs),
  })

  /** The release that a link in `from` leads to, or an operator's word; null when it is none of this target's. */
  function releaseIn(from: string, ref: string): string | null {
    if (ref.includes('\0') || ref.split('/').includes('..')) return null
    const at = posix.resolve(from, ref)
    const release = at.slice(path.length + FOLDER.length + 2)
    return at === `${path}/${FOLDER}/${release}` && isReleaseName(release) ? release : null
  }

  async function openWhole(releases: GuardedFolder, ref: string): Promise<[Generation, GuardedFolder]> {
    const words = JSON.stringify(ref.length > 200 ? `${ref.slice(0, 200)}…` : ref)
    const outside = () =>
      new TargetFault('target.outside', `${words} does not name a release of ${name}`, {
        hint: `Name a folder in ${releases.path}.`,
      })
    const isName = isReleaseName(ref)
    let release = isName ? ref : releaseIn(path, ref)
    for (let links = 0; release !== null && links <= MOST_LINKS; links += 1) {
      const leadsTo = await readlink(releases.at(release)).catch((error: unknown) => {
        if (errnoOf(error) === 'EINVAL') return null
        throw faultOf(error, `${releases.path}/${release}`)
      })
      if (leadsTo === null) {
        const folder = await releases.enter(release)
        try {
          await refuseUnfit(folder, releases)
          return [generationOf(release, folder.stats), folder]
        } catch (error) {
          await folder.close()
          throw error
        }
      }
      release = releaseIn(releases.path, leadsTo.replace(/^\.\.\/releases\//, ''))
    }
    throw outside()
  }

  async function refuseUnfit(folder: GuardedFolder, releases: GuardedFolder): Promise<void> {
    refuseOtherDisk(folder, releases)
    if ((await readdir(folder.self)).length === 0) {
      throw new TargetFault('target.empty', `${folder.path} is empty`, { hint: 'Unpack the release again.' })
    }
    const program = argv?.[0]
    if (program?.includes('/')) await refuseProgram(folder, program)
  }

  async function refuseProgram(folder: GuardedFolder, program: string): Promise<void> {
    // Only looked at here, so it may be a link; it is run as the owner, who could run anything.
    const found = await stat(isAbsolute(program) ? program : join(folder.self, program)).catch(() => null)
    if (found === null || !found.isFile() || (found.mode & 0o111) === 0) {
      throw new TargetFault('target.incomplete', `${folder.path} has no program ${program} to activate it with`, {
        hint: 'Deploy a release that has it, or change the target’s `activate`.',
      })
    }
    if (owner !== null) return
    const real = await realpath(isAbsolute(program) ? program : join(folder.path, program))
    const above = await openGuarded(dirname(real), trusted)
    try {
      refuse(await lstat(above.at(posix.basename(real))), real, trusted, false)
    } finally {
      await above.close()
    }
  }

  async function flushOnce(release: GuardedFolder, deadlineMs: number): Promise<void> {
    if (!flushed.has(keyOf(release))) await flushFileSystem(release, deadlineMs)
  }

  function noteFlushed(release: GuardedFolder): void {
    if (flushed.size >= MOST_LISTED) flushed.clear()
    flushed.add(keyOf(release))
  }

  /** The release that runs; null when the pointer leads nowhere or out of the target. */
  async function running(folder: GuardedFolder, releases: GuardedFolder): Promise<Running> {
    const pointer = await readPointer(folder, POINTER)
    const movedMs = pointer?.movedMs ?? null
    let mark = pointer?.mark ?? null
    // No component of the path is a link, so `..` in it means what it says.
    let release = pointer === null ? null : releaseIn(path, posix.join(path, '.', pointer.leadsTo))
    if (pointer !== null && isAbsolute(pointer.leadsTo)) release = releaseIn(path, posix.normalize(pointer.leadsTo))
    for (let links = 0; release !== null && links <= MOST_LINKS; links += 1) {
      const stats = await lstatIfThere(releases, release)
      if (stats?.isDirectory()) return { now: generationOf(release, stats), movedMs, mark }
      if (!stats?.isSymbolicLink()) break
      mark = `${mark} ${linkMark(stats)}`
      const leadsTo = await readlink(releases.at(release))
      release = releaseIn(releases.path, isAbsolute(leadsTo) ? leadsTo : posix.join(releases.path, leadsTo))
    }
    return { now: null, movedMs, mark }
  }

  return {
    name,
    kind: 'releases',

    look: () =>
      within(async (folder, releases): Promise<View> => {
        const listed = readdir(releases.self).then(entries =>
          Promise.all(
            entries.filter(isReleaseName).map(async entry => {
              const stats = await lstatIfThere(releases, entry)
              return stats?.isDirectory() ? [generationOf(entry, stats)] : []
            }),
          ),
        )
        const [found, { now, movedMs, mark }] = await Promise.all([listed, running(folder, releases)])
        const generations = found.flat()
        generations.sort((a, b) => b.createdMs - a.createdMs || (a.generation < b.generation ? 1 : -1))
        return { generations: generations.slice(0, MOST_LISTED), running: now, boot: now, movedMs, mark }
      }),

    resolve: ref =>
      within(async (_, releases) => {
        const [generation, folder] = await openWhole(releases, ref)
        await folder.close()
        return generation
      }),

    async activate(to, deadlineMs, signal): Promise<Activation> {
      const wanted = to.path
      const generation = await within(async (folder, releases) => {
        const [found, release] = await openWhole(releases, wanted)
        try {
          // First the files, then the folders that name them, then the pointer: each durable before the next.
          await flushOnce(release, deadlineMs)
        } finally {
          await release.close()
        }
        if (signal?.aborted) return null
        await movePointer(folder, POINTER, `${FOLDER}/${found.generation}`)
        return found
      })
      if (generation === null) return CALLED_OFF
      if (argv === null) return { verdict: 'done', exitCode: null, why: '' }
      return runActivation({ target: name, path, argv, generation, account: owner, deadlineMs, signal })
    },

    prepare: good =>
      within(async (_, releases) => {
        const keys: string[] = []
        for (const path of good) {
          // One that is gone is missed when somebody wants to go back to it.
          const found = await openWhole(releases, path).catch(() => null)
          if (found === null) continue
          keys.push(keyOf(found[1]))
          await found[1].close()
        }
        if (keys.length === 0) return
        await flushFileSystem(releases, SETTLE_MS)
        for (const key of keys) flushed.add(key)
      }),

    settle: to => {
      const wanted = to.path
      return within(async (folder, releases) => {
        const { now } = await running(folder, releases)
        if (now?.path !== wanted) {
          throw new TargetFault(
            'target.moved',
            `${path}/${POINTER} leads to ${now?.path ?? 'nowhere'}, not ${wanted}`,
            {
              hint: 'Somebody else moved it: look at what runs.',
            },
          )
        }
        const [, release] = await openWhole(releases, wanted)
        try {
          await flushOnce(release, SETTLE_MS)
          noteFlushed(release)
        } finally {
          await release.close()
        }
        await folder.handle.sync()
      })
    },
  }
}

const SETTLE_MS = 60_000

/** Changes when something is put into the folder or taken out of it, or another one takes its place. */
function keyOf({ stats: { dev, ino, ctimeMs } }: GuardedFolder): string {
  return `${dev} ${ino} ${ctimeMs}`
}

/** Hidden folders are somebody's own: half-unpacked releases, caches. A name is told to people, on one line. */
function isReleaseName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !/[/\p{Cc}]/u.test(name) && Buffer.byteLength(name) <= MOST_NAME_BYTES
}

/** What is mounted in between is not there after a reboot, or is something else. */
function refuseOtherDisk(folder: GuardedFolder, above: GuardedFolder): void {
  if (folder.stats.dev === above.stats.dev) return
  throw new TargetFault('target.filesystem', `${folder.path} is on another file system than ${above.path}`, {
    hint: 'Keep releases and the pointer to them on one file system.',
  })
}

async function lstatIfThere(folder: GuardedFolder, name: string): Promise<Stats | null> {
  try {
    return await lstat(folder.at(name))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}
