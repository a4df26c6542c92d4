import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendSignal } from './instance.ts'
import { TargetFault } from './target-fault.ts'

/** The lock of a target's pointers. */
export interface PointerLock {
  /** False when somebody else still holds it after `waitMs`. Taking what is held already is fine. */
  take(waitMs: number): Promise<boolean>
  free(): Promise<void>
  isHeld(): boolean
}

export interface PointerLockOptions {
  readonly file: string
  readonly sh: string
  readonly path: string
  /** Who is to be ended when it holds the lock for too long; written into the file by whoever has it. */
  readonly holder: { readonly pid: number; readonly startTime: number; readonly boot: string }
}

/**
 * Node has no flock, so a shell that becomes `cat` holds it: end of file on its input frees it, which our own death
 * brings about, however we die. It has a session of its own, or Ctrl-C at a terminal would take the lock from a daemon
 * that still ends its work. `$1` file, `$2` seconds, `$3` the line that names the holder.
 */
const HOLD = `exec 9>>"$1" || exit 77
flock -w "$2" 9
case $? in 0) ;; 1) exit 75 ;; *) exit 77 ;; esac
printf '%s\\n' "$3" > "$1" || exit 77
echo held
exec cat > /dev/null
`
const BUSY = 75
/** Beyond the wait: for the programs to start on a busy machine. */
const SLACK_MS = 10_000
const FREE_MS = 5000

export function makePointerLock({ file, sh, path, holder }: PointerLockOptions): PointerLock {
  let held: { free(): Promise<void> } | null = null

  async function take(waitMs: number): Promise<boolean> {
    if (held !== null) return true
    const line = `${holder.pid} ${holder.startTime} ${holder.boot}`
    const child = spawn(sh, ['-c', HOLD, 'heald', file, String(Math.max(waitMs, 10) / 1000), line], {
      ...{ detached: true, cwd: '/', env: { PATH: path }, stdio: ['pipe', 'pipe', 'ignore'] },
    })
    const ended = new Promise<number | null>(resolve => {
      child.once('error', () => resolve(null))
      child.once('exit', code => resolve(code))
    })
    // One that is gone before it is told anything is no news: that it ended is.
    child.stdin.on('error', () => {})
    const stop = new AbortController()
    const late = sleep(waitMs + SLACK_MS, 'late' as const, { signal: stop.signal }).catch(() => 'late' as const)
    const said = new Promise<'held'>(resolve => child.stdout.once('data', () => resolve('held')))
    const first = await Promise.race([said, ended, late])
    stop.abort()
    if (first !== 'held') {
      sendSignal(-(child.pid ?? 0), 'SIGKILL')
      child.stdin.destroy()
      if (first === BUSY) return false
      const how = first === 'late' ? 'no answer' : `exit code ${first ?? 'unknown'}`
      throw new TargetFault('deadman.lock', `${file} can't be locked (${how})`, {
        ...{ retry: 1000, hint: 'The folder must be writable for heald, and flock (util-linux) on its PATH.' },
      })
    }
    const mine = {
      async free() {
        held = null
        child.ref()
        child.stdin.end()
        const isLate = setTimeout(() => child.kill('SIGKILL'), FREE_MS)
        await ended
        clearTimeout(isLate)
      },
    }
    held = mine
    // Somebody ended it: then the lock is nobody's, and is taken anew when it is asked for next.
    void ended.then(() => {
      child.stdin.destroy()
      if (held === mine) held = null
    })
    // The daemon's end does not wait for it.
    child.unref()
    for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref()
    return true
  }

  return {
    take,
    async free() {
      await held?.free()
    },
    isHeld: () => held !== null,
  }
}
