/**
 * The documented pace of sending: "avoid sending more than one message per second [in a chat]. We may allow short bursts";
 * not more than 20 a minute in a group, about 30 a second over all (core.telegram.org/bots/faq). Edits count too.
 */
export interface Flood {
  /** Null when it may pass, else for how many whole seconds Telegram wants to be left alone. */
  take(chat: number, isGroup: boolean): number | null
  /** In words, what went over the pace, also during a pause that was asked for. */
  readonly breaches: string[]
}

const BURST = 8
const PER_GROUP = 20
const OVER_ALL = 30
const MOST_BREACHES = 1000

export function createFlood(nowMs: () => number): Flood {
  const buckets = new Map<number, { left: number; atMs: number }>()
  const recent: { atMs: number; chat: number }[] = []
  const pauses = new Map<number, number>()
  const breaches: string[] = []
  const note = (what: string, afterMs: number, chat: number): number => {
    const seconds = Math.max(1, Math.ceil(afterMs / 1000))
    if (breaches.length < MOST_BREACHES) breaches.push(`${what} (chat ${chat})`)
    pauses.set(chat, nowMs() + afterMs)
    return seconds
  }
  return {
    breaches,
    take(chat, isGroup) {
      const atMs = nowMs()
      const pausedMs = (pauses.get(chat) ?? 0) - atMs
      if (pausedMs > 0) return note('sent during a pause', pausedMs, chat)
      while ((recent[0]?.atMs ?? atMs) <= atMs - 60_000) recent.shift()
      if (recent.filter(one => one.atMs > atMs - 1000).length >= OVER_ALL)
        return note('over 30 in a second', 1000, chat)
      const here = recent.filter(one => one.chat === chat)
      const oldest = here.at(-PER_GROUP)
      if (isGroup && here.length >= PER_GROUP && oldest !== undefined) {
        return note('over 20 in a minute in a group', oldest.atMs + 60_000 - atMs, chat)
      }
      const bucket = buckets.get(chat) ?? { left: BURST, atMs }
      const left = Math.min(BURST, bucket.left + (atMs - bucket.atMs) / 1000)
      if (left < 1) return note('over one in a second', (1 - left) * 1000, chat)
      buckets.set(chat, { left: left - 1, atMs })
      recent.push({ atMs, chat })
      return null
    },
  }
}
