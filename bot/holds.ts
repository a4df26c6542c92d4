/**
 * Pauses of a channel and of its chats: as long as the platform asked for, or doubling from one trouble to the next.
 * Everything ends with the first success. What the platform asked for outlives the process; the rest does not: whoever
 * starts the bot anew may have mended what was wrong.
 */
export interface Holds {
  /** Nothing for this chat before; 0: at once. */
  untilMs(chat: string): number
  hold(of: 'chat' | 'channel', chat: string, afterMs: number | null, nowMs: number): void
  /** What is refused is asked for more rarely. */
  holdLong(of: 'chat' | 'channel', chat: string, nowMs: number): void
  /** A request for this chat was taken. */
  clear(chat: string): void
}

const FIRST_MS = 500
const CAP_MS = 60_000
const LONG_FIRST_MS = 5000
const LONG_CAP_MS = 300_000
/** More than a platform has any reason to ask for. */
const MOST_ASKED_MS = 3_600_000

interface Hold {
  untilMs: number
  times: number
}

/** `asked`: until when the platform asked to be left alone; kept up to date in place. */
export function createHolds(random: () => number, asked: { [name: string]: number } = {}): Holds {
  const holds = new Map<string, Hold>(Object.entries(asked).map(([name, untilMs]) => [name, { untilMs, times: 1 }]))
  const nameOf = (of: 'chat' | 'channel', chat: string) => (of === 'channel' ? '' : `chat ${chat}`)

  function grow(name: string, nowMs: number, firstMs: number, capMs: number, askedMs: number | null): void {
    const times = (holds.get(name)?.times ?? 0) + 1
    const pauseMs = Math.min(capMs, firstMs * 2 ** Math.min(times - 1, 20)) * (0.5 + random() / 2)
    const untilMs = nowMs + (askedMs === null ? pauseMs : Math.min(askedMs, MOST_ASKED_MS))
    holds.set(name, { untilMs, times })
    if (askedMs !== null) asked[name] = untilMs
  }

  return {
    untilMs: chat => Math.max(holds.get('')?.untilMs ?? 0, holds.get(`chat ${chat}`)?.untilMs ?? 0),
    hold: (of, chat, afterMs, nowMs) => grow(nameOf(of, chat), nowMs, FIRST_MS, CAP_MS, afterMs),
    holdLong: (of, chat, nowMs) => grow(nameOf(of, chat), nowMs, LONG_FIRST_MS, LONG_CAP_MS, null),
    clear(chat) {
      for (const name of ['', `chat ${chat}`]) {
        holds.delete(name)
        delete asked[name]
      }
    },
  }
}
