import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { findEarlier, sweepLeftovers } from './earlier.ts'
import { groupAlive, sendSignal } from './instance.ts'
import { isRunning } from './proc.ts'
import type { HostShared } from './process.ts'
import { removeSlot, SLOTS, serviceOf } from './slot.ts'

/** Of a run that an older heald started, which did not say. */
const USUAL = { signal: 'SIGTERM', timeoutMs: 10_000 } as const
/** It may be longer for a service that stays; here others wait. */
const MOST_MS = 60_000
const LOOK_EVERY_MS = 20
const SETTLE_MS = 2000

/** Names of services that an earlier daemon had, other than these. */
export function otherNames({ runDir }: HostShared, names: ReadonlySet<string>): string[] {
  const found = readdirSync(runDir).flatMap(file => serviceOf(file) ?? [])
  return [...new Set(found)].filter(name => !names.has(name))
}

/** Asks it to end, kills what is left after its time. Resolves with its pid; null: none ran. */
export async function endOther(shared: HostShared, name: string): Promise<number | null> {
  const earlier = await findEarlier(shared, name, SETTLE_MS)
  if (earlier !== null) {
    const { pid, startTime, stop = USUAL } = earlier.found
    const endMs = performance.now() + Math.min(stop.timeoutMs, MOST_MS)
    if (isRunning(pid, startTime)) sendSignal(pid, stop.signal)
    while (isRunning(pid, startTime) && performance.now() < endMs) await setTimeout(LOOK_EVERY_MS)
    // A number that is somebody else's by then leads no group.
    if (isRunning(pid, startTime) && groupAlive(pid)) sendSignal(-pid, 'SIGKILL')
  }
  await sweepLeftovers(shared, name, SETTLE_MS)
  return earlier?.found.pid ?? null
}

export function forgetOther(shared: HostShared, name: string): void {
  for (const slot of SLOTS) removeSlot(shared, name, slot)
}
