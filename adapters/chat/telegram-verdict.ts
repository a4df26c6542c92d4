import type { Verdict } from '../../bot/channel.ts'
import type { Fault } from '../../core/fault.ts'

/** What the Bot API answers when it says no: core.telegram.org/bots/api#making-requests. */
export interface Refusal {
  readonly error_code: number
  readonly description: string
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number }
}

/** Why words don't come in any more. */
export interface Trouble {
  readonly why: string
  /** Somebody has to change something. */
  readonly isFinal: boolean
  /** What Telegram asked for; null: nothing. */
  readonly afterMs: number | null
  /** The token is not taken: it is read anew before the next try. */
  readonly isToken: boolean
}

const MOST_WHY = 300
/** A token is `<bot id>:<35 characters>`; one that is not ours any more is hidden too. */
const TOKEN = /\d{3,}:[\w-]{16,}/g

/**
 * Error codes are the same for many reasons, so for 400 there is only the text to go by. These are the ones of the Bot
 * API server (github.com/tdlib/telegram-bot-api, Client.cpp), lower case.
 */
const NOT_MODIFIED = /message is not modified/
const GONE = /message to edit not found|message can't be edited|message_id_invalid|message identifier is not specified/
const CHAT =
  /chat not found|user not found|upgraded to a supergroup|group chat was deactivated|peer_id_invalid|chat_write_forbidden|chat_restricted|chat_admin_required|chat_send_|topic_closed|not enough rights|have no rights|need administrator rights|is deactivated|member list is inaccessible|channel_private/
/** The connection did not come to be, so nothing was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'])

/** Text for people: no token in it, one line, not too long. */
export function clean(text: string): string {
  const line = text.replaceAll(TOKEN, '<token>').replaceAll(/\s+/g, ' ').trim()
  return line.length <= MOST_WHY ? line : `${line.slice(0, MOST_WHY - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** The refusal in an error of the SDK, or null: Telegram could not be asked. */
export function refusalIn(error: unknown): Refusal | null {
  if (typeof error !== 'object' || error === null) return null
  if (!('error_code' in error) || typeof error.error_code !== 'number') return null
  const { error_code, description, parameters } = error as Partial<Refusal> & { error_code: number }
  return { error_code, description: String(description ?? ''), ...(parameters === undefined ? {} : { parameters }) }
}

/** What an edit came to that changes nothing: it is there already. */
export function isNotModified(error: unknown): boolean {
  const refusal = refusalIn(error)
  return refusal?.error_code === 400 && NOT_MODIFIED.test(refusal.description.toLowerCase())
}

/** The verdict on a post or an edit that was not done. */
export function verdictOf(error: unknown): Verdict {
  const refusal = refusalIn(error)
  if (refusal === null) {
    const { why, isSent } = lineTroubleOf(error)
    return { verdict: 'retry', afterMs: null, of: 'channel', isOpen: isSent, why }
  }
  const { error_code: code, description, parameters } = refusal
  const words = description.toLowerCase()
  if (code === 429) {
    const afterMs = secondsMs(parameters?.retry_after)
    return { verdict: 'retry', afterMs, of: 'chat', isOpen: false, why: 'Telegram asks to be sent less' }
  }
  // A server can fail after the deed.
  if (code >= 500) {
    return { verdict: 'retry', afterMs: null, of: 'channel', isOpen: true, why: serverTrouble(refusal) }
  }
  if (isOfToken(code)) return { verdict: 'refused', of: 'channel', why: tokenTrouble(refusal) }
  const moved = parameters?.migrate_to_chat_id
  if (moved !== undefined) {
    const why = `the group has become a supergroup with a new id: put ${moved} in the place of this chat's id`
    return { verdict: 'refused', of: 'chat', why }
  }
  const said = clean(`Telegram says: ${description}`)
  if (code === 403 || CHAT.test(words)) return { verdict: 'refused', of: 'chat', why: said }
  if (GONE.test(words)) return { verdict: 'gone', why: said }
  return { verdict: 'refused', of: 'message', why: said }
}

/** Why a request of the polling failed. */
export function troubleOf(error: unknown): Trouble {
  const refusal = refusalIn(error)
  if (refusal === null) return { why: lineTroubleOf(error).why, isFinal: false, afterMs: null, isToken: false }
  const { error_code: code, description, parameters } = refusal
  if (isOfToken(code)) return { why: tokenTrouble(refusal), isFinal: true, afterMs: null, isToken: true }
  if (code === 409) {
    const why = /webhook/i.test(description)
      ? 'somebody has set a webhook for this bot: give this host a bot of its own, or take the webhook away'
      : 'another program takes this bot’s messages (second poller): stop it, or give this host a bot of its own'
    return { why, isFinal: true, afterMs: null, isToken: false }
  }
  return { why: serverTrouble(refusal), isFinal: false, afterMs: secondsMs(parameters?.retry_after), isToken: false }
}

/** A malformed token is "not found", a wrong or revoked one "unauthorized"; 421: a server that is only for other bots. */
function isOfToken(code: number): boolean {
  return code === 401 || code === 404 || code === 421
}

function tokenTrouble({ error_code: code, description }: Refusal): string {
  return clean(
    `Telegram does not take the bot’s token (${code} ${description}): get one from @BotFather, and write it anew`,
  )
}

function serverTrouble({ error_code: code, description }: Refusal): string {
  return clean(`Telegram has trouble (${code} ${description})`)
}

/** Only the code is told: the message of the SDK's error holds the URL, and that the token. */
function lineTroubleOf(error: unknown): { why: string; isSent: boolean } {
  const inner = typeof error === 'object' && error !== null && 'error' in error ? error.error : error
  const { code, type, message } = (typeof inner === 'object' && inner !== null ? inner : {}) as Record<string, unknown>
  if (typeof message === 'string' && /timed out after/.test(message)) {
    return { why: 'Telegram did not answer in time', isSent: true }
  }
  if (typeof code === 'string') {
    return { why: clean(`Telegram could not be reached (${code})`), isSent: !NOT_SENT.has(code) }
  }
  // Of node-fetch, which the SDK asks with.
  if (type === 'invalid-json' || type === 'no-redirect' || type === 'max-size') {
    return { why: 'what answers at the address of Telegram is not Telegram', isSent: true }
  }
  return { why: 'the connection to Telegram broke off', isSent: true }
}

const MOST_PAUSE_MS = 3_600_000

function secondsMs(seconds: unknown): number | null {
  if (typeof seconds !== 'number' || !(seconds >= 0)) return null
  return Math.min(seconds * 1000, MOST_PAUSE_MS)
}

export function notNow(why: string): Verdict {
  return { verdict: 'retry', afterMs: null, of: 'channel', isOpen: false, why }
}

/** In the shape of a Fault, whose class adapters may not load. */
export function faultOf(code: string, message: string, hint: string, cause?: unknown): Error {
  const shape: Pick<Fault, 'name' | 'code' | 'hint' | 'retry'> = { name: 'Fault', code, hint, retry: 'no' }
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), shape)
}
