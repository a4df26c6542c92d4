import type { Verdict } from '../../bot/channel.ts'

// All that is said about an error is made of our own words, Slack's code for it, and the system's. Messages of the SDK's
// errors are never repeated: they hold addresses with tickets in them.

/** Somebody has to give the app a good token or another scope. */
const OF_CHANNEL = new Set([
  ...['invalid_auth', 'not_authed', 'token_revoked', 'token_expired', 'account_inactive', 'missing_scope'],
  ...['not_allowed_token_type', 'no_permission', 'access_denied', 'org_login_required', 'team_access_not_granted'],
  ...['user_removed_from_team', 'team_disabled', 'enterprise_is_restricted', 'two_factor_setup_required'],
])

/** The app has to be invited, or another channel named. */
const OF_CHAT = new Set([
  ...['channel_not_found', 'not_in_channel', 'is_archived', 'restricted_action', 'channel_type_not_supported'],
  ...['restricted_action_read_only_channel', 'restricted_action_thread_only_channel', 'messages_tab_disabled'],
  ...['restricted_action_non_threadable_channel', 'posting_to_general_channel_denied', 'cannot_dm_bot'],
  ...['user_not_found', 'is_inactive', 'ekm_access_denied', 'method_not_supported_for_channel_type'],
])

const OF_MESSAGE = new Set([
  ...['msg_too_long', 'msg_blocks_too_long', 'invalid_blocks', 'invalid_blocks_format', 'no_text', 'block_mismatch'],
  ...['invalid_metadata_format', 'invalid_metadata_schema', 'metadata_too_large', 'too_many_attachments'],
  ...['attachment_payload_limit_exceeded', 'invalid_arguments', 'invalid_arg_name', 'invalid_array_arg'],
  ...['invalid_charset', 'invalid_form_data'],
])

const GONE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed'])

const TOO_FAST = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded'])

/** What is answered cannot be answered: it is gone, or of a kind that takes no answers. */
const NO_THREAD = new Set([
  ...['thread_not_found', 'invalid_thread_ts', 'cannot_reply_to_message', 'restricted_action_thread_locked'],
])

/** The system says that no connection came about, so nothing was sent. */
const NOT_SENT = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
  ...['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
])

const HINTS: Record<string, string> = {
  not_in_channel: 'invite the app to the channel',
  channel_not_found: 'the channel does not exist, or is private and the app is not in it',
  missing_scope: 'give the app the scope and install it again',
  invalid_auth: 'put a good token in its place',
}

/** A field of any value; undefined when there is none. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** Slack's own word for what is wrong (`channel_not_found`); '' when the answer did not come from it. */
export function slackErrorOf(error: unknown): string {
  const word = fieldOf(fieldOf(error, 'data'), 'error')
  return typeof word === 'string' && /^[a-z][a-z_]{1,60}$/.test(word) ? word : ''
}

export function hasNoThread(error: unknown): boolean {
  return NO_THREAD.has(slackErrorOf(error))
}

export function isTokenError(error: unknown): boolean {
  return OF_CHANNEL.has(slackErrorOf(error))
}

/** What to do about an error of the Web API client. */
export function verdictOf(error: unknown): Exclude<Verdict, { verdict: 'done' }> {
  const word = slackErrorOf(error)
  const why = whyOf(error)
  if (GONE.has(word)) return { verdict: 'gone', why }
  if (OF_CHANNEL.has(word)) return { verdict: 'refused', of: 'channel', why }
  if (OF_CHAT.has(word)) return { verdict: 'refused', of: 'chat', why }
  if (OF_MESSAGE.has(word)) return { verdict: 'refused', of: 'message', why }
  const afterMs = afterMsOf(error)
  if (TOO_FAST.has(word) || fieldOf(error, 'code') === 'slack_webapi_rate_limited_error') {
    return { verdict: 'retry', afterMs, of: 'chat', isOpen: false, why }
  }
  // Of `internal_error` and `fatal_error` Slack says that part of the work may have been done.
  const isOpen = !NOT_SENT.has(systemCodeOf(error))
  return { verdict: 'retry', afterMs, of: 'channel', isOpen, why }
}

/** What Slack wants to be left alone for. */
export function afterMsOf(error: unknown): number | null {
  const seconds =
    fieldOf(error, 'retryAfter') ?? fieldOf(fieldOf(fieldOf(error, 'data'), 'response_metadata'), 'retryAfter')
  return typeof seconds === 'number' && seconds >= 0 ? seconds * 1000 : null
}

/** In words for people, at most 300 characters, without secrets. */
export function whyOf(error: unknown): string {
  const word = slackErrorOf(error)
  const code = fieldOf(error, 'code')
  if (word !== '') {
    const hint = HINTS[word] === undefined ? '' : ` (${HINTS[word]})`
    return `Slack says ${word}${hint}${detailOf(error)}`.slice(0, 300)
  }
  if (code === 'slack_webapi_rate_limited_error') return 'Slack asks to slow down'
  if (code === 'slack_webapi_http_error') return `Slack answered with HTTP ${Number(fieldOf(error, 'statusCode'))}`
  if (code === 'slack_webapi_platform_error') return 'the answer did not come from Slack'
  const system = systemCodeOf(error)
  if (system === 'TimeoutError' || system === 'AbortError') return 'Slack did not answer in time'
  return system === '' ? 'Slack could not be asked' : `Slack could not be asked: ${system}`
}

/** Which part is wrong and, for a scope, which one is missing. */
function detailOf(error: unknown): string {
  const data = fieldOf(error, 'data')
  const needed = fieldOf(data, 'needed')
  if (typeof needed === 'string' && /^[\w:.,]{1,100}$/.test(needed)) return `: ${needed}`
  const messages = fieldOf(fieldOf(data, 'response_metadata'), 'messages')
  const first = Array.isArray(messages) ? messages[0] : undefined
  return typeof first === 'string' ? `: ${clean(first.replace('[ERROR] ', ''))}` : ''
}

/** Without anything that looks like a token or an address. */
export function clean(text: string): string {
  return text.replace(/\bx[a-z]{2,4}-[\w.-]+/gi, '…').replace(/\b[a-z]{2,5}:\/\/\S+/gi, '…')
}

/** `ECONNRESET`, `TimeoutError`; '' where there is none. */
function systemCodeOf(error: unknown): string {
  let at: unknown = error
  for (let depth = 0; depth < 5 && at !== undefined && at !== null; depth += 1) {
    for (const name of ['code', 'name']) {
      const code = fieldOf(at, name)
      if (typeof code === 'string' && /^([A-Z][A-Z0-9_]{2,60}|TimeoutError|AbortError)$/.test(code)) return code
    }
    at = fieldOf(at, 'original') ?? fieldOf(at, 'cause')
  }
  return ''
}

/** An error for people (core/fault.ts), whose class an adapter may not load. */
export function faultOf(code: string, message: string, hint: string, cause?: unknown): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause })
  return Object.assign(error, { name: 'Fault', code, hint, retry: 'no' as const })
}
