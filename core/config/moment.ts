import { kindOf, type Read } from './read.ts'

/** A moment as written: what a clock shows, and how far that clock is ahead of UTC; null: a clock of the host's zone. */
export interface Moment {
  readonly wallMs: number
  readonly offsetMs: number | null
}

const FORM = 'write it like 2026-11-30T22:00 (in the time zone of the host) or 2026-11-30T22:00Z'
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i

/** Reads ISO 8601: a day, or a day and a time, with or without a zone. */
export function parseMoment(written: unknown): Read<Moment> {
  if (typeof written !== 'string') return { problem: `must be a moment, not ${kindOf(written)}`, hint: FORM }
  const [whole, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] =
    ISO.exec(written.trim()) ?? []
  if (whole === undefined) return { problem: 'is not a moment', hint: FORM }
  const parts = [year, month, day, hour, minute, second].map(Number)
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts
  const wallMs = Date.UTC(y, mo - 1, d, h, mi, s) + Number(fraction.slice(0, 3).padEnd(3, '0'))
  // What the calendar does not have would roll over into another day.
  const isReal = new Date(wallMs).toISOString().startsWith(`${year}-${month}-${day}`) && h < 24 && mi < 60 && s < 60
  if (!isReal) return { problem: 'is a moment that no calendar has', hint: 'mend the day or the time' }
  if (zone === undefined) return { value: { wallMs, offsetMs: null } }
  if (/^z$/i.test(zone)) return { value: { wallMs, offsetMs: 0 } }
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || 0)
  if (minutes > 14 * 60) return { problem: 'has a zone that is nowhere', hint: FORM }
  return { value: { wallMs, offsetMs: (zone.startsWith('-') ? -minutes : minutes) * 60_000 } }
}

const DAY_MS = 86_400_000

/**
 * The moment in ms since 1970, for a host in the zone `tz`. Where clocks are set back and show a time twice, the first
 * is meant; what they skip when they are set forward is as much later.
 */
export function momentMs({ wallMs, offsetMs }: Moment, tz: string): number {
  if (offsetMs !== null) return wallMs - offsetMs
  const [before, after] = [zoneOffsetMs(wallMs - DAY_MS, tz), zoneOffsetMs(wallMs + DAY_MS, tz)]
  const fits = [before, after].map(offset => wallMs - offset).filter(ms => ms + zoneOffsetMs(ms, tz) === wallMs)
  return fits.length === 0 ? wallMs - before : Math.min(...fits)
}

/** How far clocks in `tz` are ahead of UTC. */
function zoneOffsetMs(ms: number, tz: string): number {
  const form = new Intl.DateTimeFormat('sv-SE', { timeZone: tz, dateStyle: 'short', timeStyle: 'medium' })
  return Date.parse(`${form.format(ms).replace(' ', 'T')}Z`) - Math.floor(ms / 1000) * 1000
}
