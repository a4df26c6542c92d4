import { createHash } from 'node:crypto'
import type { Cron } from 'croner'
import type { MaintenanceSpec } from '../config/notice-spec.ts'
import { MAINTENANCE } from './memory.ts'

/** One time of maintenance, wall clock. */
export interface Window {
  /** The same for the same window, whatever heald has been through: `maintenance-1a2b3c4d-20261124T020000Z`. */
  readonly id: string
  readonly untilMs: number
}

export interface Plan {
  readonly spec: MaintenanceSpec
  /** How the ids of its windows begin. */
  readonly prefix: string
  /** The window that `nowMs` is in; null: none. */
  windowAt(nowMs: number): Window | null
  /** When the next one begins; null: never. */
  nextMs(nowMs: number): number | null
}

/** Each may have a silence that stands, and of those there are at most 1,000. */
const MOST_PLANS = 200

/** When each maintenance is. The parser of cron expressions is loaded only where there are any. */
export async function planMaintenance(
  specs: readonly MaintenanceSpec[],
  tz: string,
  warn: (text: string) => void,
): Promise<Plan[]> {
  const hasCron = specs.some(({ when }) => 'cron' in when)
  const parser = hasCron ? (await import('croner')).Cron : null
  const plans = new Map<string, Plan>()
  if (specs.length > MOST_PLANS) warn(`only the first ${MOST_PLANS} maintenances are planned, of ${specs.length}`)
  for (const spec of specs.slice(0, MOST_PLANS)) {
    const prefix = `${MAINTENANCE}${keyOf(spec)}-`
    const { when } = spec
    try {
      const plan =
        'cron' in when
          ? parser !== null && cronPlan(prefix, new parser(when.cron, { timezone: tz }), when.forMs)
          : fixedPlan(prefix, when)
      if (plan) plans.set(prefix, { spec, prefix, ...plan })
    } catch (error) {
      // The check of the configuration has been passed, so this is another parser's word.
      warn(`the maintenance ${JSON.stringify(when)} can't be planned: ${error}`)
    }
  }
  return [...plans.values()]
}

type Times = Pick<Plan, 'windowAt' | 'nextMs'>

function fixedPlan(prefix: string, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): Times {
  return {
    windowAt: nowMs => (fromMs <= nowMs && nowMs < toMs ? { id: prefix + stamp(fromMs), untilMs: toMs } : null),
    nextMs: nowMs => (nowMs < fromMs ? fromMs : null),
  }
}

function cronPlan(prefix: string, cron: Cron, forMs: number): Times {
  return {
    windowAt(nowMs) {
      // The reference itself is left out.
      const fromMs = cron.previousRuns(1, new Date(nowMs + 1))[0]?.getTime()
      if (fromMs === undefined || fromMs + forMs <= nowMs) return null
      return { id: prefix + stamp(fromMs), untilMs: fromMs + forMs }
    },
    nextMs: nowMs => cron.nextRun(new Date(nowMs))?.getTime() ?? null,
  }
}

/** By what it says, so that another order of the file changes nothing. */
function keyOf({ match, when, why }: MaintenanceSpec): string {
  const { severity, services, kinds } = match
  const all = JSON.stringify([severity, services, kinds, Object.entries(when).sort(), why])
  return createHash('sha256').update(all).digest('hex').slice(0, 8)
}

function stamp(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '')
}
