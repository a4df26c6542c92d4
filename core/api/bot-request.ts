import { type Ask, PLATFORMS, type Said, type Speaker } from '../command/port.ts'
import { Fault } from '../fault.ts'
import { type Body, textIn } from './body.ts'

const KEYS = ['platform', 'user', 'chat', 'key', 'text', 'word', 'args', 'button', 'code', 'saidMs', 'waitMs']
const LONGEST_ID = 200
/** Each platform's own names, so that none can be taken for another's, or for more than one word of a line. */
const IDS: { readonly [platform in Speaker['platform']]: { readonly user: RegExp; readonly chat: RegExp } } = {
  telegram: { user: /^\d{1,20}$/, chat: /^-?\d{1,20}$/ },
  discord: { user: /^\d{1,20}$/, chat: /^\d{1,20}$/ },
  slack: { user: /^[A-Z0-9]{1,40}\/[A-Z0-9]{1,40}$/, chat: /^[A-Z0-9]{1,40}$/ },
}
/** Longer texts are told in words what is too long, not that the request is wrong. */
const LONGEST_TEXT = 20_000
const MOST_ARGS = 20
const LONGEST_WAIT_MS = 10_000

/** What a body says, each part checked; a Fault `request.body` where it says something else. */
export function askFrom(body: Body): Ask {
  const other = Object.keys(body).find(key => !KEYS.includes(key))
  if (other !== undefined) throw bad(`the key ${JSON.stringify(other.slice(0, 100))} is not known here`)
  const { code, saidMs, waitMs } = body
  if (code !== undefined && (typeof code !== 'string' || code.length > 20)) throw bad('"code" has to be a short text')
  if (saidMs !== undefined && !Number.isSafeInteger(saidMs)) throw bad('"saidMs" has to be whole milliseconds')
  if (waitMs !== undefined && !(typeof waitMs === 'number' && waitMs >= 0 && waitMs <= LONGEST_WAIT_MS))
    throw bad(`"waitMs" has to be from 0 to ${LONGEST_WAIT_MS}`)
  const key = textIn(body, 'key', LONGEST_ID)
  const from = speakerIn(body)
  if (!/^[\x21-\x7e]+$/.test(key) || !key.startsWith(`${from.platform}:`))
    throw bad(`"key" has to begin with ${from.platform}: and be plain ASCII without blanks`)
  const when = typeof saidMs === 'number' ? { saidMs } : {}
  return { from, key, said: saidIn(body), code: code ?? null, ...when, waitMs: waitMs ?? 0 }
}

function speakerIn(body: Body): Speaker {
  const platform = PLATFORMS.find(each => each === body.platform)
  if (platform === undefined) throw bad(`"platform" has to be one of ${PLATFORMS.join(', ')}`)
  const user = textIn(body, 'user', LONGEST_ID)
  const chat = textIn(body, 'chat', LONGEST_ID)
  if (!IDS[platform].user.test(user)) throw bad(`"user" is not what ${platform} calls a person`)
  if (!IDS[platform].chat.test(chat)) throw bad(`"chat" is not what ${platform} calls a chat`)
  return { platform, user, chat }
}

function saidIn(body: Body): Said {
  const ways = ['text', 'word', 'button'].filter(key => body[key] !== undefined)
  if (ways.length !== 1) throw bad('one of "text", "word" and "button" has to be there, and no more')
  if (body.args !== undefined && ways[0] !== 'word') throw bad('"args" belongs to "word"')
  if (ways[0] === 'button') return { button: textIn(body, 'button', LONGEST_ID) }
  if (ways[0] === 'word') return { word: textIn(body, 'word', LONGEST_ID), args: argsIn(body.args ?? {}) }
  if (typeof body.text !== 'string' || body.text.length > LONGEST_TEXT)
    throw bad(`"text" has to be a text of at most ${LONGEST_TEXT} characters`)
  return { text: body.text }
}

function argsIn(args: unknown): { readonly [name: string]: unknown } {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) throw bad('"args" has to be an object')
  if (Object.keys(args).length > MOST_ARGS) throw bad(`"args" has more than ${MOST_ARGS} keys`)
  return { ...args }
}

function bad(message: string): Fault {
  return new Fault('request.body', message)
}
