// What the bot and the process that runs WhatsApp Web tell each other. Both sides check what they get: what has not the
// right shape is left out.

export interface Pairing {
  /** Digits, for a code instead of a QR code. */
  readonly phoneNumber: string | null
  /** How long a ready page is left to write things down. */
  readonly keepMs: number
}

/** To the child. `id`: of an order that is answered. */
export type Order =
  /** The first one. `pairing`: null for a device that is linked already. */
  | { readonly order: 'open'; readonly pairing: Pairing | null }
  | {
      readonly order: 'send'
      readonly id: number
      readonly chat: string
      readonly text: string
      readonly replyTo: string | null
    }
  | { readonly order: 'edit'; readonly id: number; readonly reference: string; readonly text: string }
  /** What came of a message that was sent. */
  | { readonly order: 'find'; readonly id: number; readonly reference: string }
  /** Whether the chat is there, and takes messages from us. */
  | { readonly order: 'chat'; readonly id: number; readonly chat: string }
  /** Whether the page still answers. */
  | { readonly order: 'ping'; readonly id: number }
  | { readonly order: 'close' }

export type Answer =
  /** `ack`: -1 refused, 0 not at the servers yet, 1 and above: there. */
  | { readonly is: 'sent'; readonly reference: string; readonly ack: number }
  | { readonly is: 'done' }
  /** The message is not there, or can't be changed any more; the chat is not there. */
  | { readonly is: 'missing' }
  /** `detail` is cleaned, for people. */
  | { readonly is: 'failed'; readonly detail: string }

/** From the child. */
export type Report =
  | { readonly report: 'qr'; readonly text: string }
  | { readonly report: 'code'; readonly text: string }
  | { readonly report: 'ready' }
  /** The pairing is done, and everything is on the disk. */
  | { readonly report: 'linked' }
  /** The page's own word for its connection: `CONNECTED`, `TIMEOUT`, `OPENING` … */
  | { readonly report: 'state'; readonly state: string }
  | { readonly report: 'ack'; readonly reference: string; readonly ack: number }
  | { readonly report: 'trouble'; readonly detail: string }
  /** It ends now, and why. */
  | { readonly report: 'over'; readonly why: OverWhy; readonly detail: string }
  | { readonly report: 'answer'; readonly id: number; readonly answer: Answer }

const OVER = [
  'unpaired', // No device was linked yet.
  'paired', // One is, and a pairing is asked for.
  'unlinked', // The device is not linked any more, and is forgotten.
  'conflict', // Another WhatsApp Web uses the session.
  'blocked', // WhatsApp does not let the device in.
  'failed',
] as const
export type OverWhy = (typeof OVER)[number]

/** Shown in a terminal, root's as a rule: no character that steers one. WhatsApp's own are about 250 and 8 characters long. */
const SHOWN = { qr: /^[\x20-\x7e]{1,2000}$/, code: /^[A-Z0-9-]{4,16}$/ }

export function reportIn(value: unknown): Report | null {
  if (!isRecord(value)) return null
  const { report, text, state, reference, ack, detail, why, id, answer } = value
  const isRight =
    report === 'ready' ||
    report === 'linked' ||
    ((report === 'qr' || report === 'code') && isText(text) && SHOWN[report].test(text)) ||
    (report === 'state' && isText(state)) ||
    (report === 'ack' && isText(reference) && Number.isInteger(ack)) ||
    (report === 'trouble' && isText(detail)) ||
    (report === 'over' && isText(detail) && OVER.some(one => one === why)) ||
    (report === 'answer' && isCount(id) && isAnswer(answer))
  return isRight ? (value as Report) : null
}

export function orderIn(value: unknown): Order | null {
  if (!isRecord(value)) return null
  const { order, id, pairing, chat, text, reference, replyTo } = value
  const isRight =
    order === 'close' ||
    (order === 'open' && (pairing === null || isPairing(pairing))) ||
    (order === 'send' && isCount(id) && isText(chat) && isText(text) && (replyTo === null || isText(replyTo))) ||
    (order === 'edit' && isCount(id) && isText(reference) && isText(text)) ||
    (order === 'find' && isCount(id) && isText(reference)) ||
    (order === 'chat' && isCount(id) && isText(chat)) ||
    (order === 'ping' && isCount(id))
  return isRight ? (value as Order) : null
}

/** The first line of an error, without addresses, paths and what may be a secret; at most 200 characters. */
export function cleaned(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
  const clean = text
    .replaceAll(/\b[a-z]+:\/\/\S+/gi, '…')
    .replaceAll(/(?:\/[\w.@+-]+){2,}\/?/g, '…')
    .replaceAll(/[A-Za-z0-9+/=_-]{24,}/g, '…')
    .replaceAll(/\p{Cc}+/gu, ' ')
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean
}

function isAnswer(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { is, reference, ack, detail } = value
  if (is === 'sent') return isText(reference) && Number.isInteger(ack)
  return is === 'done' || is === 'missing' || (is === 'failed' && isText(detail))
}

function isPairing(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { phoneNumber, keepMs } = value
  return (phoneNumber === null || /^\d{6,15}$/.test(String(phoneNumber))) && isCount(keepMs)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 100_000
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0
}
