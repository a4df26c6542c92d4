import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

/**
 * What the kernel's log says of processes killed for lack of memory. Needed because neither the exit status (SIGKILL)
 * nor a group's counter can tell: the counter also holds a child that was killed hours before its parent ended.
 */
export interface KernelLog {
  /**
   * What was killed lately, asked when the process `pid` has just ended: it `itself`; another of its memory group
   * (`groupFolder`), so shortly before that its end is likely the consequence; or nothing. `unknown` where the log
   * can't be read, or some of it was overwritten first. Reads only what is new.
   */
  whatWasKilled(pid: number, groupFolder: string | null): OomVictim
  close(): void
}

export type OomVictim = 'itself' | 'relative' | 'nothing' | 'unknown'

/** One record at a time: `lost` when some were overwritten before they were read, null when there is none now. */
export interface RecordSource {
  next(): { readonly record: string } | 'lost' | null
  close(): void
}

interface Victim {
  readonly pid: number
  /** Its memory group as the kernel names it, from the root; null when the log doesn't say. */
  readonly group: string | null
  /** Milliseconds of the monotonic clock. */
  readonly atMs: number
}

/** A parent gives up within this time after the kernel killed its child; later, it ended of something else. */
export const RECENT_MS = 5000
/** A pid names its process until it is waited for, and for a while after: then it may belong to another. */
const PID_MS = 60_000
/**
 * Records carry a clock of their own, which after weeks is minutes away from any that can be read here: a record is
 * placed between the last look and this one, so the looks bound the error.
 */
const LOOK_EVERY_MS = 2000
const MAX_RECORDS = 20_000
const MAX_VICTIMS = 256
/** Major 1, minor 11: in a container something else may stand in its place and never say a word. */
const KMSG_DEVICE = 0x10b

const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** Reads on from here; where the log can't be read (`source` null) the answer is always `unknown`. */
export function openKernelLog(source: RecordSource | null = openKmsg(), nowMs = monotonicMs): KernelLog {
  if (source === null) return { whatWasKilled: () => 'unknown', close: () => {} }
  const victims: Victim[] = []
  let lastLookMs = Number.NEGATIVE_INFINITY
  let lostMs = Number.NEGATIVE_INFINITY

  function look(): void {
    const now = nowMs()
    // Nobody looked for long: then nobody knows either when in that time a process ended that is only now missed.
    const isStalled = now - lastLookMs > 2 * LOOK_EVERY_MS
    let isRead = false
    for (let n = 0; n < MAX_RECORDS && !isRead; n += 1) {
      const next = source?.next() ?? null
      if (next === null) isRead = true
      else if (next === 'lost') lostMs = now
      else {
        const killed = readVictim(next.record)
        if (killed === null) continue
        const atMs = isStalled ? now : Math.min(Math.max(killed.loggedMs, lastLookMs), now)
        remember({ pid: killed.pid, group: killed.group, atMs })
      }
    }
    if (!isRead) lostMs = now
    lastLookMs = now
    while (victims[0] !== undefined && now - victims[0].atMs > PID_MS) victims.shift()
  }

  function remember(victim: Victim): void {
    // The kernel tells each kill once by its pid, and before that, unless there are many, with its group too.
    if (victim.group === null && victims.some(({ pid, group }) => pid === victim.pid && group !== null)) return
    victims.push(victim)
    if (victims.length > MAX_VICTIMS) victims.shift()
  }

  look()
  // What was there before: no news of anything that ends from now on.
  victims.length = 0
  lostMs = Number.NEGATIVE_INFINITY
  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()

  return {
    whatWasKilled(pid, groupFolder) {
      look()
      const now = nowMs()
      const isOwn = ({ group }: Victim) => groupFolder === null || group === null || isWithin(group, groupFolder)
      if (victims.some(victim => victim.pid === pid && isOwn(victim))) return 'itself'
      const isRecent = ({ atMs }: Victim) => now - atMs <= RECENT_MS
      if (groupFolder !== null && victims.some(victim => isRecent(victim) && isOwn(victim))) return 'relative'
      return now - lostMs <= RECENT_MS ? 'unknown' : 'nothing'
    },
    close() {
      clearInterval(timer)
      source.close()
    },
  }
}

/** The kernel counts groups from the root, a container from its own: the last two names are the ones we gave. */
function isWithin(group: string, folder: string): boolean {
  const own = `/${folder.split('/').slice(-2).join('/')}`
  return group.endsWith(own) || group.includes(`${own}/`)
}

/**
 * The victim that a record of `/dev/kmsg` names. A process chooses its name, which stands in the record too, so the
 * fields are found from the ends; and whatever a program writes into the log has a facility (8 and more).
 */
export function readVictim(record: string): { pid: number; group: string | null; loggedMs: number } | null {
  const [, priority, loggedUs, text = ''] = /^(\d+),\d+,(\d+),[^;]*;(.*)/.exec(record) ?? []
  if (Number(priority) > 7) return null
  const loggedMs = Number(loggedUs) / 1000
  const named = /^oom-kill:constraint=.*?,task_memcg=(.*?),task=.*,pid=(\d+),uid=\d+$/.exec(text)
  if (named !== null) return { pid: Number(named[2]), group: named[1] ?? null, loggedMs }
  const killed = /^(?:(?:Memory cgroup o|O)ut of memory[^:]*: )?Killed process (\d+) /.exec(text)
  return killed === null ? null : { pid: Number(killed[1]), group: null, loggedMs }
}

function openKmsg(): RecordSource | null {
  let fd: number
  try {
    fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return null
  }
  if (fstatSync(fd).rdev !== KMSG_DEVICE) {
    closeSync(fd)
    return null
  }
  const buffer = Buffer.alloc(8192)
  return {
    next() {
      try {
        return { record: buffer.toString('latin1', 0, readSync(fd, buffer)) }
      } catch (error) {
        // EPIPE: records were overwritten before we came; the next read goes on behind them. EAGAIN: that was all.
        return error instanceof Error && 'code' in error && error.code === 'EPIPE' ? 'lost' : null
      }
    },
    close: () => closeSync(fd),
  }
}
