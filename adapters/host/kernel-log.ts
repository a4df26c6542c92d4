import { closeSync, constants, openSync, readSync } from 'node:fs'

/**
 * What the kernel's log says of processes killed for lack of memory on the whole host. Needed where a service has no
 * memory group of its own to ask: the exit status alone (SIGKILL) can't tell.
 */
export interface KernelLog {
  /** Whether the kernel said that it killed this process since the last call. Reads only what is new. */
  wasOomKilled(pid: number): boolean
  close(): void
}

const MAX_RECORDS = 20_000
const MAX_REMEMBERED = 256

/** Opens `/dev/kmsg` at its end; where it can't be read, the answer is always false. */
export function openKernelLog(): KernelLog {
  let fd: number
  try {
    fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return { wasOomKilled: () => false, close: () => {} }
  }
  const killed = new Set<number>()
  const buffer = Buffer.alloc(8192)
  const readNew = (note: (record: string) => void): void => {
    for (let n = 0; n < MAX_RECORDS; n += 1) {
      try {
        note(buffer.toString('latin1', 0, readSync(fd, buffer)))
      } catch (error) {
        // EPIPE: records were overwritten before we came; the next read goes on behind them. EAGAIN: that was all.
        if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) return
      }
    }
  }
  readNew(() => {})
  return {
    wasOomKilled(pid) {
      readNew(record => {
        const victim = /(?:Killed|oom-kill).*?(?:process |pid=)(\d+)/.exec(record)?.[1]
        if (victim !== undefined) killed.add(Number(victim))
        if (killed.size > MAX_REMEMBERED) killed.clear()
      })
      return killed.delete(pid)
    },
    close: () => closeSync(fd),
  }
}
