import type { Window } from './channel.ts'
import type { Deed } from './deed.ts'

type Act = Deed['act']

/**
 * Keeps the requests of one channel within the platform's windows. A window holds the times of its newest requests, so no
 * stretch of its length ever has more than it allows, wherever it begins. Some of each is left for what is urgent.
 */
export interface Pace {
  /** How long a request for this chat has to wait; 0: it may go now. */
  waitMs(chat: string, act: Act, isUrgent: boolean, nowMs: number): number
  /** A request for this chat goes out. False: nobody counts it. */
  note(chat: string, act: Act, nowMs: number): boolean
  /** The newest one went out only now: something had to be saved before. */
  left(chat: string, act: Act, nowMs: number): void
}

/** Requests take different times to arrive, so that the platform may see two closer together than they left. */
const SLACK = 1.03
const SLACK_MS = 30
/** Of a window of some size, this share is for what is urgent only. */
const KEPT_BACK = 0.2
const MOST_CHATS = 1000

/** `times`: by window and chat, when the newest requests went out; kept up to date in place. */
export function createPace(
  windowsOf: (chat: string) => readonly Window[],
  times: { [window: string]: number[] } = {},
): Pace {
  const windows = (chat: string, act: Act) =>
    windowsOf(chat)
      .filter(({ of }) => of === undefined || of === act)
      .map(({ count, perMs, over, of = 'all' }) => ({
        count,
        // By what it is, not by its place: other chats may have others beside it.
        key: `${count}/${perMs} ${of} ${over === 'all' ? '' : chat}`,
        spanMs: perMs * SLACK + SLACK_MS,
      }))

  return {
    waitMs(chat, act, isUrgent, nowMs) {
      const waits = windows(chat, act).map(({ key, count, spanMs }) => {
        const usable = isUrgent ? count : Math.max(1, Math.floor(count * (1 - KEPT_BACK)))
        const oldest = times[key]?.at(-usable)
        return oldest === undefined ? 0 : Math.max(0, oldest + spanMs - nowMs)
      })
      return Math.max(0, ...waits)
    },
    note(chat, act, nowMs) {
      const all = windows(chat, act)
      if (Object.keys(times).length > MOST_CHATS) for (const key of Object.keys(times)) delete times[key]
      for (const { key, count } of all) times[key] = [...(times[key] ?? []), nowMs].slice(-count)
      return all.length > 0
    },
    left(chat, act, nowMs) {
      for (const { key } of windows(chat, act)) times[key]?.splice(-1, 1, nowMs)
    },
  }
}
