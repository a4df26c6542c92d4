import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { errnoOf, TargetFault } from './target-fault.ts'

/** The lock of a target's pointers. */
export interface PointerLock {
  /** False when somebody else still holds it after `waitMs`. Taking what is held already is fine. */
  take(waitMs: number): Promise<boolean>
  free(): Promise<void>
  isHeld(): boolean
}

export interface PointerLockOptions {
  readonly file: string
  /** The path of the program, as it is now. */
  readonly flock: () => Promise<string>
  /** Who is to be ended when it holds the lock for too long; written into the file by whoever has it. */
  readonly holder: { readonly pid: number; readonly startTime: number; readonly boot: string }
}

const BUSY = 1
/** Beyond the wait: for the program to start on a busy machine. */
const SLACK_MS = 10_000

/**
 * Node has no flock, but the lock is the open file's and not the process's: `flock` takes it on a descriptor of ours, and
 * ends. It is ours until we close that descriptor, which our death does too, however we die. No other child gets it: Node
 * opens with O_CLOEXEC.
 */
export function makePointerLock({ file, flock, holder }: PointerLockOptions): PointerLock {
  let held: FileHandle | null = null

  function cant(how: string, cause?: unknown): TargetFault {
    return new TargetFault('deadman.lock', `${file} can't be locked (${how})`, {
      ...{ cause, retry: 1000 },
      hint: 'The folder must be writable for heald, and flock (util-linux) on its PATH.',
    })
  }

  /** In a session of its own, or Ctrl-C at a terminal would end it while the daemon still ends its work. */
  async function isTaken(handle: FileHandle, waitMs: number): Promise<boolean> {
    const child = spawn(await flock(), ['-w', String(Math.max(waitMs, 10) / 1000), '3'], {
      ...{ detached: true, cwd: '/', env: {}, stdio: ['ignore', 'ignore', 'ignore', handle.fd] },
    })
    const stop = new AbortController()
    const late = sleep(waitMs + SLACK_MS, 'no answer', { signal: stop.signal }).catch(() => 'no answer')
    const first = await Promise.race([endOf(child), late])
    stop.abort()
    if (first === 0) return true
    child.kill('SIGKILL')
    if (first === BUSY) return false
    throw cant(typeof first === 'number' ? `exit code ${first}` : first)
  }

  /** In place: who holds it can be said on a full disk too, and whoever reads meanwhile finds one line or the other. */
  async function sign(handle: FileHandle): Promise<void> {
    const line = Buffer.from(`${holder.pid} ${holder.startTime} ${holder.boot}\n`)
    await handle.write(line, 0, line.length, 0)
    await handle.truncate(line.length)
  }

  return {
    async take(waitMs) {
      if (held !== null) return true
      let handle: FileHandle | null = null
      try {
        handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
        if (!(await isTaken(handle, waitMs))) return false
        await sign(handle)
        held = handle
        return true
      } catch (error) {
        throw error instanceof TargetFault ? error : cant(errnoOf(error), error)
      } finally {
        if (held !== handle) await handle?.close()
      }
    },
    async free() {
      const handle = held
      held = null
      await handle?.close()
    },
    isHeld: () => held !== null,
  }
}

/** Its exit code, or words on why there is none. */
function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code ?? `ended by ${signal}`))
  })
}
