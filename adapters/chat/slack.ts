import type { Channel, OpenChannel, Verdict, Window, Word } from '../../bot/channel.ts'
import type { SlackSpec } from '../../core/config/channel-spec.ts'
import type { Client } from './slack-answers.ts'
import { afterMsOf, clean, faultOf, fieldOf, hasNoThread, isTokenError, verdictOf, whyOf } from './slack-fault.ts'
import { openHttp } from './slack-http.ts'
import { fitsSlack, payloadOf } from './slack-payload.ts'
import { anyOf, openSocket } from './slack-socket.ts'
import { type End, type Line, loadBolt, openApp, quietLogger } from './slack-words.ts'

// Life of the connection
// 1. The token is asked for (`auth.test`) and the line for words opened, each in a loop of its own, for ever.
// 2. What fails is tried again after 1, 2, 4 … 60 s, less up to half of it by chance; secrets are read anew each time.
// 3. A post that Slack refuses because of the token, or that does not get through, has the token asked for again; so
//    has each RECHECK_MS.
// 4. The channel is up while both are.

/** Of one request; a verdict may take a look and a post, or two posts. */
const REQUEST_MS = 6000
/** Below the port's DEADLINE_MS. */
const VERDICT_MS = 9500
const RECHECK_MS = 5 * 60_000
const FIRST_PAUSE_MS = 1000
const MOST_PAUSE_MS = 60_000
/** What a Retry-After of Slack's is heeded up to. */
const MOST_ASKED_MS = 10 * 60_000
/** What stood for this long was no failure when it ends. */
const STEADY_MS = 10_000
/** Of a channel's history that are looked through for a message that may be there already. */
const LOOKED_AT = 100
const EVENT_TYPE = 'heald_card'
/** Of the port. */
const MOST_WHY = 300

/**
 * `chat.postMessage`: 1/s per channel; `chat.update`: tier 3, 50 a minute and more, over the workspace; posts over the
 * workspace: several hundred a minute (https://docs.slack.dev/apis/web-api/rate-limits).
 */
export const SLACK_PACE: readonly Window[] = [
  { count: 1, perMs: 1000, over: 'chat' },
  { count: 50, perMs: 60_000, over: 'all', of: 'edit' },
  { count: 200, perMs: 60_000, over: 'all', of: 'post' },
]

type State = Parameters<Parameters<OpenChannel>[1]['events']['onState']>[0]

export const openSlack: OpenChannel<SlackSpec> = async (spec, tools): Promise<Channel> => {
  const { appToken, http } = spec
  if (appToken === null && http === null) {
    throw faultOf(
      'channel.config',
      'Slack has neither an app token nor `http`',
      'Name one of them, so that words come in.',
    )
  }
  if (!URL.canParse(spec.apiUrl)) throw faultOf('channel.config', 'Slack’s `apiUrl` is no address', 'Put it right.')
  const bolt = await loadBolt().catch(error => {
    throw faultOf('channel.sdk', '@slack/bolt cannot be loaded', 'Install heald’s packages again: npm ci.', error)
  })
  const closing = new AbortController()
  const { signal } = closing
  const web = {
    slackApiUrl: spec.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: REQUEST_MS,
    allowAbsoluteUrls: false,
    logger: quietLogger(bolt),
    fetch: ((url, init) =>
      fetch(url, { ...init, signal: anyOf(signal, AbortSignal.timeout(REQUEST_MS), init?.signal) })) as typeof fetch,
  }
  const app = openApp(bolt, web, { warn: tools.warn, onWord: hand, isDeaf: () => isDeaf, client: () => client })
  const parts: Record<'token' | 'words', State> = { token: CONNECTING, words: CONNECTING }
  let told = ''
  let client: Client | null = null
  let doubt: (end: End) => void = () => {}
  let wake: () => void = () => {}
  let isWarnedOfHistory = false
  let isDeaf = false

  async function hand(word: Word): Promise<void> {
    try {
      await tools.events.onWord(word)
    } catch {
      tools.warn('a word from Slack was not taken')
    }
  }

  function tell(part: 'token' | 'words', state: State): void {
    if (signal.aborted) return
    parts[part] = state
    const down = [parts.token, parts.words].filter(({ isUp }) => !isUp)
    const isFinal = down.some(({ isFinal }) => isFinal)
    // What is only being connected yet is no reason beside one that is.
    const reasons = down.some(each => each !== CONNECTING) ? down.filter(each => each !== CONNECTING) : down
    const why = [...new Set(reasons.map(({ why }) => why))].join('; ').slice(0, MOST_WHY)
    const all = { isUp: down.length === 0, isFinal, why }
    if (told === JSON.stringify(all)) return
    told = JSON.stringify(all)
    try {
      tools.events.onState(all)
    } catch {
      tools.warn('a state of Slack was not taken')
    }
  }

  /** Asks Slack who we are; the line ends when a post gives reason to ask again. */
  async function openToken(): Promise<Line> {
    const asked = new bolt.webApi.WebClient(await readSecret(spec.botToken, 'bot token'), web)
    const { response_metadata } = await asked.auth.test()
    const scopes = response_metadata?.scopes
    if (scopes !== undefined && !scopes.includes('chat:write')) {
      throw Object.assign(new Error(), { data: { error: 'missing_scope', needed: 'chat:write' } })
    }
    client = asked
    const { promise: ended, resolve } = Promise.withResolvers<End>()
    const timer = setTimeout(resolve, RECHECK_MS, { isPlanned: true, isFinal: false, why: '' })
    doubt = resolve
    return { ended, close: async () => clearTimeout(timer) }
  }

  async function openWords(): Promise<Line> {
    if (appToken !== null) {
      return openSocket(bolt, app, { appToken: await readSecret(appToken, 'app token'), web, signal })
    }
    if (http === null) throw new Error('checked above')
    return openHttp(bolt, app, {
      signingSecret: await readSecret(http.signingSecret, 'signing secret'),
      port: http.port,
    })
  }

  async function readSecret(secret: Parameters<typeof tools.readSecret>[0], what: string): Promise<string> {
    try {
      const text = (await tools.readSecret(secret)).trim()
      if (text === '') throw new Error('it is empty')
      return text
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw Object.assign(new Error(), {
        isFinal: true,
        why: clean(`the ${what} cannot be read: ${reason}`).slice(0, MOST_WHY),
      })
    }
  }

  async function keepUp(part: 'token' | 'words', open: () => Promise<Line>): Promise<void> {
    const stopped = new Promise<null>(resolve => signal.addEventListener('abort', () => resolve(null), { once: true }))
    for (let failures = 0; !signal.aborted; ) {
      const startedMs = performance.now()
      let askedMs = 0
      try {
        const line = await open()
        tell(part, { isUp: true, isFinal: false, why: '' })
        const end = await Promise.race([line.ended, stopped])
        if (end !== null && !end.isPlanned) tell(part, { isUp: false, isFinal: end.isFinal, why: end.why })
        // The old socket may take a second to close; a new one in its place need not wait for that.
        const closed = line.close()
        if (end === null || !end.isPlanned) await closed
        failures = performance.now() - startedMs >= STEADY_MS ? 0 : failures + 1
      } catch (error) {
        failures += 1
        askedMs = Math.min(afterMsOf(error) ?? 0, MOST_ASKED_MS)
        const why = fieldOf(error, 'why')
        const isFinal = fieldOf(error, 'isFinal') === true || isTokenError(error)
        tell(part, { isUp: false, isFinal, why: typeof why === 'string' ? why : whyOf(error) })
      }
      if (failures > 0) await pause(part, Math.max(askedMs, pauseMs(failures)))
    }
  }

  function pause(part: 'token' | 'words', ms: number): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      if (part === 'token') wake = done
      if (signal.aborted) done()
    })
  }

  /** Runs the requests of one verdict, and answers in time whatever they do. */
  async function judge(run: (client: Client) => Promise<Verdict>): Promise<Verdict> {
    if (signal.aborted) return notNow('the channel is closed', false)
    if (client === null) {
      const { isFinal, why } = parts.token
      return isFinal ? { verdict: 'refused', of: 'channel', why } : notNow(why, false)
    }
    const { promise: late, resolve } = Promise.withResolvers<Verdict>()
    const timer = setTimeout(resolve, VERDICT_MS, notNow('Slack did not answer in time', true))
    const verdict = await Promise.race([run(client).catch(verdictOf), late])
    clearTimeout(timer)
    const { verdict: kind } = verdict
    if (kind === 'refused' && verdict.of === 'channel') doubt({ isPlanned: false, isFinal: true, why: verdict.why })
    if (kind === 'retry' && verdict.of === 'channel') doubt({ isPlanned: true, isFinal: false, why: '' })
    if (kind === 'done' && !parts.token.isUp) wake()
    return verdict
  }

  /** The reference of the message with this key, when it is there and Slack lets us look. */
  async function lookFor(by: Client, chat: string, key: string): Promise<string | null> {
    const { messages } = await by.conversations.history({ channel: chat, limit: LOOKED_AT, include_all_metadata: true })
    const found = messages?.find(
      ({ metadata }) => metadata?.event_type === EVENT_TYPE && fieldOf(metadata.event_payload, 'key') === key,
    )
    return found?.ts === undefined ? null : referenceOf(chat, found.ts, found.thread_ts)
  }

  const loops = Promise.all([keepUp('token', openToken), keepUp('words', openWords)])

  return {
    name: 'slack',
    pace: () => SLACK_PACE,
    fits: fitsSlack,

    post: (chat, message, { key, isAgain, replyTo }) =>
      judge(async by => {
        if (isAgain) {
          try {
            const reference = await lookFor(by, chat, key)
            if (reference !== null) return { verdict: 'done', reference }
          } catch (error) {
            const verdict = verdictOf(error)
            if (verdict.verdict === 'retry') return { ...verdict, isOpen: true }
            if (!isWarnedOfHistory) {
              tools.warn(`Slack shows no history, so a message may be posted twice after a cut: ${verdict.why}`)
            }
            isWarnedOfHistory = true
          }
        }
        const metadata = { event_type: EVENT_TYPE, event_payload: { key } }
        const body = { channel: chat, ...payloadOf(message), metadata, unfurl_links: false, unfurl_media: false }
        const root = replyTo === null ? null : (partsOf(replyTo)?.root ?? null)
        const posted = await (root === null
          ? by.chat.postMessage(body)
          : by.chat.postMessage({ ...body, thread_ts: root, reply_broadcast: true }).catch(error => {
              if (hasNoThread(error)) return by.chat.postMessage(body)
              throw error
            }))
        if (posted.ts === undefined) return notNow('Slack gave no name of the message', true)
        return { verdict: 'done', reference: referenceOf(posted.channel ?? chat, posted.ts, posted.message?.thread_ts) }
      }),

    edit: (_chat, reference, message) =>
      judge(async by => {
        const parts = partsOf(reference)
        if (parts === null) return { verdict: 'gone', why: 'the reference is none of Slack’s' }
        await by.chat.update({ channel: parts.channel, ts: parts.ts, ...payloadOf(message) })
        return { verdict: 'done', reference }
      }),

    deafen() {
      isDeaf = true
    },

    async close() {
      closing.abort()
      await loops
    },
  }
}

const CONNECTING: State = { isUp: false, isFinal: false, why: 'it is being connected' }

function notNow(why: string, isOpen: boolean): Verdict {
  return { verdict: 'retry', afterMs: null, of: 'channel', isOpen, why }
}

function pauseMs(failures: number): number {
  const mostMs = Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10))
  return mostMs * (0.5 + Math.random() / 2)
}

/** `C0123/1700000000.000100`, and behind it the first message of the thread for one that is not the first itself. */
function referenceOf(channel: string, ts: string, root: string | undefined): string {
  return root === undefined || root === ts ? `${channel}/${ts}` : `${channel}/${ts}/${root}`
}

/** `root`: what an answer to it has to name, for Slack has no answers to answers. */
function partsOf(reference: string): { channel: string; ts: string; root: string } | null {
  const [channel = '', ts = '', root = ts] = reference.split('/')
  return /^[A-Z0-9]+$/.test(channel) && /^\d+\.\d+$/.test(ts) ? { channel, ts, root } : null
}
