import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { isHeld } from './adopted.ts'
import { populationOf } from './cgroup.ts'
import { type Instance, isTreeEmpty, killUntilEmpty } from './instance.ts'
import { inputOf, isRunning } from './proc.ts'
import type { HostShared } from './process.ts'
import { type RunFile, readRunFile } from './run-file.ts'
import { SLOTS, type SlotName, slotPath } from './slot.ts'

const LOOK_EVERY_MS = 5

/**
 * Looks for the instance that a daemon before this one left running. A shell that got its byte just before that daemon
 * died is waited for, at most `settleMs`: starting beside it would run the service twice.
 */
export async function findEarlier(
  shared: HostShared,
  name: string,
  settleMs: number,
): Promise<{ readonly slot: SlotName; readonly found: RunFile } | null> {
  const deadline = performance.now() + settleMs
  for (;;) {
    let isPending = false
    for (const slot of SLOTS) {
      const found = readRunFile(slotPath(shared, name, slot, 'pid'))
      // Not written yet, though somebody holds the slot's FIFO: a shell that has only just been forked.
      if (found === null) isPending ||= isHeld(slotPath(shared, name, slot, 'fifo'))
      else if (found.boot === shared.boot && isRunning(found.pid, found.startTime)) {
        // A standby: it got its byte and is about to become the service, or is about to end.
        if (!inputOf(found.pid)?.endsWith(`/${name}.${slot}.go`)) return { slot, found }
        isPending = true
      }
    }
    if (!isPending || performance.now() > deadline) return null
    await setTimeout(LOOK_EVERY_MS)
  }
}

/** The main process died while nobody watched; what it left in its groups must not live beside its successor. */
export async function sweepLeftovers(shared: HostShared, name: string, timeoutMs: number): Promise<void> {
  for (const slot of SLOTS) {
    const found = readRunFile(slotPath(shared, name, slot, 'pid')) ?? unnamedRun(shared, name, slot)
    if (found.boot !== shared.boot) continue
    const left: Instance = {
      ...{ slot, child: null, logFrom: 0, logTo: null, unwatch: () => {}, groupGone: true },
      ...{ pid: found.pid, groups: found.groups, launch: found.launch, population: populationOf(found.groups) },
    }
    await killUntilEmpty(name, () => (isTreeEmpty(left) ? null : left), timeoutMs).catch((error: unknown) =>
      shared.warn(String(error)),
    )
    left.population?.close()
  }
}

/** What a full disk kept from being named in the slot's pid file is known by its control group all the same. */
function unnamedRun(shared: HostShared, name: string, slot: SlotName): RunFile {
  const { unified } = shared.hierarchies
  const folder = unified === null ? null : join(unified, shared.groupName, `${name}.${slot}`)
  const groups = { folders: folder === null ? [] : [folder], unified: folder, memory: null }
  return { pid: 0, startTime: 0, boot: shared.boot, groups }
}
