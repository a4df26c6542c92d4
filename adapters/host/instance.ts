import type { ChildProcess } from 'node:child_process'
import type { Ended } from '../../core/heal/host.ts'
import { groupPids, killGroup, memoryRecord, type Population, type SlotGroups } from './cgroup.ts'
import type { KernelLog } from './kernel-log.ts'
import { logSize, readTail } from './logs.ts'
import { exists } from './proc.ts'
import type { SlotName } from './slot.ts'

/** One run of a service: its main process and everything that comes from it. */
export interface Instance {
  readonly slot: SlotName
  readonly pid: number
  readonly groups: SlotGroups
  /** What it was started as (`run-file.ts`); undefined when an older heald did not say. */
  readonly launch: string | undefined
  /** Null for an adopted one. */
  readonly child: ChildProcess | null
  /** Of its unified control group; null where there is none. */
  readonly population: Population | null
  /** Size of the log when it started. */
  readonly logFrom: number
  /** Size of the log when its successor started; null until then. */
  logTo: number | null
  readonly unwatch: () => void
  /** The process group held nobody when the main process had gone: its number may belong to others by now. */
  groupGone: boolean
}

export const TAIL_BYTES = 2048

/** Whether nothing is left of it: by its control group, else by its process group. */
export function isTreeEmpty(instance: Instance): boolean {
  if (instance.population !== null) return !instance.population.isPopulated()
  if (!instance.groupGone && groupAlive(instance.pid)) return false
  return instance.groups.folders.every(folder => groupPids(folder).length === 0)
}

/**
 * Kills all that is left of it, at once where the kernel can (`cgroup.kill`). That passes over a process whose main thread
 * has ended while others live on, so on the second try each process is killed by its number as well.
 */
function killInstance(instance: Instance, again: boolean): void {
  const { unified, folders } = instance.groups
  if (unified !== null && killGroup(unified) && !again) return
  for (const folder of folders) for (const pid of groupPids(folder)) sendSignal(pid, 'SIGKILL')
  if (!instance.groupGone) sendSignal(-instance.pid, 'SIGKILL')
}

/** Kills what `target` names until it names nothing more; rejects after `timeoutMs`. */
export async function killUntilEmpty(name: string, target: () => Instance | null, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  let waitMs = 1
  for (let instance = target(); instance !== null; instance = target()) {
    killInstance(instance, waitMs > 1)
    if (performance.now() > deadline) {
      throw Object.assign(new Error(`processes of ${name} are still there ${timeoutMs} ms after SIGKILL`), {
        code: 'service.unkillable',
      })
    }
    await new Promise(resolve => setTimeout(resolve, waitMs))
    waitMs = Math.min(waitMs * 2, 50)
  }
}

/** What a parent is told of its child's end. */
export function howEnded(
  code: number | null,
  signal: NodeJS.Signals | null,
): Pick<Ended, 'exit' | 'exitCode' | 'signal'> {
  if (signal !== null) return { exit: 'signal', signal }
  return code === null ? { exit: 'unknown' } : { exit: 'code', exitCode: code }
}

/** What the kernel and the log say of an instance that has ended. */
export function remains(
  instance: Instance,
  logPath: string,
  kernelLog: KernelLog,
  mayBeOom: boolean,
): Pick<Ended, 'pid' | 'oom' | 'rssBytes' | 'tail'> {
  const { pid, groups, logFrom, logTo } = instance
  const memory = groups.memory === null ? null : memoryRecord(groups.memory)
  const oom = mayBeOom && wasOutOfMemory(instance, memory?.oomKills ?? 0, kernelLog)
  const tail = readTail(logPath, logFrom, logTo ?? logSize(logPath), TAIL_BYTES)
  return { pid, oom, tail, ...(memory?.peakBytes === undefined ? {} : { rssBytes: memory.peakBytes }) }
}

/**
 * A counted kill alone says little, for it may have been a child hours ago; where the kernel's log can't be read it is
 * all there is. Nobody remembers the counter of an earlier moment: that would be a look at every service's file each few
 * seconds.
 */
function wasOutOfMemory({ pid, groups }: Instance, oomKills: number, kernelLog: KernelLog): boolean {
  const victim = kernelLog.whatWasKilled(pid, groups.memory?.folder ?? null)
  if (victim === 'itself') return true
  // The counter starts at zero with each instance; the log may speak of the one that had this group before.
  return oomKills > 0 && victim !== 'nothing'
}

/** Whether the process group still has members, zombies included. */
export function groupAlive(pgid: number): boolean {
  return pgid > 1 && exists(-pgid)
}

/** Sends a signal; a process that is gone already is what we wanted. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  // 0, 1 and -1 mean ourselves, init and everybody: never what a service is.
  if (Math.abs(pid) <= 1) return
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
