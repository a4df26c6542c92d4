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
const MOST_WAITS = 100
const ALL = 'all'

export type Failure = Exclude<Verdict, { verdict: 'done' }>

export interface Call {
  readonly method: 'get' | 'post' | 'patch' | 'put'
  readonly route: RouteLike
  readonly body?: unknown
  /** Sent along, as files of the message that the body is. */
  readonly files?: readonly { readonly name: string; readonly data: Buffer }[]
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
  /** When to ask again, by what has to wait. The SDK would keep a timer for each one that comes too early. */
  const waits = new Map<string, { readonly untilMs: number; readonly failure: Failure }>()
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
      const text = await textOf(answer.body)
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
    const read = await inTime(readToken()).then(
      text => text.trim(),
      (error: unknown) => {
        throw new BadToken(`the bot’s token can’t be read: ${messageOf(error)}`)
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

  async function request(
    { method, route, body, files = [], isOwn = false }: Call,
    signal: AbortSignal,
  ): Promise<unknown> {
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
      const sent = { ...(body === undefined ? {} : { body }), ...(files.length === 0 ? {} : { files: [...files] }) }
      return await rest[method](route, { ...sent, auth: !isOwn, signal })
    } catch (error) {
      if (isOwn || fieldsOf(error).status !== 401) throw error
      if (held !== null) bad = { token: held, atMs: performance.now() }
      held = null
      throw new BadToken(NOT_TAKEN)
    }
  }

  function toWait(call: Call): Failure | null {
    for (const key of [ALL, placeOf(call)]) {
      const { untilMs, failure } = waits.get(key) ?? {}
      const afterMs = Math.ceil((untilMs ?? 0) - performance.now())
      if (failure?.verdict === 'retry' && afterMs > 0) return { ...failure, afterMs }
      waits.delete(key)
    }
    return null
  }

  function noteWait(call: Call, failure: Failure): void {
    if (failure.verdict !== 'retry' || failure.afterMs === null) return
    waits.set(failure.of === 'channel' ? ALL : placeOf(call), { untilMs: performance.now() + failure.afterMs, failure })
    for (const oldest of waits.keys()) {
      if (waits.size <= MOST_WAITS) break
      waits.delete(oldest)
    }
  }

  async function ask(call: Call): Promise<Got> {
    const state = { hasLeft: false }
    const failed = (error: unknown) => {
      return { isDone: false as const, failure: judge(error, state.hasLeft, clean), code: fieldsOf(error).code }
    }
    if (closed.signal.aborted) return failed(new Error('the channel is closed'))
    const waiting = call.isOwn ? null : toWait(call)
    if (waiting !== null) return { isDone: false, failure: waiting, code: null }
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(call.withinMs ?? CALL_MS)])
    const gaveUp = Promise.withResolvers<never>()
    const giveUp = () => gaveUp.reject(new Error(closed.signal.aborted ? 'the channel is closed' : 'no answer in time'))
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      const asked = sending.run(state, () => request(call, signal))
      return { isDone: true, answer: await Promise.race([asked, gaveUp.promise]) }
    } catch (error) {
      if (error instanceof BadToken) onUnauthorised()
      const got = failed(error)
      if (!call.isOwn) noteWait(call, got.failure)
      return got
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

async function inTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not within ${CALL_MS} ms`)), CALL_MS)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

/** The whole body, if it is not too long. */
async function textOf(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body ?? []) {
    bytes += part.byteLength
    if (bytes > MOST_BODY_BYTES) throw new Error('the answer is too long')
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

/** What Discord counts together: a kind of request, to one channel. */
function placeOf({ method, route }: Call): string {
  return `${method} ${route.split('/').slice(1, 3).join('/')}`
}

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
  const words = clean(messageOf(error))
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

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
