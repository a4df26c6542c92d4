import { readFileSync, readlinkSync } from 'node:fs'

/** What `/proc/<pid>/stat` says: enough to name a process for good and to tell the living from zombies. */
export interface ProcessStat {
  readonly state: string
  /** Session id; a launched service leads its own. */
  readonly session: number
  /** Clock ticks since boot. With the pid, names the process for good: pids are reused, this pair is not. */
  readonly startTime: number
}

/** Ticks a second in `/proc` figures: fixed at 100 for programs on Linux (USER_HZ). */
export const TICKS_PER_SECOND = 100

/** Null when there is no such process, or it is being torn down. Fields counted as in proc(5), after the last `)`. */
export function readStat(pid: number): ProcessStat | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, session, startTime] = [fields[0], Number(fields[3]), Number(fields[19])]
  if (state === undefined || !Number.isFinite(startTime)) return null
  return { state, session, startTime }
}

/** True while this very process runs: same start time, and neither a zombie nor dead. */
export function isRunning(pid: number, startTime: number): boolean {
  const stat = readStat(pid)
  return stat !== null && stat.startTime === startTime && stat.state !== 'Z' && stat.state !== 'X'
}

/** The file that a process has as its standard input; null where that can't be seen. */
export function inputOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/fd/0`)
  } catch {
    return null
  }
}

/** Whether the pid belongs to anybody, zombies included; a negative one asks for a process group. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
