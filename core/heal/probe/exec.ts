import { type ChildProcess, spawn } from 'node:child_process'
import { codeOf } from '../../fault.ts'
import { settle } from './settle.ts'
import type { Check, Surroundings, Verdict } from './verdict.ts'

/** Of what the program writes, no more is kept; the rest is read and dropped, so that it doesn't block. */
const OUTPUT_LIMIT_BYTES = 4 * 1024

/** After a failed check ended, how long its last words may take to arrive. */
const LAST_WORDS_MS = 50

/**
 * Runs a program in the service's folder, as its account, with nothing of the daemon's environment but PATH and LANG.
 * Exit code 0 passes. Anything else, or no end within `timeoutMs`, fails. A program that can't be started is
 * inconclusive. Its whole process group is killed at the end, so a check leaves nothing behind.
 */
export function checkExec(
  check: Extract<Check, { kind: 'exec' }>,
  timeoutMs: number,
  signal: AbortSignal,
  surroundings: Surroundings = { cwd: '/' },
): Promise<Verdict> {
  const [command = '', ...args] = check.argv
  return settle(
    timeoutMs,
    signal,
    () => ({ verdict: 'fail', error: `${command} did not end within ${timeoutMs} ms` }),
    done => {
      const { cwd, account } = surroundings
      const child = spawn(command, args, {
        cwd,
        ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
        env: {
          PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
          HOME: account?.home ?? (account === undefined ? process.env.HOME : undefined) ?? '/',
          LANG: process.env.LANG ?? 'C.UTF-8',
        },
        // Its own process group, so that what it starts can be killed with it.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const output = keepFirst(child, OUTPUT_LIMIT_BYTES)
      let hasEnded = false
      let lastWords: NodeJS.Timeout | undefined

      child.once('error', error => {
        // The same code is given for a missing folder and a missing program.
        done('inconclusive', `${command} could not be started in ${cwd} (${codeOf(error)})`)
      })
      // `exit`, not `close`: a grandchild that keeps the pipe would delay `close` for ever.
      child.once('exit', (code, killedBy) => {
        hasEnded = true
        killGroup(child)
        if (code === 0) return done('pass')
        const how = code === null ? `was killed by ${killedBy}` : `ended with exit code ${code}`
        const tell = (): void => {
          const said = output().trim()
          done('fail', said === '' ? `${command} ${how}` : `${command} ${how}: ${said}`)
        }
        child.once('close', tell)
        lastWords = setTimeout(tell, LAST_WORDS_MS)
      })
      return () => {
        clearTimeout(lastWords)
        // Only while it runs: afterwards its number may belong to somebody else.
        if (!hasEnded) killGroup(child)
        child.stdout?.destroy()
        child.stderr?.destroy()
      }
    },
  )
}

function keepFirst(child: ChildProcess, limitBytes: number): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  const take = (chunk: Buffer): void => {
    if (bytes >= limitBytes) return
    chunks.push(chunk.subarray(0, limitBytes - bytes))
    bytes += chunk.length
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', take)
    // A pipe that breaks while the child is being killed is of no interest: its exit tells.
    stream?.on('error', () => {})
  }
  return () => Buffer.concat(chunks).toString('utf8')
}

/** Kills what is left of the check's process group. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: nothing is left. EPERM: only a zombie of another account is left. Neither needs anything done.
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error
  }
}
