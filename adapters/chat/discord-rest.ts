import { AsyncLocalStorage } from 'node:async_hooks'
import type { REST, RouteLike } from 'discord.js'
import type { Verdict } from '../../bot/channel.ts'
import { fieldsOf } from './discord-payload.ts'

/** The SDK, as `import()` gives it. */
export type Sdk = typeof import('discord.js')

/** For the answer of Discord, its body too; DEADLINE_MS of the port less what is done around it. */
const TIMEOUT_MS = 8000
/** For the whole call: reading the secret, waiting for an earlier request to the same chat, asking. */
const CALL_MS = 9500
/** A token that was not taken is not tried again within: 10,000 such answers in 10 minutes ban the address. */
const BAD_TOKEN_MS = 1000
const MOST_BODY_BYTES = 2_000_000
const MOST_WHY = 300

export type Failure = Exclude<Verdict, { verdict: 'done' }>

export interface Call {
  readonly method: 'get' | 'post' | 'patch'
  readonly route: RouteLike
  readonly body?: unknown
  /** Interactions are answered with their own token, in the route. */
  readonly isOwn?: boolean
  readonly withinMs?: number
}

/** The answer's JSON; or what its absence means, with Discord's own code for it, where there is one. */
export type Got =
  | { readonly isDone: true; readonly answer: unknown }
  | { readonly isDone: false; readonly failure: Failure; readonly code: unknown }

export interface Rest {
  /** Asks once; never rejects. */
  ask(call: Call): Promise<Got>
  /** The bot's token: what is held, or the secret read anew after it was not taken. Rejects with words for people. */
  token(): Promise<string>
  /** `text` without addresses, tokens and line breaks, at most 300 characters. */
  clean(text: string): string
  close(): void
}

export interface RestTools {
  readonly sdk: Sdk
  readonly apiUrl: string
  readonly readToken: () => Promise<string>
  /** Discord did not take the token. */
  readonly onUnauthorised: () => void
}

export function openRest({ sdk, apiUrl, readToken, onUnauthorised }: RestTools): Rest {
  let held: string | null = null
  let bad: { token: string; atMs: number } | null = null
  const secrets = new Set<string>()
  const closed = new AbortController()
  /** Whether the request of this call has left, as far as we know. */
  const sending = new AsyncLocalStorage<{ hasLeft: boolean }>()

  const rest: REST = new sdk.REST({
    version: '10',
    api: apiUrl,
    retries: 0,
    timeout: TIMEOUT_MS,
    // Nothing waits inside: whoever comes too early is told so.
    rejectOnRateLimit: () => true,
    async makeRequest(url, init) {
      const call = sending.getStore()
      if (call !== undefined) call.hasLeft = true
      // The body is read here, so that the timeout counts for it, and so that the SDK leaves none unread.
      const answer = await sdk.DefaultRestOptions.makeRequest(url, init)
      if (Number(answer.headers.get('content-length') ?? 0) > MOST_BODY_BYTES) throw new Error('the answer is too long')
      const text = await answer.text()
      // A 429 too, but waiting is of no use: the SDK would look at its status only.
      if (answer.status === 429 && codeIn(text) === OLD_MESSAGE) throw new OldMessage()
      return {
        ...{ status: answer.status, statusText: answer.statusText, ok: answer.ok, headers: answer.headers },
        ...{ body: null, bodyUsed: true, text: async () => text, json: async () => JSON.parse(text) },
        arrayBuffer: async () => new TextEncoder().encode(text).buffer,
      }
    },
  })

  async function token(): Promise<string> {
    if (held !== null) return held
    const read = await readToken().then(
      text => text.trim(),
      (error: unknown) => {
        throw new BadToken(`the bot’s token can’t be read: ${error instanceof Error ? error.message : String(error)}`)
      },
    )
    if (read === '') throw new BadToken('the secret that should hold the bot’s token is empty')
    secrets.add(read)
    if (secrets.size > 10) for (const oldest of [...secrets].slice(0, 1)) secrets.delete(oldest)
    held = read
    return read
  }

  function clean(text: string): string {
    let words = text
    for (const secret of secrets) words = words.replaceAll(secret, '…')
    words = words
      .replaceAll(/\b(?:https?|wss?):\/\/\S+/gi, '(address)')
      .replaceAll(/[\w-]{20,}\.[\w-]{5,}\.[\w-]{20,}|[\w-]{60,}/g, '…')
      .replaceAll(/\s+/g, ' ')
      .trim()
    return words.length <= MOST_WHY ? words : `${words.slice(0, MOST_WHY - 1)}…`
  }

  async function request({ method, route, body, isOwn = false }: Call, signal: AbortSignal): Promise<unknown> {
    if (!isOwn) {
      const now = await token()
      if (bad?.token === now && performance.now() - bad.atMs < BAD_TOKEN_MS) {
        held = null
        throw new BadToken(NOT_TAKEN)
      }
      // A 401 makes the SDK forget it, for all later calls.
      rest.setToken(now)
    }
    try {
      return await rest[method](route, { ...(body === undefined ? {} : { body }), auth: !isOwn, signal })
    } catch (error) {
      if (isOwn || fieldsOf(error).status !== 401) throw error
      if (held !== null) bad = { token: held, atMs: performance.now() }
      held = null
      throw new BadToken(NOT_TAKEN)
    }
  }

  async function ask(call: Call): Promise<Got> {
    const state = { hasLeft: false }
    const failed = (error: unknown): Got => {
      return { isDone: false, failure: judge(error, state.hasLeft, clean), code: fieldsOf(error).code }
    }
    if (closed.signal.aborted) return failed(new Error('the channel is closed'))
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(call.withinMs ?? CALL_MS)])
    const gaveUp = Promise.withResolvers<never>()
    const giveUp = () => gaveUp.reject(new Error(closed.signal.aborted ? 'the channel is closed' : 'no answer in time'))
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      const asked = sending.run(state, () => request(call, signal))
      return { isDone: true, answer: await Promise.race([asked, gaveUp.promise]) }
    } catch (error) {
      if (error instanceof BadToken) onUnauthorised()
      return failed(error)
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  return {
    ask,
    token,
    clean,
    close() {
      closed.abort()
      rest.clearHashSweeper()
      rest.clearHandlerSweeper()
    },
  }
}

/** What this adapter throws itself, told from what the SDK throws. */
class BadToken extends Error {}
class OldMessage extends Error {}

const NOT_TAKEN = 'Discord does not take the bot’s token'

/** Too many edits of a message older than an hour. */
const OLD_MESSAGE = 30046

/** Codes of "JSON Error Codes" in Discord's documentation; what is not here concerns this one message. */
const OF_CHAT = new Set([
  // Unknown channel, unknown guild, missing access, not a text channel, missing permissions, not for this type.
  ...[10003, 10004, 50001, 50008, 50013, 50024],
  // Archived and locked threads, and people who take no direct messages.
  ...[50083, 160005, 50007],
])
const GONE = new Set([
  // Unknown message; one of another user, when the bot was changed for another; one that is no ordinary message.
  ...[10008, 50005, 50021, OLD_MESSAGE],
])
/** Errors of the system and of undici that come before anything was sent. */
const NOT_SENT = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
])

/** What an error means for the one who asked. `hasLeft`: the request may have reached Discord. */
function judge(error: unknown, hasLeft: boolean, clean: (text: string) => string): Failure {
  const { status, code, retryAfter, timeToReset, global, limit } = fieldsOf(error)
  const words = clean(error instanceof Error ? error.message : String(error))
  const retry = (why: string, isOpen: boolean, afterMs: number | null = null): Failure => {
    return { verdict: 'retry', afterMs, of: 'channel', isOpen, why }
  }
  if (error instanceof BadToken) return { verdict: 'refused', of: 'channel', why: words }
  if (error instanceof OldMessage) {
    return { verdict: 'gone', why: 'Discord lets this message, older than an hour, be changed no more for now' }
  }
  if (error instanceof Error && error.name.startsWith('RateLimitError')) {
    const afterMs = Math.max(0, ...[retryAfter, timeToReset].map(Number).filter(Number.isFinite))
    // Without a limit in its headers it is not about this bucket: the whole address has to wait.
    const isForAll = global === true || limit === Number.POSITIVE_INFINITY
    return {
      ...{ verdict: 'retry', afterMs: Math.ceil(afterMs), of: isForAll ? 'channel' : 'chat', isOpen: false },
      why: `Discord wants fewer requests${isForAll ? '' : ' for this channel'}`,
    }
  }
  if (typeof status !== 'number') {
    const isSent = hasLeft && !NOT_SENT.has(causeCodeOf(error))
    return retry(clean(`Discord could not be asked: ${words}`), isSent)
  }
  if (status >= 500) return retry(`Discord has trouble (HTTP ${status})`, true)
  if (status === 408 || status === 425) return retry(`Discord was not able to answer in time (HTTP ${status})`, true)
  const why = clean(
    `Discord says: ${words} (${typeof code === 'number' && code > 0 ? `code ${code}` : `HTTP ${status}`})`,
  )
  if (typeof code !== 'number') return retry(why, false, NOT_DISCORD_MS)
  if (GONE.has(code)) return { verdict: 'gone', why }
  if (OF_CHAT.has(code)) return { verdict: 'refused', of: 'chat', why }
  return { verdict: 'refused', of: code === 0 ? 'channel' : 'message', why }
}

/** Something in between has refused, in no form of Discord's (a block page, a proxy): soon again would be too soon. */
const NOT_DISCORD_MS = 60_000

/** Undici wraps the system's error. */
function causeCodeOf(error: unknown): string {
  const { code } = fieldsOf(error)
  if (typeof code === 'string') return code
  return error instanceof Error ? String(fieldsOf(error.cause).code ?? '') : ''
}

function codeIn(text: string): unknown {
  try {
    return fieldsOf(JSON.parse(text)).code
  } catch {
    return undefined
  }
}
