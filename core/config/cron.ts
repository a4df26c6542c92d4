import { Cron } from 'croner'
import { isRecord } from './document.ts'
import type { Complaint } from './explain.ts'
import { checkCron } from './notice-leaves.ts'
import { zoneOf } from './notice-relations.ts'
import { MAX_MAINTENANCE } from './notices.ts'

/** What is in the fields of each written cron, in the host's time zone. Loaded only where there is one. */
export function checkCrons(file: unknown): Complaint[] {
  if (!isRecord(file) || !Array.isArray(file.maintenance)) return []
  const timezone = zoneOf(file) ?? 'UTC'
  return file.maintenance.slice(0, MAX_MAINTENANCE).flatMap((window, index): Complaint[] => {
    if (!isRecord(window)) return []
    const read = checkCron(window.cron)
    // What is no text of five fields is told by the schema.
    if (!('value' in read)) return []
    const path = ['maintenance', index, 'cron']
    try {
      // A pattern alone, without a function, starts no timer.
      if (new Cron(read.value, { timezone, mode: '5-part' }).nextRun() !== null) return []
      const hint = 'mend the day or the month: no calendar has that day'
      return [{ path, message: 'never comes', hint, on: 'value' }]
    } catch {
      // The library's own words repeat what is written.
      const hint =
        'write minute 0-59, hour 0-23, day 1-31, month 1-12 or JAN-DEC, weekday 0-7 or SUN-SAT, like "0 3 * * SUN"'
      return [{ path, message: 'has a field that can not be read', hint, on: 'value' }]
    }
  })
}
