import { type ChildProcess, spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import { codeOf } from '../../fault.ts'
import { settle } from './settle.ts'
import type { Check, Surroundings, Verdict } from './verdict.ts'

/** Of what the program writes, no more is kept; the rest is read and dropped, so that it doesn't block. */
const OUTPUT_LIMIT_BYTES = 4 * 1024

/** After a failed check ended, how long its last words may take to arrive. */
const LAST_WORDS_MS = 50

/** Of what the shell below says, no more is kept. */
const LAUNCH_LIMIT_BYTES = 64

/**
 * Runs as the service's user already; `$1` is the folder, then the program. What it writes to descriptor 3 tells a
 * program that was never started from one that ended with the same exit code: nothing when it could not become that
 * user, then `user`, then why it went no further.
 */
const LAUNCH = `echo user >&3
why=folder
trap 'echo "$why $?" >&3' EXIT
cd "$1" 2>/dev/null || exit 1
shift
unset PWD OLDPWD
why=program
[ $# -gt 0 ] || exit 127
if [ -n "\${BASH_VERSION-}" ]; then shopt -s execfail; fi
exec "$@"
exit $?
`
const SHELL = '/bin/sh'

/**
 * Runs a program in the service's folder, as its account, with nothing of the daemon's environment but PATH and LANG.
 * Exit code 0 passes. Anything else, or no end within `timeoutMs`, fails. A program that can't be started is
 * inconclusive. Its whole process group is killed at the end.
 *
 * What left that group (setsid) is not: only a control group would hold it, and entering one costs each check 13–17 ms.
 * A mark in its environment can be dropped by it, and costs a look at every process of the host.
 */
export function checkExec(
  check: Extract<Check, { kind: 'exec' }>,
  timeoutMs: number,
  signal: AbortSignal,
  surroundings: Surroundings = { cwd: '/' },
): Promise<Verdict> {
  const [command = ''] = check.argv
  return settle(
    timeoutMs,
    signal,
    () => ({ verdict: 'fail', error: `${command} did not end within ${timeoutMs} ms` }),
    done => {
      const { cwd, account } = surroundings
      // Another user: from `/`, for only that user enters the folder. PATH may name the folder one is in, and
      // what is in the service's must not run with the daemon's rights.
      const [file = '', ...rest] =
        account === undefined ? check.argv : [...account.become, SHELL, '-c', LAUNCH, 'heald', cwd, ...check.argv]
      const child = spawn(file, rest, {
        cwd: account === undefined ? cwd : '/',
        env: {
          PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
          HOME: account?.home ?? process.env.HOME ?? '/',
          LANG: process.env.LANG ?? 'C.UTF-8',
        },
        // Its own process group, so that what it starts can be killed with it.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', ...(account === undefined ? [] : ['pipe' as const])],
      })
      const output = keepFirst([child.stdout, child.stderr], OUTPUT_LIMIT_BYTES)
      const launch = keepFirst([child.stdio[3]], LAUNCH_LIMIT_BYTES)
      let hasEnded = false
      let lastWords: NodeJS.Timeout | undefined

      child.once('error', error => {
        // The same code is given for a missing folder and a missing program.
        done('inconclusive', `${file} could not be started in ${cwd} (${codeOf(error)})`)
      })
      // `exit`, not `close`: a grandchild that keeps the pipe would delay `close` for ever.
      child.once('exit', (code, killedBy) => {
        hasEnded = true
        killGroup(child)
        if (code === 0) return done('pass')
        const how = code === null ? `was killed by ${killedBy}` : `ended with exit code ${code}`
        const tell = (): void => {
          const broken = account === undefined ? undefined : whyNotStarted(launch())
          if (broken !== undefined) {
            done('inconclusive', `${command} could not be started in ${cwd} (${broken})`)
            return
          }
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
        for (const stream of child.stdio) stream?.destroy()
      }
    },
  )
}

/** What the launching shell said, in words; undefined when the program ran. */
function whyNotStarted(said: string): string | undefined {
  const [user, why] = said.split('\n')
  if (user !== 'user') return 'the user of the service could not be taken on'
  if (why === 'folder 1') return 'the folder does not exist or may not be entered'
  // Of a shell: 127 is "not found", 126 "found, but not executable".
  if (why === 'program 127') return 'ENOENT'
  return why?.startsWith('program ') === true ? 'EACCES' : undefined
}

function keepFirst(streams: readonly unknown[], limitBytes: number): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  const take = (chunk: Buffer): void => {
    if (bytes >= limitBytes) return
    chunks.push(chunk.subarray(0, limitBytes - bytes))
    bytes += chunk.length
  }
  for (const stream of streams) {
    if (!(stream instanceof Readable)) continue
    stream.on('data', take)
    // A pipe that breaks while the child is being killed is of no interest: its exit tells.
    stream.on('error', () => {})
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
