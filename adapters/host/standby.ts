import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, fchownSync, openSync, readSync, writeSync } from 'node:fs'
import type { Account } from './account.ts'
import { readRunFile } from './run-file.ts'

/**
 * Life of a standby
 *
 * 1. A shell is forked ahead of need. It enters the service's control groups, drops privileges, writes its pid, start
 *    time and boot to the slot's pid file, and blocks reading one byte. All that is slow in a start (fork of the daemon,
 *    entering a group: 13–17 ms) happens here.
 * 2. A restart writes the byte. The shell changes folder and becomes the service: same pid, still our child.
 * 3. If the daemon dies first, the read ends (only the daemon holds the other end) and the shell exits: no orphan. If it dies after the byte, the pid file
 *    names what runs: the next daemon adopts it, telling a service from a shell that waits by what its input is.
 *
 * Both ends of the byte's way are FIFOs opened as plain descriptors: a pipe of Node's would cost 8 KB of heap for each
 * service that waits.
 *
 * Descriptors: 0 the byte, then /dev/null; 1 and 2 the log; 3 the slot's FIFO, held by the service for life (its end
 * of file tells an adopting daemon that nobody is left) and by which the shell says why a launch failed; 4 the pid file.
 */

/** Enters control groups: `$1` is their number, then their folders. */
const ENTER = `n=$1; shift
while [ "$n" -gt 0 ]; do echo 0 > "$1/cgroup.procs" || { echo "group $1" >&3; exit 1; }; shift; n=$((n - 1)); done
`
/** Waits for the byte: `$1` is what goes into the pid file beside pid and start time, `$2` the folder, then the program. */
const WAIT = `i=0
while [ "$i" -lt "\${HEALD_ENV-0}" ]; do eval "export \\"\\$HEALD_ENV_$i\\"; unset HEALD_ENV_$i"; i=$((i + 1)); done
unset HEALD_ENV
tag=$1; dir=$2; shift 2
read -r x x x x x x x x x x x x x x x x x x x x x st x < "/proc/$$/stat"
printf '{"pid":%d,"startTime":%d,%s}\\n' "$$" "$st" "$tag" >&4
exec 4>&-
IFS= read -r go || exit 0
why=folder
trap 'echo "$why $?" >&3' EXIT
cd "$dir" 2>/dev/null || exit 1
unset PWD OLDPWD
why=program
if [ -n "\${BASH_VERSION-}" ]; then shopt -s execfail; fi
exec "$@" </dev/null
exit $?
`
const SHELL = '/bin/sh'
/** Put together once: each of hundreds of standbys would keep a text of its own. */
const ENTER_AND_WAIT = ENTER + WAIT
const ENTER_AND_BECOME = `${ENTER}exec "$@"`

export interface StandbyPlan {
  /** Control group folders to enter, in order. */
  readonly groups: readonly string[]
  readonly account: Account | null
  /** JSON members for the pid file, without braces. */
  readonly tag: string
  readonly cwd: string
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly logPath: string
  readonly fifoPath: string
  readonly goPath: string
  readonly pidPath: string
  /** Told when a file can't be opened; the service then runs without it. */
  readonly warn: (text: string) => void
}

/** What has to be known to say why a launch failed. */
export type LaunchPlan = Pick<StandbyPlan, 'cwd' | 'argv' | 'pidPath'>

export interface ForkedStandby {
  readonly child: ChildProcess
  /** Sends the byte: the standby becomes the service. */
  go(): void
  /** Ends the standby without a start. */
  drop(): void
}

/** Forks a standby. The descriptors passed on are closed here again; only the child keeps them. */
export function forkStandby(plan: StandbyPlan): ForkedStandby {
  const { groups, account } = plan
  const waiting = [plan.tag, plan.cwd, ...plan.argv]
  const entering = [String(groups.length), ...groups]
  const args =
    account === null
      ? ['-c', ENTER_AND_WAIT, 'heald', ...entering, ...waiting]
      : ['-c', ENTER_AND_BECOME, 'heald', ...entering, ...account.become, SHELL, '-c', WAIT, 'heald', ...waiting]
  const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_TRUNC, O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants
  const opened: number[] = []
  const open = (path: string, flags: number, mode?: number): number => {
    const fd = openSync(path, flags, mode)
    opened.push(fd)
    return fd
  }
  try {
    // A full or read-only disk must not keep a service down: without its files it runs, unlogged or not adoptable.
    const openOrNull = (path: string, flags: number, mode: number): number => {
      try {
        return open(path, flags | O_NOFOLLOW, mode)
      } catch (error) {
        plan.warn(
          `${path} can't be opened (${error instanceof Error ? error.message : error}): what goes there is lost`,
        )
        return open('/dev/null', O_WRONLY)
      }
    }
    const log = openOrNull(plan.logPath, O_WRONLY | O_APPEND | O_CREAT, 0o640)
    // So that the service can open /dev/stdout, which is this file, anew.
    if (account !== null) fchownSync(log, account.uid, account.gid)
    const fifo = open(plan.fifoPath, O_RDWR | O_NONBLOCK)
    const pid = openOrNull(plan.pidPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    // Held open both ways for a moment, so that neither of the two opens after it waits for the other.
    open(plan.goPath, O_RDWR | O_NONBLOCK)
    const read = open(plan.goPath, O_RDONLY)
    const write = openSync(plan.goPath, O_WRONLY | O_NONBLOCK)
    const way = wayOf(write)
    try {
      const stdio = [read, log, log, fifo, pid]
      const env = account === null ? { ...plan.env } : wrapped(plan.env)
      const child = spawn(SHELL, args, { stdio, env, cwd: '/', detached: true })
      // Nobody reads them again, and they would live as long as the service.
      child.spawnargs.length = 0
      return { child, ...way }
    } catch (error) {
      way.drop()
      throw error
    }
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

/** The byte's way. On its own, so that what it keeps alive is a number and not all that a fork needs. */
function wayOf(write: number): Pick<ForkedStandby, 'go' | 'drop'> {
  let isOpen = true
  const drop = () => {
    if (isOpen) closeSync(write)
    isOpen = false
  }
  return {
    drop,
    go() {
      try {
        writeSync(write, '\n')
      } catch {
        // Nobody reads any more: the shell has gone, and its exit event is on the way and says so.
      }
      drop()
    },
  }
}

/**
 * The service's variables under names that mean nothing to a shell, a loader or `setpriv`, which run with the daemon's
 * rights: the shell that runs as the service's user unwraps them. Never by arguments, which everybody can read.
 */
function wrapped(env: StandbyPlan['env']): NodeJS.ProcessEnv {
  const entries = Object.entries(env)
  const names = entries.map(([name, value], index) => [`HEALD_ENV_${index}`, `${name}=${value}`])
  return { PATH: process.env.PATH, HEALD_ENV: String(entries.length), ...Object.fromEntries(names) }
}

/** What a failed launch left in the slot's FIFO, in words; undefined when the program itself ran. */
export function launchError(fifoFd: number, plan: LaunchPlan): string | undefined {
  const buffer = Buffer.alloc(4096)
  let size = 0
  try {
    size = readSync(fifoFd, buffer, 0, buffer.length, null)
  } catch {
    return undefined
  }
  const [why, detail] = buffer.toString('utf8', 0, size).split('\n', 1)[0]?.split(' ', 2) ?? []
  if (why === 'folder') return `the folder ${plan.cwd} does not exist or may not be entered`
  if (why === 'group') return `its control group ${detail ?? ''} could not be entered`
  if (why !== 'program') return undefined
  return detail === '126' ? `${plan.argv[0]} may not be executed` : `${plan.argv[0]} was not found`
}

/** Why the program never ran; undefined when it did. `lastWords`: the last line in the log. */
export function launchFailure(fifoFd: number, plan: LaunchPlan, lastWords: () => string): string | undefined {
  const why = launchError(fifoFd, plan)
  if (why !== undefined) return why
  // The shell names itself before it waits: where it did, the program has run.
  if (readRunFile(plan.pidPath) !== null) return undefined
  return `the launcher failed: ${lastWords() || 'it said nothing'}`
}
