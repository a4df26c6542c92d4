import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { DeadMan } from '../../core/safeswitch/dead-man.ts'
import type { Ref } from '../../core/safeswitch/journal.ts'
import { type Account, ownUser } from './account.ts'
import { DEAD_MAN_NAME } from './activation-end.ts'
import { hasSystemd } from './activation-unit.ts'
import { bootFile } from './dead-man-boot.ts'
import { makePointerLock, type PointerLock } from './dead-man-lock.ts'
import type { DeadManTarget } from './dead-man-orders.ts'
import {
  endProcess,
  type Started,
  startDetached,
  startFile,
  startWithSystemd,
  unitName,
  waitReady,
} from './dead-man-start.ts'
import * as state from './dead-man-state.ts'
import { areThere, findProgram, type PinnedTools, pinTools } from './dead-man-tools.ts'
import { SCRIPT, wordsFor } from './dead-man-words.ts'
import { nullWhenMissing } from './missing.ts'
import { commandEnv } from './nix.ts'
import { checkFolder } from './nix-pointer.ts'
import { isRunning, readStat } from './proc.ts'
import { TargetFault } from './target-fault.ts'

export interface DeadManOptions {
  readonly target: DeadManTarget
  /** A folder of heald's own for this target alone. */
  readonly dir: string
  /** The owner of a folder of releases; null: our own user. */
  readonly account: Account | null
  /** For Nix, the activation and the search for tools, beside what commands of a target get. */
  readonly env?: Readonly<Record<string, string>>
  /** How long a dead-man waits for the lock before it kills who holds it; and pauses before it tries again. */
  readonly limits?: Partial<DeadManLimits>
  /** Whether to start it as a unit of systemd; left out: where that runs the machine and we are root. */
  readonly withSystemd?: boolean
}

export interface DeadManLimits {
  readonly lockMs: number
  readonly againMs: number
}

const LIMITS: DeadManLimits = { lockMs: 10_000, againMs: 5000 }
/** How long arming and disarming wait for a dead-man that is at work. */
const BUSY_MS = 10_000
/** One that was not named in the state file for 30 s has ended: long before that, it is too late to name it. */
const NAMED_MS = 15_000
const NO_WAIT_MS = 0
/** One that is being armed. */
interface Fresh extends Started {
  readonly id: string
  /** What `sh` is given when the machine boots. */
  readonly atBoot: string
}

export interface PreparedDeadMan extends DeadMan {
  /** Looks for the programs, so that the first arming need not. */
  prepare(): Promise<void>
  /** Removes what kills have left; nothing where somebody else has the lock. For before anything else is asked. */
  sweep(): Promise<void>
}

/**
 * Life of an arming
 *
 * 1. The lock is taken, unless heald holds it already: a dead-man that stands can't be in the middle of its work now, and
 *    one whose time comes waits for us.
 * 2. A new process is started and says that it stands. It may do nothing yet: the state file names another, or none. What
 *    is to be the next one is written meanwhile.
 * 3. The state file is replaced, durably. In that instant the new one may fire and the earlier one may not any more.
 * 4. The earlier process is ended, and if it can't be, it ends itself when it looks at the file next.
 *
 * A kill after step 2 leaves a process that nobody names, which ends itself.
 */
export function makeDeadMan(options: DeadManOptions): PreparedDeadMan {
  const { target, dir, account } = options
  const limits = { ...LIMITS, ...options.limits }
  const own = { pid: process.pid, startTime: readStat(process.pid)?.startTime ?? 0 }
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const withSystemd = options.withSystemd ?? hasSystemd()
  let tools: PinnedTools | null = null
  let pointerLock: PointerLock | null = null

  function environment(to: Ref): Record<string, string> {
    const nix = commandEnv(options.env ?? {})
    const { PATH = '', LANG = 'C.UTF-8' } = nix
    const self = ownUser()
    const user = { HOME: account?.home ?? self.home, USER: account?.name ?? self.name }
    const isReleases = target.kind === 'releases'
    return {
      ...(isReleases ? { LANG, ...user, ...options.env, PATH } : { ...nix, USER: user.USER }),
      ...(target.kind === 'nixos' ? { NIXOS_INSTALL_BOOTLOADER: '0' } : {}),
      ...{ HEALD_TARGET: target.name, HEALD_GENERATION: to.generation, HEALD_PATH: to.path },
    }
  }

  /** Of our own PATH, so that what is found now is what is there later. */
  async function pinned(): Promise<PinnedTools> {
    const more = account === null ? [] : ['setpriv']
    if (tools === null || !(await areThere(tools)))
      tools = await pinTools(commandEnv(options.env ?? {}).PATH ?? '', more)
    return tools
  }

  async function theLock(): Promise<PointerLock> {
    if (pointerLock !== null) return pointerLock
    await state.ownFolder(dir)
    const flock = async () => (await pinned()).flock
    pointerLock = makePointerLock({ file: join(dir, 'lock'), flock, holder: { ...own, boot } })
    return pointerLock
  }

  /** Acts while nobody else can: with heald's lock, or one for the moment. */
  async function underLock<T>(act: () => Promise<T>): Promise<T> {
    const lock = await theLock()
    const isHeld = lock.isHeld()
    if (!(await lock.take(BUSY_MS))) {
      throw new TargetFault('deadman.busy', `${target.name} is being led back right now, without heald`, {
        ...{ retry: 1000, hint: 'Wait until it has ended; it says how in the next entry.' },
      })
    }
    try {
      return await act()
    } finally {
      if (!isHeld) await lock.free()
    }
  }

  /** By the time this resolves it may not stand yet. */
  async function start(
    back: Ref,
    afterMs: number,
    units: readonly string[],
    { sh, path: toolPath }: PinnedTools,
  ): Promise<Fresh> {
    const env = environment(back)
    const all = { ...env, PATH: `${toolPath}:${env.PATH ?? ''}` }
    const waits = { afterMs, boot, holder: own, ...limits, unnamedMs: 2 * NAMED_MS }
    const errand = { target, account, dir, back, units, ...waits }
    const words = await wordsFor(errand)
    const run = (id: string, ready: string) => ({
      argv: [sh, '-c', SCRIPT, DEAD_MAN_NAME, ...words.waiting(id, ready)],
      env: all,
    })
    const atBoot = (id: string) => bootFile(sh, all, words.booting(id))
    if (withSystemd) {
      const systemdRun = await findProgram('systemd-run', env.PATH ?? '')
      const id = freshId()
      const file = await state.writeStart(dir, id, startFile(run(id, state.readyPath(dir, id))))
      if (systemdRun !== null && (await startWithSystemd(systemdRun, unitName(target.name, id), [sh, file], env))) {
        const found = await waitReady(() => state.readReady(dir, id))
        if (found !== null) return { id, ...found, stands: Promise.resolve(true), atBoot: atBoot(id) }
      }
    }
    // With an id of its own: one that systemd starts late after all is never named, and ends itself.
    const id = freshId()
    const started = startDetached(run(id, ''))
    if (started === null) throw notStarted()
    return { id, ...started, atBoot: atBoot(id) }
  }

  function notStarted(): TargetFault {
    return new TargetFault('deadman.start', `what is to lead ${target.name} back without heald did not start`, {
      ...{ retry: 5000, hint: `Look whether there is room in ${dir} and for another process.` },
    })
  }

  return {
    async arm(back, afterMs, { alsoAtBoot = false, units = [] } = {}) {
      const to = { generation: back.generation, path: back.path }
      if (target.kind !== 'releases') await checkFolder(target.path)
      const [goal, found] = await Promise.all([nullWhenMissing(realpath(to.path)), pinned()])
      if (!isAbsolute(to.path) || goal === null) {
        throw new TargetFault('deadman.goal', `${to.path}, which was to be led back to, is not there`, {
          hint: 'Name a generation that is still there.',
        })
      }
      return underLock(async () => {
        const [earlier, fresh] = await Promise.all([state.readStanding(dir), start(to, afterMs, units, found)])
        const namedBy = performance.now() + NAMED_MS
        try {
          const { id, pid, startTime } = fresh
          const standing = { id, kind: target.kind, to, boot, pid, startTime, afterMs, holder: own }
          const stands = fresh.stands.then(isSo => {
            if (!isSo) throw notStarted()
          })
          // Whoever starts heald by other means has nobody who runs it. What a reboot leads to is another pointer there.
          const leads = alsoAtBoot && withSystemd && target.kind !== 'nixos'
          const told = leads ? state.writeAtBoot(dir, id, fresh.atBoot) : null
          await state.writeStanding(dir, standing, Promise.all([stands, told]))
          if (!isRunning(pid, startTime) || performance.now() > namedBy) {
            throw new TargetFault('deadman.start', `what was to lead ${target.name} back ended at once`, {
              retry: 5000,
            })
          }
        } catch (error) {
          endProcess(fresh)
          // Not an earlier one's, which goes on standing when nothing was written.
          if ((await state.readStanding(dir))?.id === fresh.id) await state.removeStanding(dir)
          throw error
        }
        if (earlier?.boot === boot) endProcess(earlier)
        await state.sweep(dir)
        return fresh.id
      })
    },

    async disarm() {
      // No folder: none was ever armed.
      if (!existsSync(dir)) return
      // Under the lock none is in the middle of a move. Then first the file: a process that can't be ended, or one that
      // waits for our lock, finds that it is not named. Only then the process, which is of no more use.
      await underLock(async () => {
        const standing = await state.readStanding(dir)
        await state.removeStanding(dir)
        if (standing?.boot === boot) endProcess(standing)
        await state.sweep(dir)
      })
    },

    async look() {
      const [standing, fired] = [await state.readStanding(dir), await state.readFired(dir)]
      const stands =
        standing !== null &&
        standing.boot === boot &&
        standing.id !== fired?.id &&
        isRunning(standing.pid, standing.startTime)
      return { standing: stands ? { id: standing.id, path: standing.to.path } : null, fired }
    },

    async imported(id) {
      if ((await state.readFired(dir))?.id === id) await state.removeFired(dir)
    },

    prepare: async () => void (await pinned()),
    async sweep() {
      const standing = await state.readStanding(dir)
      // It has had its turn when the machine booted; at the next boot it would undo what was done since.
      const isOver = standing !== null && standing.boot !== boot
      if (!isOver && (await state.leftovers(dir)).length === 0) return
      const lock = await theLock()
      if (lock.isHeld() || !(await lock.take(NO_WAIT_MS))) return
      try {
        if (isOver) await state.removeStanding(dir)
        await state.sweep(dir)
      } finally {
        await lock.free()
      }
    },
    lock: async waitMs => (await theLock()).take(waitMs),
    async unlock() {
      await pointerLock?.free()
    },
  }
}

function freshId(): string {
  return randomBytes(8).toString('hex')
}
