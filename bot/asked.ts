import { bootId, type Clock } from '../core/clock.ts'

/**
 * What was asked of the platforms lately, and how long they want to be left alone. Plain JSON, a part of the bot's state:
 * one that is killed and started again and again keeps within their limits too. Times are monotonic, which goes on from
 * one process to the next.
 */
export interface Asked {
  /** The boot whose times these are. */
  readonly boot: string
  /** By channel. */
  readonly channels: { [channel: string]: AskedOf }
}

export interface AskedOf {
  /** By window and chat: when the newest requests went out, oldest first. */
  readonly times: { [window: string]: number[] }
  /** By chat, '' for all: until when the platform asked to be left alone. */
  readonly pauses: { [chat: string]: number }
}

export function emptyAsked(boot = bootId()): Asked {
  return { boot, channels: {} }
}

/** Of one channel; made where there is none yet. */
export function askedOf({ channels }: Asked, channel: string): AskedOf {
  channels[channel] ??= { times: {}, pauses: {} }
  return channels[channel]
}

/** Of a state file. What is of another boot, or has not the shape, counts as nothing. */
export function askedFrom(json: unknown, boot = bootId()): Asked {
  const asked = emptyAsked(boot)
  if (!isObject(json) || json.boot !== boot || !isObject(json.channels)) return asked
  for (const [channel, of] of Object.entries(json.channels)) {
    if (!isObject(of) || !isObject(of.times) || !isObject(of.pauses)) return asked
    const { times, pauses } = askedOf(asked, channel)
    for (const [window, list] of Object.entries(of.times))
      if (Array.isArray(list) && list.every(Number.isFinite)) times[window] = list
    for (const [chat, untilMs] of Object.entries(of.pauses)) if (isTime(untilMs)) pauses[chat] = untilMs
  }
  return asked
}

/** Drops what binds nobody any more. A time that has yet to come was not of this clock. */
export function forgetOld({ channels }: Asked, clock: Clock): void {
  const nowMs = clock.monoMs()
  for (const { times, pauses } of Object.values(channels)) {
    for (const [window, list] of Object.entries(times))
      if (list.length === 0 || list.some(ms => ms > nowMs) || nowMs - (list.at(-1) ?? 0) > LONGEST_MS)
        delete times[window]
    for (const [chat, untilMs] of Object.entries(pauses))
      if (untilMs <= nowMs || untilMs - nowMs > LONGEST_MS) delete pauses[chat]
  }
}

/** Longer than any platform's window, and than the longest pause that is heeded. */
const LONGEST_MS = 3_600_000

function isTime(value: unknown): value is number {
  return Number.isFinite(value)
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
