import { readFileSync } from 'node:fs'
import type { SlotGroups } from './cgroup.ts'

/** What a launching shell wrote into the slot's pid file before it became the service. */
export interface RunFile {
  readonly pid: number
  /** Clock ticks since boot. */
  readonly startTime: number
  /** The kernel's id of the boot. */
  readonly boot: string
  readonly groups: SlotGroups
}

/** The members that the daemon adds to the shell's pid and start time, as JSON without braces. */
export function runFileTag(boot: string, groups: SlotGroups): string {
  return JSON.stringify({ boot, groups }).slice(1, -1)
}

/** Null when there is none, it is empty (the standby never got its byte) or not whole. */
export function readRunFile(path: string): RunFile | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<RunFile>
    const whole =
      typeof value.pid === 'number' && typeof value.startTime === 'number' && Array.isArray(value.groups?.folders)
    return whole ? (value as RunFile) : null
  } catch {
    return null
  }
}
