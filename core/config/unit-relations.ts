import { isRecord } from './document.ts'
import type { Complaint } from './explain.ts'

/** What is systemd's to say of a unit, and where it is said. */
const OF_SYSTEMD = {
  run: 'remove one of them: a service is a command that heald runs, or a unit that systemd runs',
  env: 'remove it, and write Environment= into the unit',
  user: 'remove it, and write User= into the unit',
  stop: 'remove it, and write KillSignal= and TimeoutStopSec= into the unit',
  limits: 'remove it, and write MemoryMax= and TasksMax= into the unit',
  logs: 'remove it: what a unit writes is in the journal',
} as const

/** heald itself and what `heald install` writes beside it; patterns don't name these either. */
const OWN = /^heald[-.]/

/** What concerns several keys of services that are units. */
export function checkUnitServices(services: Readonly<Record<string, unknown>>): Complaint[] {
  const complaints: Complaint[] = []
  const takenBy = new Map<string, string>()
  for (const [name, service] of Object.entries(services)) {
    if (!isRecord(service) || !Object.hasOwn(service, 'unit')) continue
    const path = ['services', name]
    for (const [key, hint] of Object.entries(OF_SYSTEMD)) {
      if (!Object.hasOwn(service, key)) continue
      complaints.push({ path: [...path, key], message: 'does not belong to a service that is a unit', hint, on: 'key' })
    }
    const { unit } = service
    if (typeof unit !== 'string') continue
    if (OWN.test(unit)) {
      const message = 'is one of heald’s own units, which heald can’t look after'
      const hint = 'remove this service: systemd restarts them'
      complaints.push({ path: [...path, 'unit'], message, hint, on: 'value' })
    }
    const other = takenBy.get(unit)
    if (other !== undefined) {
      const message = `is the unit of ${other} already`
      complaints.push({ path: [...path, 'unit'], message, hint: 'keep one of the two services', on: 'value' })
    } else takenBy.set(unit, name)
  }
  return complaints
}
