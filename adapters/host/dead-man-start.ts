import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCommand } from './command.ts'
import { sendSignal } from './instance.ts'
import { isRunning } from './proc.ts'

/** A process of its own, with nothing of ours: no pipe, no terminal, no working directory. */
export interface Start {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface Process {
  readonly pid: number
  /** Clock ticks since boot. */
  readonly startTime: number
}

const SYSTEMD_MS = 5000
const READY_MS = 10_000

/** In a session of its own. Outlives us, but not the end of a systemd unit that we are in. Says whether it has ended. */
export function startDetached({ argv, env }: Start): () => boolean {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { detached: true, cwd: '/', stdio: 'ignore', env: { ...env } })
  let isOver = false
  for (const event of ['error', 'exit'])
    child.once(event, () => {
      isOver = true
    })
  child.unref()
  return () => isOver
}

/**
 * As a unit of its own, which the end of ours is nothing to. False when systemd would not. What its activation leaves
 * running is not ended with it; a `$` in an argument would be taken for a variable's.
 */
export async function startWithSystemd(program: string, unit: string, { argv, env }: Start): Promise<boolean> {
  const settings = [
    ...['--quiet', '--collect', '--no-block', `--unit=${unit}`, '--service-type=exec'],
    '--description=heald: leads a target back when nobody disarms it in time',
    ...['KillMode=process', 'SendSIGKILL=no', 'StandardInput=null', 'StandardOutput=null', 'StandardError=null'].map(
      property => `--property=${property}`,
    ),
    ...Object.entries(env).map(([name, value]) => `--setenv=${name}=${value}`),
  ]
  const command = argv.map(word => word.replaceAll('$', () => '$$'))
  const { exitCode } = await runCommand([program, ...settings, '--', ...command], { env, deadlineMs: SYSTEMD_MS })
  return exitCode === 0
}

/** A unit may not be called everything that a target may. */
export function unitName(target: string, id: string): string {
  return `heald-deadman-${target.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100)}-${id}`
}

/** Waits for what `read` says of a started process; null when it has ended, or says nothing in time. */
export async function waitReady(read: () => Promise<Process | null>, hasEnded: () => boolean): Promise<Process | null> {
  const deadline = performance.now() + READY_MS
  for (let waitMs = 2; performance.now() < deadline; waitMs = Math.min(waitMs * 2, 50)) {
    const isOver = hasEnded()
    const found = await read()
    if (found !== null || isOver) return found
    await sleep(waitMs)
  }
  return null
}

/** Ends a dead-man that may not fire any more, and what it waits with. */
export function endProcess({ pid, startTime }: Process): void {
  // It leads its own group. What it has activated is in another session, and nobody's to end here.
  if (isRunning(pid, startTime)) sendSignal(-pid, 'SIGKILL')
}
