import type { Answer } from './answer.ts'
import { done, no } from './answer.ts'

/** What waits to be fetched by the bot: core.telegram.org/bots/api#getting-updates. */
export interface Updates {
  /** `times`: it comes again as often, though it was confirmed, as happens when the server loses a confirmation. */
  add(update: object, times?: number): void
  /** The newest one comes once more, with a number of its own. */
  again(): void
  /** One `getUpdates`. A second one that comes while it is open ends it with 409. */
  poll(args: PollArgs, gone: AbortSignal): Promise<Answer>
  /** The poll that is open, if any, is answered so. */
  interrupt(answer: Answer): void
  /** After a week without any, Telegram begins anew with a random number, which may be lower. */
  restartIds(id: number): void
  readonly waiting: number
  webhook: string
}

export interface PollArgs {
  readonly offset: number
  readonly limit: number
  readonly timeoutSeconds: number
  readonly allowed: readonly string[] | null
}

interface Kept {
  readonly id: number
  readonly update: object
  readonly atMs: number
  times: number
}

const KEPT_MS = 24 * 3_600_000
const MOST_TIMEOUT_SECONDS = 50
/** Types that are not sent unless asked for by name; all others are, when the list is empty. */
const ON_REQUEST = ['chat_member', 'message_reaction', 'message_reaction_count']

const CONFLICT = 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'
const WEBHOOK =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"

export function createUpdates(nowMs: () => number): Updates {
  let kept: Kept[] = []
  let nextId = 700_000_000
  let newest: object = {}
  let allowed: readonly string[] = []
  let open: ((answer: Answer | null) => void) | null = null
  let webhook = ''
  const isWanted = (update: object) => {
    const type = Object.keys(update)[0] ?? ''
    return allowed.length === 0 ? !ON_REQUEST.includes(type) : allowed.includes(type)
  }
  const updates: Updates = {
    get waiting() {
      return kept.length
    },
    get webhook() {
      return webhook
    },
    set webhook(url) {
      webhook = url
      if (url !== '') open?.(no(409, 'Conflict: terminated by setWebhook request'))
    },
    again: () => updates.add(newest),
    add(update, times = 1) {
      if (!isWanted(update)) return
      newest = update
      kept.push({ id: nextId, update, atMs: nowMs(), times })
      nextId += 1
      open?.(null)
    },
    restartIds(id) {
      nextId = id
    },
    interrupt: answer => open?.(answer),
    async poll({ offset, limit, timeoutSeconds, allowed: wanted }, gone) {
      if (webhook !== '') return no(409, WEBHOOK)
      open?.(no(409, CONFLICT))
      if (wanted !== null) allowed = wanted
      kept = kept.filter(({ atMs }) => atMs > nowMs() - KEPT_MS)
      if (offset > 0) confirm(offset)
      else if (offset < 0) kept = kept.slice(offset)
      if (kept.length === 0 && timeoutSeconds > 0) {
        const early = await wait(Math.min(timeoutSeconds, MOST_TIMEOUT_SECONDS) * 1000, gone)
        if (early !== null) return early
      }
      const batch = kept.slice(0, Math.min(Math.max(limit, 1), 100))
      return done(batch.map(({ id, update }) => ({ update_id: id, ...update })))
    },
  }
  return updates

  /** All before `offset` was seen by the bot. */
  function confirm(offset: number): void {
    for (const one of kept) if (one.id < offset) one.times -= 1
    kept = kept.filter(({ times }) => times > 0)
  }

  function wait(forMs: number, gone: AbortSignal): Promise<Answer | null> {
    const { promise, resolve } = Promise.withResolvers<Answer | null>()
    const finish = (answer: Answer | null) => {
      if (open === finish) open = null
      clearTimeout(timer)
      resolve(answer)
    }
    const timer = setTimeout(() => finish(null), forMs)
    open = finish
    gone.addEventListener('abort', () => finish(done([])), { once: true })
    return promise
  }
}
