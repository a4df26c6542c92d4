import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { removeGroup } from './cgroup.ts'
import type { HostShared } from './process.ts'

/** The two places of a service: one for the instance that runs, one for its standby, in turn. */
export const SLOTS = ['a', 'b'] as const
export type SlotName = (typeof SLOTS)[number]

/** `fifo`: held by the instance for life; `go`: the byte's way to the standby; `pid`: who it is (`run-file.ts`). */
export type SlotFile = 'fifo' | 'go' | 'pid'

interface Folders {
  readonly runDir: string
  readonly logDir: string
}

export function slotPath({ runDir }: Folders, service: string, slot: SlotName, file: SlotFile): string {
  return join(runDir, `${service}.${slot}.${file}`)
}

/** The service whose `pid` file has this name; null for every other file. */
export function serviceOf(fileName: string): string | null {
  return /^(.+)\.[ab]\.pid$/.exec(fileName)?.[1] ?? null
}

export function logPathOf({ logDir }: Folders, service: string): string {
  return join(logDir, `${service}.log`)
}

/** Removes the slot's files and its control groups, which have to be empty. */
export function removeSlot(shared: HostShared, service: string, slot: SlotName): void {
  const { unified, memory, pids } = shared.hierarchies
  for (const base of [unified, memory?.folder, pids?.folder]) {
    if (base) removeGroup(join(base, shared.groupName, `${service}.${slot}`))
  }
  for (const file of ['fifo', 'go', 'pid'] as const) rmSync(slotPath(shared, service, slot, file), { force: true })
}
