/** `just now`, `42 s ago`, `3 min ago`, `2 h ago`, `5 d ago`: one unit, for columns. */
export function ago(ts: string | number | null, nowMs: number): string {
  const atMs = typeof ts === 'string' ? Date.parse(ts) : ts
  if (atMs === null || Number.isNaN(atMs)) return ''
  const ms = nowMs - atMs
  if (ms < -2000) return `in ${oneUnit(-ms)}`
  return ms < 1000 ? 'just now' : `${oneUnit(ms)} ago`
}

/** `3 min ago (14:02:11)`; with the date when it was not today. */
export function agoAt(ts: string | null, nowMs: number, tz: string): string {
  if (ts === null || Number.isNaN(Date.parse(ts))) return ''
  return `${ago(ts, nowMs)} (${clockTime(ts, nowMs, tz)})`
}

/** `14:02:11` today, `2026-08-21 14:02:11` on other days, in the zone `tz`. */
export function clockTime(ts: string | number, nowMs: number, tz: string): string {
  const [day, time] = dayAndTime(ts, tz)
  return day === dayAndTime(nowMs, tz)[0] ? time : `${day} ${time}`
}

/** `2026-08-21 14:02:11.123`, in the zone `tz`. */
export function fullTime(ts: string | number, tz: string): string {
  return `${dayAndTime(ts, tz).join(' ')}.${String(new Date(ts).getUTCMilliseconds()).padStart(3, '0')}`
}

function dayAndTime(ts: string | number, tz: string): [day: string, time: string] {
  const text = formatterOf(tz).format(new Date(ts))
  const [day = '', time = ''] = text.split(' ')
  return [day, time]
}

function oneUnit(ms: number): string {
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h`
  return `${Math.floor(ms / 86_400_000)} d`
}

const formatters = new Map<string, Intl.DateTimeFormat>()

/** Making one takes longer than using it a thousand times. */
function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone)
  if (known !== undefined) return known
  // The Swedish way of writing times is the ISO one.
  const made = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone })
  formatters.set(timeZone, made)
  return made
}
