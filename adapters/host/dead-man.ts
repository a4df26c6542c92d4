import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { DeadMan } from '../../core/safeswitch/dead-man.ts'
import type { Ref } from '../../core/safeswitch/journal.ts'
import { type Account, ownUser } from './account.ts'
import { groupsOf } from './activation-groups.ts'
import { makePointerLock, type PointerLock } from './dead-man-lock.ts'
import { type DeadManTarget, flatMark, ordersFor, tenthsFor } from './dead-man-orders.ts'
import { DEAD_MAN } from './dead-man-script.ts'
import { endProcess, type Started, startDetached, startWithSystemd, unitName, waitReady } from './dead-man-start.ts'
import * as state from './dead-man-state.ts'
import { areThere, findProgram, type PinnedTools, pinTools } from './dead-man-tools.ts'
import { nullWhenMissing } from './missing.ts'
import { commandEnv } from './nix.ts'
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
/** Names of what the script is given, in this order. */
const VALUES = [
  ...([
    'dir',
    'id',
    'ready',
    'boot',
    'seconds',
    'rest',
    'patience',
    'unnamed',
    'again',
    'holder',
    'holder_start',
  ] as const),
  ...(['kind', 'path', 'running', 'profile', 'boots', 'owner', 'mark', 'groups'] as const),
  ...(['tenths_activate', 'tenths_boot', 'n_move', 'n_owner', 'n_activate', 'n_boot'] as const),
] as const
/** Its first line is what people see of it in `ps`. */
const SCRIPT = `# heald: leads a target back when nobody disarms it in time
${VALUES.map((name, index) => `${name}=\${${index + 1}}`).join(' ')}
shift ${VALUES.length}
${DEAD_MAN}`

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
    { sh, path: toolPath }: PinnedTools,
  ): Promise<{ readonly id: string } & Started> {
    const env = environment(back)
    const words = await wordsFor(back, afterMs)
    const run = (id: string, ready: string) => ({
      argv: [sh, '-c', SCRIPT, 'heald-deadman', ...words(id, ready)],
      env: { ...env, PATH: `${toolPath}:${env.PATH ?? ''}` },
    })
    if (options.withSystemd ?? (process.geteuid?.() === 0 && existsSync('/run/systemd/system'))) {
      const systemdRun = await findProgram('systemd-run', env.PATH ?? '')
      const id = freshId()
      const start = run(id, state.readyPath(dir, id))
      if (systemdRun !== null && (await startWithSystemd(systemdRun, unitName(target.name, id), start))) {
        const found = await waitReady(() => state.readReady(dir, id))
        if (found !== null) return { id, ...found, stands: Promise.resolve(true) }
      }
    }
    // With an id of its own: one that systemd starts late after all is never named, and ends itself.
    const id = freshId()
    const started = startDetached(run(id, ''))
    if (started === null) throw notStarted()
    return { id, ...started }
  }

  function notStarted(): TargetFault {
    return new TargetFault('deadman.start', `what is to lead ${target.name} back without heald did not start`, {
      ...{ retry: 5000, hint: `Look whether there is room in ${dir} and for another process.` },
    })
  }

  async function wordsFor(back: Ref, afterMs: number): Promise<(id: string, ready: string) => string[]> {
    const { move, moveAsOwner, activate, boot: setBoot } = ordersFor(target, back, account)
    const tenths = tenthsFor(target)
    const isNix = target.kind !== 'releases'
    const booted = isNix ? await nullWhenMissing(realpath(target.path)) : null
    const waitMs = Math.max(0, Math.ceil(afterMs))
    const values = (id: string, ready: string): Record<(typeof VALUES)[number], string> => ({
      ...{ dir, id, ready, boot, kind: target.kind, path: back.path, running: target.running, profile: target.path },
      seconds: String(Math.floor(waitMs / 1000)),
      rest: waitMs % 1000 === 0 ? '0' : `0.${String(waitMs % 1000).padStart(3, '0')}`,
      patience: String(Math.max(limits.lockMs, 10) / 1000),
      unnamed: String(Math.ceil((2 * NAMED_MS) / limits.lockMs)),
      again: String(limits.againMs / 1000),
      holder: String(own.pid),
      holder_start: String(own.startTime),
      // Somebody else has moved it already, and the boot loader with it.
      boots: booted === back.path ? '0' : '1',
      owner: String(account?.uid ?? process.geteuid?.() ?? 0),
      mark: flatMark(target.path),
      groups: groupsOf(target.path) ?? '',
      tenths_activate: String(tenths.activate),
      tenths_boot: String(tenths.boot),
      n_move: String(move.length),
      n_owner: String(moveAsOwner.length),
      n_activate: String(activate.length),
      n_boot: String(setBoot.length),
    })
    return (id, ready) => {
      const named = values(id, ready)
      return [...VALUES.map(name => named[name]), ...move, ...moveAsOwner, ...activate, ...setBoot]
    }
  }

  return {
    async arm(back, afterMs) {
      const to = { generation: back.generation, path: back.path }
      const [goal, found] = await Promise.all([nullWhenMissing(realpath(to.path)), pinned()])
      if (!isAbsolute(to.path) || goal === null) {
        throw new TargetFault('deadman.goal', `${to.path}, which was to be led back to, is not there`, {
          hint: 'Name a generation that is still there.',
        })
      }
      return underLock(async () => {
        const [earlier, fresh] = await Promise.all([state.readStanding(dir), start(to, afterMs, found)])
        const namedBy = performance.now() + NAMED_MS
        try {
          const { id, pid, startTime } = fresh
          const standing = { id, kind: target.kind, to, boot, pid, startTime, afterMs, holder: own }
          const stands = fresh.stands.then(isSo => {
            if (!isSo) throw notStarted()
          })
          await state.writeStanding(dir, standing, stands)
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
      if ((await state.leftovers(dir)).length === 0) return
      const lock = await theLock()
      if (lock.isHeld() || !(await lock.take(NO_WAIT_MS))) return
      try {
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
