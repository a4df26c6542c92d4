import { kindOf, type Read } from './read.ts'

const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const
type Unit = keyof typeof UNIT_MS

/** What people write by habit, and which of our units they mean. */
const HABITS: Readonly<Record<string, Unit>> = {
  msec: 'ms',
  msecs: 'ms',
  millisecond: 'ms',
  milliseconds: 'ms',
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  min: 'm',
  mins: 'm',
  minute: 'm',
  minutes: 'm',
  hr: 'h',
  hrs: 'h',
  hour: 'h',
  hours: 'h',
  day: 'd',
  days: 'd',
}

const FORM = 'write a number with ms, s, m, h or d, like 500ms, 2s, 1m30s or 24h'

/**
 * Reads "500ms", "2s", "1m30s", "24h" (units from large to small, spaces allowed) into milliseconds, fractions kept.
 * A bare number is refused, since nobody can tell seconds from milliseconds; only 0 needs no unit.
 */
export function parseDuration(written: unknown): Read<number> {
  if (written === 0) return { value: 0 }
  if (typeof written === 'number') {
    if (written < 0) return { problem: 'must not be negative', hint: FORM }
    return {
      problem: `has no unit: ${written}`,
      hint: `write ${written}s for seconds or ${written}ms for milliseconds`,
    }
  }
  if (typeof written !== 'string') return { problem: `must be a duration, not ${kindOf(written)}`, hint: FORM }
  const text = written.trim()
  if (text === '0') return { value: 0 }
  if (/^\d+(\.\d+)?$/.test(text)) return parseDuration(Number(text))
  if (/^-/.test(text)) return { problem: 'must not be negative', hint: FORM }
  let rest = text
  let ms = 0
  let smallest = Number.POSITIVE_INFINITY
  while (rest !== '') {
    const [whole = '', digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*/.exec(rest) ?? []
    if (whole === '') return { problem: 'is not a duration', hint: FORM }
    if (!isUnit(unit)) return { problem: `has an unknown unit: ${unit.slice(0, 20)}`, hint: hintFor(digits, unit) }
    if (UNIT_MS[unit] >= smallest) {
      return {
        problem: `has its units out of order: ${unit}`,
        hint: 'write each unit once, the largest first, like 1m30s',
      }
    }
    smallest = UNIT_MS[unit]
    ms += Number(digits) * UNIT_MS[unit]
    rest = rest.slice(whole.length)
  }
  if (smallest === Number.POSITIVE_INFINITY) return { problem: 'is empty', hint: FORM }
  if (!Number.isFinite(ms)) return { problem: 'is too long', hint: FORM }
  return { value: ms }
}

function isUnit(text: string): text is Unit {
  return Object.hasOwn(UNIT_MS, text)
}

function hintFor(digits: string, unit: string): string {
  const lower = unit.toLowerCase()
  const meant = Object.hasOwn(HABITS, lower) ? HABITS[lower] : isUnit(lower) ? lower : undefined
  return meant === undefined ? FORM : `write ${digits}${meant}`
}

/**
 * A duration for people, two or three digits of it: `0.24 ms`, `1.24 ms`, `124 ms`, `3.2 s`, `45 s`, `2 m 5 s`,
 * `4 h 10 m`, `3 d 2 h`. `parseDuration` reads it back.
 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (ms === 0) return '0 ms'
  // The limits are where rounding would reach the next unit, so that 59.97 s is "1 m" and never "60 s".
  if (ms < 9.995) return `${Number(ms.toFixed(2))} ms`
  if (ms < 99.95) return `${Number(ms.toFixed(1))} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9950) return `${Number((ms / 1000).toFixed(1))} s`
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`
  if (ms < 3_599_500) return pair(Math.round(ms / 1000), 60, 'm', 's')
  if (ms < 86_370_000) return pair(Math.round(ms / 60_000), 60, 'h', 'm')
  return pair(Math.round(ms / 3_600_000), 24, 'd', 'h')
}

function pair(small: number, ratio: number, largeUnit: Unit, smallUnit: Unit): string {
  const [large, rest] = [Math.floor(small / ratio), small % ratio]
  return rest === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${rest} ${smallUnit}`
}

/** A duration to the millisecond, for limits to be met exactly: `2 m 100 ms`. `parseDuration` reads it back. */
export function exactDuration(ms: number): string {
  let rest = Math.ceil(ms)
  const parts: string[] = []
  for (const [unit, unitMs] of Object.entries(UNIT_MS)) {
    const count = Math.floor(rest / unitMs)
    if (count > 0) parts.push(`${count} ${unit}`)
    rest -= count * unitMs
  }
  return parts.join(' ') || '0 ms'
}
