import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { faultFromJson } from '../api/fault-json.ts'
import { EXIT } from '../cli/command.ts'
import { Fault } from '../fault.ts'
import { frontDoor } from '../front-door.ts'

export interface CliOptions {
  /** heald's state folder, and the socket that it listens on. */
  readonly state: string
  readonly socket: string
}

export interface CliRun {
  /** The subcommand and its options, none of them from outside. */
  readonly words: readonly string[]
  /** What people wrote: never read as options. */
  readonly said?: readonly string[]
  readonly input?: string
  /** The zone in which people write times; left out: the one of heald's own process. */
  readonly tz?: string
  readonly timeoutMs?: number
  /** What it prints says itself that something is bad, so its exit code 1 (`EXIT.bad`) is an answer too. */
  readonly mayBeBad?: boolean
}

/** Questions about a long ledger are answered by a subcommand of its own process, so that none holds up healing. */
export type RunCli = (run: CliRun) => Promise<string>

const MOST_AT_ONCE = 2
const MOST_WAITING = 8
const TIMEOUT_MS = 30_000
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024

/**
 * Runs `heald … --json` and resolves to what it printed; rejects with the Fault that it told of, or `command.busy`,
 * `command.late`, and `command.broken` where its exit code says that what it printed is not to be taken as the answer.
 */
export function cliApart({ state, socket }: CliOptions): RunCli {
  let running = 0
  const waiting: (() => void)[] = []

  async function turn(): Promise<void> {
    if (running < MOST_AT_ONCE) {
      running += 1
      return
    }
    if (waiting.length >= MOST_WAITING)
      throw new Fault('command.busy', 'too many questions at once', { hint: 'ask again in a moment', retry: 2000 })
    await new Promise<void>(resolve => void waiting.push(resolve))
  }

  function done(): void {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }

  return async run => {
    await turn()
    try {
      return await once(run)
    } finally {
      done()
    }
  }

  function once(run: CliRun): Promise<string> {
    const { words, said = [], input = '', tz = process.env.TZ, timeoutMs = TIMEOUT_MS, mayBeBad = false } = run
    const args = [frontDoor(), ...words, '--json', '--state', state, '--', ...said]
    // No token of heald's goes there: only where it is, and the clock's zone.
    const { PATH, HOME } = process.env
    const env = { PATH, TZ: tz, HOME, RUNTIME_DIRECTORY: dirname(socket), NO_COLOR: '1' }
    return new Promise((resolve, reject) => {
      const options = { env, timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' } as const
      const child = execFile(process.execPath, args, options, (error, stdout) => {
        const fault = faultIn(stdout)
        if (fault !== null) reject(fault)
        else if (error?.killed === true)
          reject(
            new Fault('command.late', `it took longer than ${timeoutMs / 1000} s, or the answer is too long`, {
              hint: `nothing of it was answered; on the host it has all the time it needs: heald ${words.join(' ')}`,
            }),
          )
        else if (error !== null && !(mayBeBad && error.code === EXIT.bad && stdout !== ''))
          reject(new Fault('command.broken', 'the question could not be answered'))
        else resolve(stdout)
      })
      // One that ends before it has read all of it needs no more.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
    })
  }
}

function faultIn(stdout: string): Fault | null {
  if (!stdout.startsWith('{"error":')) return null
  try {
    return faultFromJson(JSON.parse(stdout))
  } catch {
    return null
  }
}
