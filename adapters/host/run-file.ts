import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ServiceSpec } from '../../core/config/spec.ts'
import type { SlotGroups } from './cgroup.ts'

/** What a launching shell wrote into the slot's pid file before it became the service. */
export interface RunFile {
  readonly pid: number
  /** Clock ticks since boot. */
  readonly startTime: number
  /** The kernel's id of the boot. */
  readonly boot: string
  readonly groups: SlotGroups
  /** `launchDigest` of what it was started as. */
  readonly launch?: string
  /** How it is asked to end, for a heald whose configuration does not have it any more. */
  readonly stop?: ServiceSpec['stop']
}

/** The members that the daemon adds to the shell's pid and start time, as JSON without braces. */
export function runFileTag(boot: string, groups: SlotGroups, launch: string, stop?: ServiceSpec['stop']): string {
  return JSON.stringify({ boot, groups, launch, stop }).slice(1, -1)
}

/** Stands for all that can't change in a running process: command, folder, environment, user and limits. */
export function launchDigest({ run, cwd, env, user, limits }: ServiceSpec): string {
  const sorted = Object.entries(env).sort(([one], [other]) => (one < other ? -1 : 1))
  const all = JSON.stringify([run, cwd, sorted, user ?? null, limits.memoryBytes ?? null, limits.pids ?? null])
  return createHash('sha256').update(all).digest('hex')
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
