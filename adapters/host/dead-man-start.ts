import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCommand } from './command.ts'
import { sendSignal } from './instance.ts'
import { isRunning, readStat } from './proc.ts'
import { exported, quoted } from './shell-words.ts'

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
/** What systemd starts can't be given a pipe of ours: its word is looked for, soon at first. */
const LOOK_MS = 2
const SOON_MS = 200
const LOOK_LATER_MS = 50
const MOST_SAID = 100

/** What was started. */
export interface Started extends Process {
  /** Resolves once it has said that it stands; to false when it has ended, or says nothing in time. Never rejects. */
  readonly stands: Promise<boolean>
}

/**
 * In a session of its own. Outlives us, but not the end of a systemd unit that we are in. It says that it stands on its
 * output, and closes that. Null when it could not be started.
 */
export function startDetached({ argv, env }: Start): Started | null {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { detached: true, cwd: '/', stdio: ['ignore', 'pipe', 'ignore'], env: { ...env } })
  const said = new Promise<string>(resolve => {
    let text = ''
    child.stdout.setEncoding('latin1').on('data', (more: string) => {
      text += more
      if (text.includes('\n') || text.length > MOST_SAID) resolve(text)
    })
    for (const end of ['end', 'error']) child.stdout.once(end, () => resolve(text))
    child.once('error', () => resolve(''))
  })
  child.unref()
  const { pid } = child
  const startTime = pid === undefined ? undefined : readStat(pid)?.startTime
  if (pid === undefined || startTime === undefined) return null
  const stands = async () => {
    const stop = new AbortController()
    const late = sleep(READY_MS, '', { signal: stop.signal }).catch(() => '')
    const found = readWord(await Promise.race([said, late]))
    stop.abort()
    child.stdout.destroy()
    return found?.pid === pid && found.startTime === startTime
  }
  return { pid, startTime, stands: stands() }
}

/** Pid and start time of a process that says that it stands; null when it is not all there. */
export function readWord(text: string): Process | null {
  const [, pid, startTime] = /^(\d+) (\d+)\n$/.exec(text) ?? []
  return pid === undefined ? null : { pid: Number(pid), startTime: Number(startTime) }
}

/**
 * As a unit of its own, which the end of ours is nothing to: `sh` with a file, of which `startFile` is the text. False when
 * systemd would not. What its activation leaves running is not ended with it.
 */
export async function startWithSystemd(
  program: string,
  unit: string,
  argv: readonly [sh: string, file: string],
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  const settings = [
    ...['--quiet', '--collect', '--no-block', `--unit=${unit}`, '--service-type=exec'],
    '--description=heald: leads a target back when nobody disarms it in time',
    ...['KillMode=process', 'SendSIGKILL=no', 'StandardInput=null', 'StandardOutput=null', 'StandardError=null'].map(
      property => `--property=${property}`,
    ),
  ]
  const { exitCode } = await runCommand([program, ...settings, '--', ...argv], { env, deadlineMs: SYSTEMD_MS })
  return exitCode === 0
}

/** For a file that only we may read: its environment may hold secrets, and a unit's settings are for everybody to see. */
export function startFile({ argv, env }: Start): string {
  return `${exported(env)}exec ${argv.map(quoted).join(' ')}\n`
}

/** A unit may not be called everything that a target may. */
export function unitName(target: string, id: string): string {
  return `heald-deadman-${target.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100)}-${id}`
}

/** Waits for the word of what systemd has started; null when it says nothing in time. */
export async function waitReady(read: () => Promise<string | null>): Promise<Process | null> {
  const fromMs = performance.now()
  for (;;) {
    const found = readWord((await read()) ?? '')
    const waitedMs = performance.now() - fromMs
    if (found !== null || waitedMs > READY_MS) return found
    await sleep(waitedMs < SOON_MS ? LOOK_MS : LOOK_LATER_MS)
  }
}

/** Ends a dead-man that may not fire any more, and what it waits with. */
export function endProcess({ pid, startTime }: Process): void {
  // It leads its own group. What it has activated is in another session, and nobody's to end here.
  if (isRunning(pid, startTime)) sendSignal(-pid, 'SIGKILL')
}
