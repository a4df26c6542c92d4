import { BUCKETS, type Reply } from './limits.ts'
import type { Desk, Request } from './rest.ts'
import {
  type ApiError,
  couldPing,
  EDIT_FIELDS,
  faultIn,
  fieldsOf,
  invalidForm,
  isEmpty,
  MESSAGE_FIELDS,
  pingsOf,
} from './validate.ts'
import type { Embed, Place, Row, Stored, World } from './world.ts'

const LATE_MS = 3_600_000
/** Not documented; "a few". */
const LATE_EDITS = 3
/** "In the past few minutes." */
const NONCE_MS = 180_000
/** Flags that a post may set: SUPPRESS_EMBEDS, SUPPRESS_NOTIFICATIONS, IS_VOICE_MESSAGE, IS_COMPONENTS_V2. */
const POST_FLAGS = (1 << 2) | (1 << 12) | (1 << 13) | (1 << 15)

const UNKNOWN_CHANNEL: ApiError = { status: 404, body: { message: 'Unknown Channel', code: 10003 } }
const NO_ACCESS: ApiError = { status: 403, body: { message: 'Missing Access', code: 50001 } }
const UNKNOWN_MESSAGE: ApiError = { status: 404, body: { message: 'Unknown Message', code: 10008 } }
const NOT_AUTHOR: ApiError = {
  status: 403,
  body: { message: 'Cannot edit a message authored by another user', code: 50005 },
}
const EMPTY: ApiError = { status: 400, body: { message: 'Cannot send an empty message', code: 50006 } }

const NOT_ALLOWED: ApiError = { status: 405, body: { message: '405: Method Not Allowed', code: 0 } }
const SERVER_ERROR: ApiError = { status: 500, body: { message: '500: Internal Server Error', code: 0 } }
const ACTS = { POST: 'post', PATCH: 'edit', GET: 'look', DELETE: 'remove' } as const

/** Answers a request about a channel. `message`: null for the channel itself, '' for all its messages. */
export function onChannel(desk: Desk, asked: Request, id: string, message: string | null): Reply | 'hang' | 'cut' {
  if (!/^\d{15,20}$/.test(id)) {
    const text = `Value "${id}" is not snowflake.`
    return invalidForm([{ at: ['channel_id'], code: 'NUMBER_TYPE_COERCE', message: text }])
  }
  const act = Object.entries(ACTS).find(([method]) => method === asked.method)?.[1]
  if (message !== null) desk.requests += 1
  if (act === undefined || (message === null ? act !== 'look' : (message === '') !== isOfAll(act, message)))
    return NOT_ALLOWED
  const { trouble } = desk
  const isMet = trouble !== null && (act === 'post' || act === 'edit')
  if (isMet) desk.trouble = null
  switch (isMet ? trouble.is : null) {
    case 'slow down':
      return desk.limits.refuse(asked.response, trouble?.afterMs ?? 0, 'user')
    case 'slow down all':
      return desk.limits.refuse(asked.response, trouble?.afterMs ?? 0, 'global')
    case 'error 500':
      return SERVER_ERROR
    case 'cut':
      return 'cut'
    case 'hang':
      return 'hang'
  }
  const refusal = desk.limits.take(BUCKETS[message === null ? 'other' : act], id, asked.response)
  const reply = refusal ?? perform(desk, asked, id, message, act)
  return isMet && trouble.is === 'answer lost' ? 'cut' : reply
}

/** A post is for all messages of a channel, an edit and a removal for one, a look for either. */
function isOfAll(act: (typeof ACTS)[keyof typeof ACTS], message: string): boolean {
  return act === 'post' || (act === 'look' && message === '')
}

function perform(desk: Desk, asked: Request, id: string, message: string | null, act: string): Reply {
  const place = desk.world.channels.get(id)
  if (place === undefined || place.access === 'deleted') return UNKNOWN_CHANNEL
  if (place.access === 'none') return NO_ACCESS
  if (message === null) return { status: 200, body: { id, type: 0, guild_id: desk.world.guild, name: 'ops' } }
  if (act === 'post') return post(desk.world, place, asked.body)
  if (message === '') {
    const newest = place.messages.toReversed().slice(0, 50)
    return { status: 200, body: newest.map(stored => jsonOf(place, stored)) }
  }
  const stored = place.messages.find(one => one.id === message)
  if (stored === undefined) return UNKNOWN_MESSAGE
  if (act === 'look') return { status: 200, body: jsonOf(place, stored) }
  if (act === 'edit') return edit(desk, place, stored, asked)
  place.messages.splice(place.messages.indexOf(stored), 1)
  return { status: 204 }
}

function post(world: World, place: Place, body: unknown): Reply {
  const { error, unknown } = faultIn(body, MESSAGE_FIELDS)
  if (unknown.length > 0) world.breaches.push(`a post with unknown fields: ${unknown.join(' ')}`)
  if (error !== null) return error
  if (isEmpty(body)) return EMPTY
  if (couldPing(body)) world.breaches.push('a post that could ping people')
  const given = fieldsOf(body)
  const nonce = given.nonce === undefined ? null : String(given.nonce)
  if (given.enforce_nonce === true && nonce !== null) {
    // Of the same author; nothing is said about the channel.
    const all = [...world.channels.values()].flatMap(({ messages }) => messages)
    const twin = all.find(one => one.nonce === nonce && Date.now() - one.createdMs < NONCE_MS)
    if (twin !== undefined) return { status: 200, body: jsonOf(place, twin) }
  }
  const reference = fieldsOf(given.message_reference)
  const target = place.messages.find(one => one.id === reference.message_id)
  if (given.message_reference !== undefined && target === undefined && reference.fail_if_not_exists !== false) {
    const flaw = { at: ['message_reference'], code: 'REPLIES_UNKNOWN_MESSAGE', message: 'Unknown message' }
    return invalidForm([flaw])
  }
  const stored: Stored = {
    ...{ id: world.newId(), author: world.bot, content: String(given.content ?? ''), nonce },
    ...{ embeds: (given.embeds ?? []) as Embed[], components: (given.components ?? []) as Row[] },
    ...{ flags: Number(given.flags ?? 0) & POST_FLAGS, replyTo: target?.id ?? null },
    ...{ createdMs: Date.now(), isEdited: false, lateEdits: 0, pings: pingsOf(body) },
  }
  place.messages.push(stored)
  return { status: 200, body: jsonOf(place, stored) }
}

function edit(desk: Desk, place: Place, stored: Stored, { body, response }: Request): Reply {
  const { world } = desk
  if (stored.author !== world.bot) return NOT_AUTHOR
  const { error, unknown } = faultIn(body, EDIT_FIELDS)
  if (unknown.length > 0) world.breaches.push(`an edit with unknown fields: ${unknown.join(' ')}`)
  if (error !== null) return error
  const given = fieldsOf(body)
  const next = {
    content: given.content ?? stored.content,
    embeds: given.embeds ?? stored.embeds,
    components: given.components ?? stored.components,
  }
  if (isEmpty(next)) return EMPTY
  if (couldPing({ ...next, allowed_mentions: given.allowed_mentions }))
    world.breaches.push('an edit that could ping people')
  if (Date.now() - stored.createdMs > LATE_MS && stored.lateEdits++ >= LATE_EDITS) {
    return desk.limits.refuse(response, 10_000, 'user', 30046)
  }
  Object.assign(stored, next, { isEdited: true })
  return { status: 200, body: jsonOf(place, stored) }
}

function jsonOf(place: Place, { id, content, embeds, components, flags, nonce, author }: Stored): object {
  return {
    id,
    channel_id: place.id,
    type: 0,
    content,
    embeds,
    components,
    flags,
    nonce,
    author: { id: author, bot: true },
  }
}
