import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Daemon {
  readonly child: ChildProcess
  readonly pid: number
  /** Resolves when it ended; may be awaited more than once. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
  rssBytes(): number
  /** CPU time used so far, ms. */
  cpuMs(): number
}

/** The daemon that was just started as `child`. */
export function daemonOf(child: ChildProcess): Daemon {
  const pid = child.pid ?? assert.fail('the daemon could not be forked')
  const ended = new Promise<Awaited<Daemon['ended']>>(resolve => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  return {
    child,
    pid,
    ended,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    rssBytes: () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024,
    cpuMs() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) * 10
    },
  }
}
