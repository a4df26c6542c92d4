import { chmodSync, closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** One start of a victim: its first instruction, on the monotonic clock. */
export interface Start {
  readonly pid: number
  readonly atNs: bigint
}

/** The file to which victims append a line as their first act, read as it grows. */
export interface Starts {
  readonly path: string
  /** Resolves with all starts there are once there are `many`; rejects when there aren't within the deadline. */
  until(many: number): Promise<readonly Start[]>
  /** Of those that are there now. */
  all(): readonly Start[]
  /** Pids that started and were not killed by us. */
  living(): readonly number[]
  /** SIGKILL. Answers the time just before. */
  kill(pid: number): bigint
  /** Kills what `living` says; for the end. */
  killAll(): void
}

const LOOK_EVERY_MS = 10
const DEADLINE_MS = 60_000

export function watchStarts(path: string): Starts {
  writeFileSync(path, '')
  chmodSync(path, 0o666)
  const seen: Start[] = []
  const killed = new Set<number>()
  let offset = 0
  let rest = ''

  function look(): void {
    const fd = openSync(path, 'r')
    try {
      const buffer = Buffer.alloc(65_536)
      for (let n = readSync(fd, buffer, 0, buffer.length, offset); n > 0; ) {
        offset += n
        const lines = (rest + buffer.toString('latin1', 0, n)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const [pid = '', atNs = '0'] = line.split(' ')
          seen.push({ pid: Number(pid), atNs: BigInt(atNs) })
          killed.delete(Number(pid))
        }
        n = readSync(fd, buffer, 0, buffer.length, offset)
      }
    } finally {
      closeSync(fd)
    }
  }
  /** The number may belong to somebody else by now: only a process that was started with this file is ours. */
  function isOurs(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(path)
    } catch {
      return false
    }
  }
  const living = () => [...new Set(seen.map(start => start.pid))].filter(pid => !killed.has(pid))

  return {
    path,
    all() {
      look()
      return seen
    },
    async until(many) {
      const deadline = performance.now() + DEADLINE_MS
      for (look(); seen.length < many; look()) {
        if (performance.now() > deadline)
          throw new Error(`${seen.length} of ${many} starts after ${DEADLINE_MS / 1000} s (${path})`)
        await sleep(LOOK_EVERY_MS)
      }
      return seen
    },
    living() {
      look()
      return living()
    },
    kill(pid) {
      const atNs = process.hrtime.bigint()
      process.kill(pid, 'SIGKILL')
      killed.add(pid)
      return atNs
    },
    killAll() {
      look()
      for (const pid of living()) if (isOurs(pid)) process.kill(pid, 'SIGKILL')
    },
  }
}

export function msBetween(fromNs: bigint, toNs: bigint): number {
  return Number(toNs - fromNs) / 1e6
}
