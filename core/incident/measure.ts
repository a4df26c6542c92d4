/** Measures as people read them. Numbers that are missing or odd become "an unknown time" or "?". */

/** `0.8 ms`, `14 ms`, `1.25 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function spanOf(ms: unknown): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0) return 'an unknown time'
  if (ms < 10) return `${trim(ms, ms < 0.995 ? 2 : 1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_995) return `${trim(ms / 1000, 2)} s`
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return pair(seconds, 60, 'min', 1, 's')
  if (seconds < 86_400) return pair(seconds, 3600, 'h', 60, 'min')
  return pair(seconds, 86_400, 'd', 3600, 'h')
}

/** `812 B`, `64 KiB`, `71.5 MiB`. */
export function sizeOf(bytes: unknown): string {
  if (typeof bytes !== 'number' || !Number.isFinite(bytes) || bytes < 0) return '?'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : trim(value, 1)} ${units[unit]}`
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

function pair(total: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((total % big) / small)
  return `${Math.floor(total / big)} ${bigUnit}${rest === 0 ? '' : ` ${rest} ${smallUnit}`}`
}
