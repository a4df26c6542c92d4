import type { Changes } from '../api/control.ts'
import { isUsableName } from '../config/names.ts'
import type { Draft } from '../entry.ts'
import type { ProcessHost } from './host.ts'
import type { Remembered } from './memory.ts'
import { newOutage } from './outage.ts'

/** How the incident of such a service ends, and why it is ended itself. */
export const NOT_CONFIGURED = 'it is not in the configuration any more'

export interface TakenOutOptions {
  readonly host: ProcessHost
  readonly record: (draft: Draft) => void
  /** Resolves once all that was recorded so far is durable; never rejects. */
  readonly recorded: () => Promise<void>
  readonly wallMs: () => number
  /** 8 hex. */
  readonly boot: string
  /** Units of the configuration; null for a service whose processes are heald's own. By name. */
  readonly configured: () => ReadonlyMap<string, string | null>
}

/**
 * What left the configuration while no daemon looked, as far as host and ledger know of it. What ran as heald's own is
 * ended, as a reload would have ended it; units go on. Each end is told, and open incidents end with it. A daemon that is
 * killed in the middle leaves the rest to the next one: all is found by what still runs and by what is not yet told.
 */
export interface TakenOut {
  /** The part of `config.applied` that tells of it. */
  changes(remembered: Remembered): Pick<Changes, 'stop' | 'release'>
  /** Resolves when nothing is left of what was heald's own. */
  end(remembered: Remembered): Promise<void>
  /** Tells of those that are remembered only now. */
  recall(remembered: Remembered): void
}

export function takenOut({ host, record, recorded, wallMs, boot, configured }: TakenOutOptions): TakenOut {
  /** They are told of. */
  const told = new Set<string>()

  /** Names under which an earlier daemon left processes of its own. */
  function left(): string[] {
    const own = [...configured()].filter(([, unit]) => unit === null).map(([name]) => name)
    return [...(host.others?.(new Set(own)) ?? [])].sort()
  }

  /** What it remembers as running or as a unit of heald's, beside those that are to be ended. */
  function letGo({ memory }: Remembered, ended: readonly string[]): string[] {
    if (areUnitsUnknown()) return []
    const names = configured()
    return Object.keys(memory)
      .filter(name => isUsableName(name) && !names.has(name) && !ended.includes(name) && !told.has(name))
      .filter(name => memory[name]?.unit !== undefined || ranBefore(memory, name) !== null)
      .sort()
  }

  /** What seems to be gone may be a unit that a pattern names. */
  const areUnitsUnknown = () => host.knowsUnits?.() === false

  function ranBefore(memory: Remembered['memory'], name: string): number | null {
    const of = memory[name]
    return of?.boot === boot ? of.runningPid : null
  }

  async function endOne(remembered: Remembered, svc: string): Promise<void> {
    // One that ended before somebody could tell is told now.
    const pid = (await host.endOther?.(svc)) ?? ranBefore(remembered.memory, svc)
    const data = { pid, by: 'heald', why: NOT_CONFIGURED }
    if (pid !== null) record({ kind: 'service.stopped', svc, ...incOf(remembered, svc), data })
    told.add(svc)
    // Its place is all that says that it was heald's own, until that is durable.
    void recorded().then(() => host.forgetOther?.(svc))
  }

  function tellRelease(remembered: Remembered, ended: readonly string[]): void {
    const { memory } = remembered
    for (const svc of letGo(remembered, ended)) {
      const unit = memory[svc]?.unit
      const pid = ranBefore(memory, svc)
      const data = { ...(unit !== undefined && { unit }), ...(pid !== null && { pid }), why: NOT_CONFIGURED }
      record({ kind: 'service.released', svc, ...incOf(remembered, svc), data })
      told.add(svc)
    }
  }

  function incOf(remembered: Remembered, svc: string) {
    const inc = remembered.openIncidents(svc)[0]?.id
    return inc === undefined ? {} : { inc }
  }

  function endIncidents(remembered: Remembered): void {
    const names = configured()
    for (const svc of Object.keys(remembered.memory)) {
      if (!isUsableName(svc) || names.has(svc)) continue
      if (areUnitsUnknown() && !told.has(svc)) continue
      const outage = newOutage(svc, record)
      outage.join(remembered.openIncidents(svc), wallMs())
      outage.resolve(NOT_CONFIGURED)
    }
  }

  return {
    changes(remembered) {
      const names = configured()
      const ended = left()
      return { stop: ended.filter(name => !names.has(name)), release: letGo(remembered, ended) }
    },
    async end(remembered) {
      const ended = left()
      await Promise.all(ended.map(name => endOne(remembered, name)))
      tellRelease(remembered, ended)
      endIncidents(remembered)
    },
    recall(remembered) {
      tellRelease(remembered, [])
      endIncidents(remembered)
    },
  }
}
