import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Activation, Generation } from '../../core/safeswitch/target.ts'
import type { Account } from './account.ts'
import { endActivation, markOf } from './activation-end.ts'
import { freshGroup, groupsOf } from './activation-groups.ts'
import { killWhole } from './activation-kill.ts'
import { keepShort, lastLine, type Output, openOutput } from './activation-output.ts'
import { findUnitRun, hasSystemd, startUnitRun, takeUpUnitRun } from './activation-unit.ts'
import { removeGroup } from './cgroup.ts'

/**
 * Life of an activation
 *
 * 1. A run that a daemon before this one left behind is killed: two at once would undo each other's work.
 * 2. A shell in a session of its own enters a fresh control group, becomes the owner, goes into the release and becomes
 *    `timeout`, which leads the session and runs the command. Nothing of it needs us: no pipe, and `timeout` ends it if
 *    we no longer can. Its arguments name the target, so that step 1 finds it without a file. Where systemd runs, the
 *    session and the group are those of a transient unit: see activation-unit.ts.
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
const WHY_CHARS = 300
/** How long after us `timeout` ends what we could not. */
const BACKSTOP_S = 2

/** Of one that was called off before its command began. */
export const CALLED_OFF: Activation = { verdict: 'failed', exitCode: null, why: 'it was called off' }

export async function runActivation(plan: ActivationPlan): Promise<Activation> {
  const { target, path, argv, generation, account, deadlineMs } = plan
  await endActivation(path, account)
  if (plan.signal?.aborted) return CALLED_OFF
  const limit = String(Math.ceil(deadlineMs / 1000) + BACKSTOP_S)
  const inside = ['-c', RUN, 'heald', generation.path, 'timeout', '-s', 'KILL', limit, 'env', markOf(path), ...argv]
  const command = [...(account?.become ?? []), '/bin/sh', ...inside]
  const env = environmentOf(plan)
  if (hasSystemd()) {
    const run = await startUnitRun({ target, path, argv: command, order: orderOf(plan), env, account })
    if (run !== null) return await ended(run, plan).finally(run.close)
  }
  const groups = groupsOf(path)
  const group = freshGroup(groups)
  const output = openOutput(account)
  try {
    const child = spawn('/bin/sh', ['-c', `${ENTER}exec "$@"`, 'heald', group ?? '', ...command], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', output?.fd ?? 'ignore', output?.fd ?? 'ignore'],
      env,
    })
    const shorten = setInterval(() => output !== null && keepShort(output), 200)
    try {
      return await ended(childRun(child, group, output), plan)
    } finally {
      clearInterval(shorten)
    }
  } finally {
    if (output !== null) closeSync(output.fd)
    for (const folder of [group, groups]) if (folder !== null) removeGroup(folder)
  }
}

/** What tells the run of a plan from all others of its target. */
type Ordered = Pick<ActivationPlan, 'path' | 'argv' | 'generation'>

function orderOf({ argv, generation }: Omit<Ordered, 'path'>): string {
  return JSON.stringify([generation.path, ...argv])
}

/** Whether such a run was begun by an earlier one of us and can be taken up: it goes on, or how it ended is known. */
export function isUnderWay(ordered: Ordered): boolean {
  return findUnitRun(ordered.path, orderOf(ordered)) !== null
}

/** The end of such a run, once it has come; null where there is none to take up. */
export async function takeUpActivation(plan: ActivationPlan): Promise<Activation | null> {
  const unit = findUnitRun(plan.path, orderOf(plan))
  if (unit === null) return null
  const run = takeUpUnitRun(unit)
  return await ended(run, plan).finally(run.close)
}

function environmentOf({ account, env, target, generation }: ActivationPlan): Record<string, string> {
  const { PATH, HOME, USER } = process.env
  const own = {
    ...{ PATH, HOME: account?.home ?? HOME, USER: account?.name ?? USER },
    ...env,
    ...{ HEALD_TARGET: target, HEALD_GENERATION: generation.generation, HEALD_PATH: generation.path },
  }
  return Object.fromEntries(
    Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** How the command of a run ended. */
export interface Exit {
  readonly code: number | null
  /** Null: it ended well. */
  readonly why: string | null
}

/** A run that goes on. */
export interface Run {
  readonly exit: Promise<Exit>
  /** Kills all of it; whether nothing of it is left. */
  kill(): Promise<boolean>
  /** The last line that it wrote; '' for none. */
  lastLine(): string
}

function childRun(child: ChildProcess, group: string | null, output: Output | null): Run {
  return {
    exit: new Promise(resolve => {
      child.once('error', error => resolve({ code: null, why: `could not be run: ${error.message}` }))
      child.once('exit', (code, signal) => {
        if (signal !== null) resolve({ code: null, why: `was ended by ${signal}` })
        else resolve({ code, why: code === 0 ? null : `ended with exit code ${code}` })
      })
    }),
    kill: () => killWhole(child.pid ?? 0, group),
    lastLine: () => lastLine(output),
  }
}

/** Waits for the end of a run, for its deadline, or until it is called off. */
async function ended(run: Run, { argv, deadlineMs, signal }: ActivationPlan): Promise<Activation> {
  const command = argv.join(' ').slice(0, 80)
  const stop = new AbortController()
  const late = sleep(deadlineMs, 'late' as const, { signal: stop.signal }).catch(() => 'late' as const)
  const first = await Promise.race([run.exit, late, aborted(signal, stop.signal)])
  stop.abort()
  if (typeof first !== 'string') {
    if (first.why === null) return { verdict: 'done', exitCode: 0, why: '' }
    // One that killed what runs it goes on, and would undo what comes next.
    if (first.code === null) await run.kill()
    return { verdict: 'failed', exitCode: first.code, why: inWords(`${command} ${first.why}`, run.lastLine()) }
  }
  const isGone = await run.kill()
  const what = first === 'late' ? `did not end within ${deadlineMs} ms` : 'was called off'
  const why = `${command} ${what}${isGone ? '' : ', and can not be killed'}`
  return { verdict: 'failed', exitCode: null, why: inWords(why, run.lastLine()) }
}

function aborted(signal: AbortSignal | undefined, done: AbortSignal): Promise<'called off'> {
  return new Promise(resolve => {
    if (signal?.aborted) resolve('called off')
    else signal?.addEventListener('abort', () => resolve('called off'), { once: true, signal: done })
  })
}

/** One line of at most 300 characters. */
function inWords(what: string, said: string): string {
  const text = said === '' ? what : `${what}: ${said}`
  const line = text.replaceAll(/[\s\p{C}]+/gu, ' ').trim()
  return line.length <= WHY_CHARS ? line : `${line.slice(0, WHY_CHARS - 1)}…`
}
