import type { Api, Transformer } from 'grammy'
import type { Update, UserFromGetMe } from 'grammy/types'
import type { OpenChannel, PostHow, Verdict } from '../../bot/channel.ts'
import type { Message } from '../../bot/message.ts'
import type { TelegramSpec } from '../../core/config/channel-spec.ts'
import { registerCommands } from './telegram-commands.ts'
import { agentFor, offsetAfter, pause } from './telegram-line.ts'
import { fitsTelegram, messageIdOf, pace, payloadOf } from './telegram-payload.ts'
import { repliesTo } from './telegram-reply.ts'
import {
  clean,
  faultOf,
  isNotModified,
  notNow,
  refusalIn,
  type Trouble,
  troubleOf,
  verdictOf,
} from './telegram-verdict.ts'
import { heardIn } from './telegram-word.ts'

// Life of the connection
// 1. The token is read, and Telegram asked who it belongs to (getMe).
// 2. grammY polls. The first poll is answered at once, so that "up" means that messages do come in.
// 3. Any poll that fails ends grammY's polling: it would try again for ever, at a fixed pace, and say nothing.
// 4. A pause, longer each time until polling has held for a while; after "wrong token" the token is read anew.
//
// A poll confirms what the one before it has brought. So it waits until all of that is handled, for some seconds: what an
// end of this process cuts off before comes a second time, with the same key.

/** Less than the DEADLINE_MS of the port: the SDK's own timer is the one that rings. */
const REQUEST_SECONDS = 8
/** How long Telegram holds a poll open, and how long we wait for the answer: a silent line is noticed after that. */
const POLL_SECONDS = 25
const POLL_TIMEOUT_SECONDS = POLL_SECONDS + 8
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000
/** Polling that has held for so long was well: the pauses begin anew. */
const STEADY_MS = 30_000
const SECRET_MS = 10_000
const CLOSE_MS = 2000
/** What takes longer is confirmed all the same: others wait behind it. */
const HANDLED_MS = 10_000
/** A hundred updates, each with the long message that it answers, are far less. */
const MOST_ANSWER_BYTES = 16 << 20
/** Presses that are being answered at once; one that is not answered only turns for a while. */
const MOST_CALLBACKS = 50

export const openTelegram: OpenChannel<TelegramSpec> = async (spec, tools) => {
  const sdk = await import('grammy').catch(cause => {
    throw faultOf('channel.sdk', 'the package grammy is not installed', 'Run npm install.', cause)
  })
  const apiRoot = spec.apiRoot.replace(/\/+$/, '')
  const agent = agentFor(apiRoot)
  const stop = new AbortController()
  /** For everything but polling; null until the token was read. */
  let api: Api | null = null
  let token = ''
  let busy = 0
  let callbacks = 0
  let isReporting = false
  /** Ends the polling that runs, if any. */
  let endPolling: (trouble: Trouble) => void = () => {}
  let isTokenDoubted = true
  /** There are no more polls, so that nothing more is confirmed. */
  let isDeaf = false
  /** What the next poll confirms. */
  let nextOffset = 0
  /** Since when polling holds, monotonic; null while it doesn't. */
  let upMs: number | null = null
  /** Words that are not handled yet. */
  const handling = new Set<Promise<void>>()

  const tell = (isUp: boolean, isFinal: boolean, why: string) =>
    guarded(() => tools.events.onState({ isUp, isFinal, why: clean(why) }))
  const warn = (text: string) => guarded(() => tools.warn(clean(text)))
  /** What listens may throw; that is told, and must not end the polling. */
  function guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (isReporting) return
      isReporting = true
      warn(`a listener of the Telegram channel failed: ${error instanceof Error ? error.message : 'unknown'}`)
      isReporting = false
    }
  }

  // A redirect would take the token elsewhere.
  const baseFetchConfig = { agent, compress: true, redirect: 'error' as const, size: MOST_ANSWER_BYTES }
  const clientOptions = (timeoutSeconds: number) => ({ apiRoot, timeoutSeconds, baseFetchConfig })

  function hear(update: Update, me: UserFromGetMe): void {
    if (isDeaf) return
    const heard = heardIn(update, me)
    if (heard === null) return
    if (heard.callback !== null) void answerCallback(heard.callback)
    const word = { ...heard.word, ...repliesTo(heard, { sdk, request, post, edit, warn }) }
    const handled = (async () => tools.events.onWord(word))().catch((error: unknown) => guarded(() => rethrow(error)))
    handling.add(handled)
    void handled.then(() => handling.delete(handled))
  }

  async function allHandled(): Promise<void> {
    if (handling.size > 0) await Promise.race([Promise.all(handling), pause(HANDLED_MS, stop.signal)])
  }

  async function answerCallback(id: string): Promise<void> {
    if (callbacks >= MOST_CALLBACKS || api === null) return
    callbacks += 1
    try {
      await api.answerCallbackQuery(id)
    } catch (error) {
      // One that came late, after we were away, can't be answered any more: nobody waits for it.
      if (refusalIn(error)?.error_code !== 400) warn(`a button press was not confirmed: ${troubleOf(error).why}`)
    } finally {
      callbacks -= 1
    }
  }

  /** Asks Telegram for one thing; `act` answers with the reference. */
  async function request(act: (api: Api) => Promise<string>, reference: string | null): Promise<Verdict> {
    if (stop.signal.aborted) return notNow('the channel is closed')
    if (api === null) return notNow('the channel has no token yet')
    busy += 1
    try {
      return { verdict: 'done', reference: await act(api) }
    } catch (error) {
      if (reference !== null && isNotModified(error)) return { verdict: 'done', reference }
      const verdict = verdictOf(error)
      if (verdict.verdict === 'refused' && verdict.of === 'channel') endPolling(troubleOf(error))
      return verdict
    } finally {
      busy -= 1
    }
  }

  function post(chat: string, message: Message, { isSilent, replyTo }: PostHow): Promise<Verdict> {
    const { html, keyboard } = payloadOf(message)
    const replied = replyTo === null ? null : messageIdOf(replyTo)
    return request(async api => {
      const sent = await api.sendMessage(chat, html, {
        parse_mode: 'HTML',
        link_preview_options: { is_disabled: true },
        disable_notification: isSilent,
        ...(keyboard.length === 0 ? {} : { reply_markup: { inline_keyboard: keyboard } }),
        ...(replied === null ? {} : { reply_parameters: { message_id: replied, allow_sending_without_reply: true } }),
      })
      return String(sent.message_id)
    }, null)
  }

  async function edit(chat: string, reference: string, message: Message): Promise<Verdict> {
    const id = messageIdOf(reference)
    if (id === null) return { verdict: 'gone', why: 'this is not the number of a Telegram message' }
    const { html, keyboard } = payloadOf(message)
    return request(async api => {
      await api.editMessageText(chat, id, html, {
        parse_mode: 'HTML',
        link_preview_options: { is_disabled: true },
        reply_markup: { inline_keyboard: keyboard },
      })
      return reference
    }, reference)
  }

  /** Connects and polls until that fails; the answer is why. Never rejects. */
  async function holdLine(): Promise<Trouble> {
    try {
      return (await refreshToken()) ?? (api === null ? troubleOf(null) : await poll(await api.getMe()))
    } catch (error) {
      return troubleOf(error)
    }
  }

  /** Reads the token where it is not known, or was not taken. */
  async function refreshToken(): Promise<Trouble | null> {
    if (!isTokenDoubted) return null
    let why = 'it was not read in time'
    const read = tools.readSecret(spec.token).then(
      text => text.trim(),
      (error: unknown) => {
        why = error instanceof Error ? error.message : 'the reason is unknown'
        return ''
      },
    )
    const found = await Promise.race([read, pause(SECRET_MS, stop.signal).then(() => '')])
    if (!/^\d+:[\w-]+$/.test(found)) {
      if (found !== '') why = 'it does not look like one: <number>:<letters>'
      return { why: `the bot’s token can’t be used: ${why}`, isFinal: true, afterMs: null, isToken: true }
    }
    if (found !== token) {
      api = new sdk.Api(found, clientOptions(REQUEST_SECONDS))
      token = found
      nextOffset = 0
    }
    isTokenDoubted = false
    return null
  }

  /** Lets grammY poll, and answers why it has ended. */
  async function poll(botInfo: UserFromGetMe): Promise<Trouble> {
    const bot = new sdk.Bot(token, { botInfo, client: clientOptions(POLL_TIMEOUT_SECONDS) })
    bot.use(({ update }) => hear(update, botInfo))
    bot.catch(() => warn('a message from Telegram could not be read'))
    let trouble: Trouble | null = null
    const end = (why: Trouble) => {
      trouble ??= why
      // Its last request, which confirms what it has brought, is refused below: a poll with that number was under way.
      if (bot.isRunning()) bot.stop().catch(() => undefined)
    }
    let isFirst = true
    const watch: Transformer = async (prev, method, payload, signal) => {
      const isPoll = method === 'getUpdates'
      if (isPoll) await allHandled()
      if (trouble !== null) throw new Error('polling has ended')
      const isProbe = isPoll && isFirst
      const change = { offset: nextOffset, ...(isProbe ? { timeout: 0 } : {}) }
      try {
        const answer = await prev(method, isPoll ? { ...payload, ...change } : payload, signal)
        if (answer.ok && trouble === null) {
          if (isPoll) nextOffset = offsetAfter(answer.result)
          if (isProbe) {
            upMs = performance.now()
            tell(true, false, `connected to Telegram as @${botInfo.username}`)
            if (api !== null && tools.words !== undefined) void registerCommands(api, tools.words, warn)
          }
          if (isPoll) isFirst = false
          return answer
        }
        end(troubleOf(answer))
      } catch (error) {
        end(troubleOf(error))
      }
      throw new Error('polling has ended')
    }
    bot.api.config.use(watch)
    endPolling = end
    try {
      await bot.start({ timeout: POLL_SECONDS, allowed_updates: ['message', 'callback_query'] })
    } catch (error) {
      // Ours, or one that says more.
      end(troubleOf(error))
    } finally {
      endPolling = () => {}
    }
    return trouble ?? troubleOf(null)
  }

  async function supervise(): Promise<void> {
    let failures = 0
    while (!stop.signal.aborted && !isDeaf) {
      upMs = null
      const { why, isFinal, afterMs, isToken } = await holdLine()
      if (stop.signal.aborted || isDeaf) break
      failures = upMs !== null && performance.now() - upMs > STEADY_MS ? 1 : failures + 1
      isTokenDoubted ||= isToken
      tell(false, isFinal, why)
      const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10), LONGEST_PAUSE_MS)
      await pause(Math.max(longestMs * (0.5 + Math.random() / 2), afterMs ?? 0), stop.signal)
    }
  }

  const done = supervise()
  let closing: Promise<void> | null = null
  function deafen(): void {
    isDeaf = true
    endPolling({ why: 'the channel is closed', isFinal: false, afterMs: null, isToken: false })
  }
  async function close(): Promise<void> {
    stop.abort()
    deafen()
    // What is on its way gets its answer, or it would not be known what came of it.
    const untilMs = performance.now() + CLOSE_MS
    while (busy > 0 && performance.now() < untilMs) await pause(20)
    agent.destroy()
    await Promise.race([done, pause(CLOSE_MS)])
  }

  return { name: 'telegram', pace, fits: fitsTelegram, post, edit, deafen, close: () => (closing ??= close()) }
}

function rethrow(error: unknown): never {
  throw error
}
