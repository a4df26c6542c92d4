import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Activation, Generation } from '../../core/safeswitch/target.ts'
import type { Account } from './account.ts'
import { findHierarchies, groupPids, killGroup, removeGroup } from './cgroup.ts'
import { sendSignal } from './instance.ts'
import { readStat } from './proc.ts'
import { TargetFault } from './target-fault.ts'

/**
 * Life of an activation
 *
 * 1. A run that a daemon before this one left behind is killed: two at once would undo each other's work.
 * 2. A shell in a session of its own enters a fresh control group, becomes the owner, goes into the release and becomes
 *    `timeout`, which leads the session and runs the command. Nothing of it needs us: no pipe, and `timeout` ends it if
 *    we no longer can. Its arguments name the target, so that step 1 finds it without a file.
 * 3. It ends: what it leaves running is its own business (it may have started the service). Or the deadline comes, or it is
 *    called off: all of its group is killed, else all of its session.
 */
export interface ActivationPlan {
  readonly target: string
  /** The target's path: names the runs of this target. */
  readonly path: string
  readonly argv: readonly string[]
  readonly generation: Generation
  /** Null: our own user. */
  readonly account: Account | null
  readonly deadlineMs: number
  /** More of its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Ends it before its deadline. */
  readonly signal?: AbortSignal | undefined
}

/** `$1` is the group to enter, or ''. */
const ENTER = `if [ -n "$1" ]; then echo 0 > "$1/cgroup.procs" || exit 126; fi
shift
`
/** `$1` is the folder to go into; then the command. */
export const RUN = `cd -- "$1" || exit 126
shift
unset PWD OLDPWD
exec "$@"
`
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY
const WHY_CHARS = 300
const TAIL_BYTES = 2048
const OUTPUT_BYTES = 1024 * 1024
/** How long after us `timeout` ends what we could not. */
const BACKSTOP_S = 2
const UNKILLABLE_MS = 5000

/** Of one that was called off before its command began. */
export const CALLED_OFF: Activation = { verdict: 'failed', exitCode: null, why: 'it was called off' }

export async function runActivation(plan: ActivationPlan): Promise<Activation> {
  const { argv, generation, account, deadlineMs } = plan
  await endActivation(plan.path, account)
  if (plan.signal?.aborted) return CALLED_OFF
  const mark = markOf(plan.path)
  const groups = groupsOf(plan.path)
  const group = freshGroup(groups)
  const output = openOutput(account)
  try {
    const limit = String(Math.ceil(deadlineMs / 1000) + BACKSTOP_S)
    const inside = ['-c', RUN, 'heald', generation.path, 'timeout', '-s', 'KILL', limit, 'env', mark, ...argv]
    const become = [...(account?.become ?? []), '/bin/sh', ...inside]
    const child = spawn('/bin/sh', ['-c', `${ENTER}exec "$@"`, 'heald', group ?? '', ...become], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', output?.fd ?? 'ignore', output?.fd ?? 'ignore'],
      env: {
        ...{ PATH: process.env.PATH, HOME: account?.home ?? process.env.HOME, USER: account?.name ?? process.env.USER },
        ...plan.env,
        ...{ HEALD_TARGET: plan.target, HEALD_GENERATION: generation.generation, HEALD_PATH: generation.path },
      },
    })
    const shorten = setInterval(() => output !== null && keepShort(output), 200)
    try {
      return await ended(child, group, plan, output)
    } finally {
      clearInterval(shorten)
    }
  } finally {
    if (output !== null) closeSync(output.fd)
    for (const folder of [group, groups]) if (folder !== null) removeGroup(folder)
  }
}

/** Ends what an earlier daemon's activation of the target at `path` still has running: step 1, before a pointer moves. */
export async function endActivation(path: string, account: Account | null): Promise<void> {
  await killEarlier(markOf(path), groupsOf(path), account?.uid ?? process.geteuid?.() ?? 0)
}

/** The argument by which a run of the target at `path` is told from all others. */
export function markOf(path: string): string {
  return `HEALD_ACTIVATION=${path}`
}

async function ended(
  child: ChildProcess,
  group: string | null,
  { argv, deadlineMs, signal }: ActivationPlan,
  output: Output | null,
): Promise<Activation> {
  const command = argv.join(' ').slice(0, 80)
  const exit = new Promise<{ code: number | null; why: string | null }>(resolve => {
    child.once('error', error => resolve({ code: null, why: `could not be run: ${error.message}` }))
    child.once('exit', (code, signal) => {
      if (signal !== null) resolve({ code: null, why: `was ended by ${signal}` })
      else resolve({ code, why: code === 0 ? null : `ended with exit code ${code}` })
    })
  })
  const stop = new AbortController()
  const late = sleep(deadlineMs, 'late' as const, { signal: stop.signal }).catch(() => 'late' as const)
  const first = await Promise.race([exit, late, aborted(signal, stop.signal)])
  stop.abort()
  if (typeof first !== 'string') {
    if (first.why === null) return { verdict: 'done', exitCode: 0, why: '' }
    return { verdict: 'failed', exitCode: first.code, why: inWords(`${command} ${first.why}`, lastLine(output)) }
  }
  const isGone = await killWhole(child.pid ?? 0, group)
  const what = first === 'late' ? `did not end within ${deadlineMs} ms` : 'was called off'
  const why = `${command} ${what}${isGone ? '' : ', and can not be killed'}`
  return { verdict: 'failed', exitCode: null, why: inWords(why, lastLine(output)) }
}

function aborted(signal: AbortSignal | undefined, done: AbortSignal): Promise<'called off'> {
  return new Promise(resolve => {
    if (signal?.aborted) resolve('called off')
    else signal?.addEventListener('abort', () => resolve('called off'), { once: true, signal: done })
  })
}

/** Kills a whole run; whether it is gone. */
async function killWhole(session: number, group: string | null): Promise<boolean> {
  const deadline = performance.now() + UNKILLABLE_MS
  for (let waitMs = 1; performance.now() < deadline; waitMs = Math.min(waitMs * 2, 50)) {
    const left = [...new Set([...(group === null ? [] : groupPids(group)), ...membersOf(session)])]
    if (left.length === 0) return true
    if (group === null || !killGroup(group)) for (const pid of left) sendSignal(pid, 'SIGKILL')
    await sleep(waitMs)
  }
  return false
}

/** The living of a session. */
function membersOf(session: number): number[] {
  if (session <= 1) return []
  return allPids().filter(pid => {
    const stat = readStat(pid)
    return stat?.session === session && stat.state !== 'Z' && stat.state !== 'X'
  })
}

function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

/** Kills a run that is still going on, told by the arguments of the `timeout` that leads its session. */
async function killEarlier(mark: string, groups: string | null, uid: number): Promise<void> {
  for (const pid of allPids()) {
    const args = readOr(`/proc/${pid}/cmdline`, '').split('\0')
    // Whoever writes such arguments himself gets his own session killed, and no other user's.
    if (args[0] !== 'timeout' || args[5] !== mark || readStat(pid)?.session !== pid || ownerOf(pid) !== uid) continue
    const name = basename(/^0::(.*)$/m.exec(readOr(`/proc/${pid}/cgroup`, ''))?.[1] ?? '')
    const group = groups !== null && groupPids(join(groups, name)).includes(pid) ? join(groups, name) : null
    if (!(await killWhole(pid, group))) {
      throw new TargetFault('target.unkillable', `an earlier activation (process ${pid}) can not be killed`, {
        ...{ retry: 'now', hint: `See what it waits for: cat /proc/${pid}/stack` },
      })
    }
  }
}

function ownerOf(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return otherwise
  }
}

/** The folder of this target's groups, one for each run: a service that a run has started may live on in its own. */
export function groupsOf(path: string): string | null {
  const { unified } = findHierarchies()
  const name = `heald-target-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`
  return unified === null ? null : join(unified, name)
}

/** Removes the groups of earlier runs of the target at `path` in which nothing is left, and their folder with the last. */
export function sweepGroups(path: string): void {
  const groups = groupsOf(path)
  if (groups === null || !existsSync(groups)) return
  try {
    removeEmpty(groups)
  } catch {
    // Somebody else has removed them meanwhile, or they may not be read: they cost nothing.
  }
  removeGroup(groups)
}

function removeEmpty(groups: string): void {
  for (const entry of readdirSync(groups, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroup(join(groups, entry.name))
}

/** Makes a group for a run and removes empty ones of earlier runs; null where groups can't be made. */
function freshGroup(groups: string | null): string | null {
  if (groups === null) return null
  try {
    mkdirSync(groups, { recursive: true })
    removeEmpty(groups)
    const group = join(groups, `${process.pid}-${Date.now()}`)
    mkdirSync(group)
    return group
  } catch {
    // Without a group a run is killed by its session.
    return null
  }
}

/** What a run says. */
interface Output {
  readonly fd: number
  /** The end of what was cut off. */
  earlier: string
}

/** A file without a name: a run can write to it when we are gone, and it goes with the run. Null where none can be had. */
function openOutput(account: Account | null): Output | null {
  const { O_RDWR, O_APPEND } = constants
  let output: Output | null = null
  try {
    output = { fd: openSync(tmpdir(), O_TMPFILE | O_RDWR | O_APPEND, 0o600), earlier: '' }
    // So that the command can open /dev/stderr, which is this file, anew.
    if (account !== null) fchownSync(output.fd, account.uid, account.gid)
  } catch {
    // A full disk, or a file system that has no such files: its words are lost, not its work.
  }
  return output
}

/** A command that floods its output must not fill the disk. It appends, so that it goes on at the start; its words so far are kept. */
function keepShort(output: Output): void {
  const { fd } = output
  const { size } = fstatSync(fd)
  if (size <= OUTPUT_BYTES) return
  // At once, so that it has hardly time to write between the two.
  output.earlier = tailOf(fd, size)
  ftruncateSync(fd, 0)
}

function lastLine(output: Output | null): string {
  if (output === null) return ''
  const { fd, earlier } = output
  const lines = `${earlier}\n${tailOf(fd, fstatSync(fd).size)}`.split('\n')
  return lines.findLast(line => line.trim() !== '') ?? ''
}

function tailOf(fd: number, size: number): string {
  const bytes = Buffer.alloc(TAIL_BYTES)
  const read = readSync(fd, bytes, 0, TAIL_BYTES, Math.max(0, size - TAIL_BYTES))
  return bytes.toString('utf8', 0, read)
}

/** One line of at most 300 characters. */
function inWords(what: string, said: string): string {
  const text = said === '' ? what : `${what}: ${said}`
  const line = text.replaceAll(/[\s\p{C}]+/gu, ' ').trim()
  return line.length <= WHY_CHARS ? line : `${line.slice(0, WHY_CHARS - 1)}…`
}
