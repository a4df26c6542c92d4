import { type ChildProcess, spawn } from 'node:child_process'
import { userInfo } from 'node:os'
import type { Clock } from '../clock.ts'
import { codeOf } from '../fault.ts'

/** What came of the fallback program. */
export interface Ran {
  readonly isOk: boolean
  /** Why not, in words; null when it is. */
  readonly why: string | null
  readonly tookMs: number
  /** The end of what it wrote, at most 4 KiB. */
  readonly output: string
}

const DEADLINE_MS = 60_000
const OUTPUT_BYTES = 4096
/** After its end, how long its last words may take to arrive. */
const LAST_WORDS_MS = 100

/**
 * Runs a program of the operator's with `input` on its standard input: no shell, in `/`, with as little environment as
 * services get. It has 60 s; then it and what it started are killed. Never rejects.
 */
export async function runFallback(argv: readonly string[], input: string, clock: Clock): Promise<Ran> {
  try {
    return await ranToItsEnd(argv, input, clock)
  } catch (error) {
    // Words that Node refuses outright.
    return { isOk: false, why: `${argv[0]} could not be started (${codeOf(error)})`, tookMs: 0, output: '' }
  }
}

function ranToItsEnd([file = '', ...words]: readonly string[], input: string, clock: Clock): Promise<Ran> {
  const startedMs = clock.monoMs()
  return new Promise(resolve => {
    let isLate = false
    let output = Buffer.alloc(0)
    const child = spawn(file, words, { cwd: '/', env: surroundings(), detached: true, stdio: 'pipe' })
    const cancel = clock.after(DEADLINE_MS, () => {
      isLate = true
      killGroup(child)
    })
    const end = (why: string | null): void => {
      cancel()
      for (const stream of child.stdio) stream?.destroy()
      const tookMs = Math.round(clock.monoMs() - startedMs)
      resolve({ isOk: why === null, why, tookMs, output: output.toString('utf8').trim() })
    }
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output = Buffer.concat([output, chunk]).subarray(-OUTPUT_BYTES)
      })
      // A pipe that breaks while it is being killed is of no interest: its exit tells.
      stream.on('error', () => {})
    }
    // One that does not want to read it all may do so.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.once('error', error => end(`${file} could not be started (${codeOf(error)})`))
    child.once('exit', (code, signal) => {
      const how = code === null ? `${file} was killed by ${signal}` : `${file} ended with exit code ${code}`
      const why = isLate ? `${file} did not end within ${DEADLINE_MS / 1000} s` : code === 0 ? null : how
      // Something that it left behind may keep the pipes open for ever.
      const cancelWait = clock.after(LAST_WORDS_MS, () => end(why))
      child.once('close', () => {
        cancelWait()
        end(why)
      })
    })
  })
}

function surroundings(): NodeJS.ProcessEnv {
  const { env } = process
  return {
    PATH: env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: env.HOME ?? '/',
    USER: userName(),
    LANG: env.LANG ?? 'C.UTF-8',
  }
}

/** In a container a number may have no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? '')
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: nothing is left of it.
    if (codeOf(error) !== 'ESRCH') throw error
  }
}
