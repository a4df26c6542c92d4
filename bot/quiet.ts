import type { ChannelSpec } from '../core/config/channel-spec.ts'

/**
 * When the quiet hours that stand at `nowMs` end, and their digest is due; null: it is not quiet. Looked up minute by
 * minute, so that a change of the clocks in between needs no rule of its own.
 */
export function quietUntil(
  { quietHours, digest }: Pick<ChannelSpec, 'quietHours' | 'digest'>,
  tz: string,
  nowMs: number,
) {
  if (quietHours === null || !isWithin(minuteOf(nowMs, tz), quietHours)) return null
  const nextMs = (isSo: (minute: string) => boolean, fromMs: number): number => {
    const startMs = Math.ceil((fromMs + 1) / 60_000) * 60_000
    for (let n = 0; n <= 25 * 60; n += 1) if (isSo(minuteOf(startMs + n * 60_000, tz))) return startMs + n * 60_000
    return startMs
  }
  const endMs = nextMs(minute => !isWithin(minute, quietHours), nowMs)
  const digestMs = digest === null ? endMs : nextMs(minute => minute === digest, endMs - 60_001)
  return { endMs, digestMs }
}

function isWithin(minute: string, { from, to }: { readonly from: string; readonly to: string }): boolean {
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to
}

const formatters = new Map<string, Intl.DateTimeFormat>()

function minuteOf(ms: number, timeZone: string): string {
  const made = formatters.get(timeZone) ?? new Intl.DateTimeFormat('sv-SE', { timeStyle: 'short', timeZone })
  formatters.set(timeZone, made)
  return made.format(ms)
}
