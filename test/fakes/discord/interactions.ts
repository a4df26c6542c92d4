import { BUCKETS, type Reply } from './limits.ts'
import type { Desk, Request } from './rest.ts'
import { faultIn, fieldsOf, invalidForm, isEmpty, MESSAGE_FIELDS } from './validate.ts'
import type { Embed, Interaction, Row, World } from './world.ts'

// "Receiving and Responding" of Discord's documentation.
const FIRST_ANSWER_MS = 3000
const TOKEN_MS = 900_000
const EPHEMERAL = 1 << 6
const CALLBACK_TYPES = [1, 4, 5, 6, 7, 8, 9, 10, 12]

export type Doing =
  | { readonly kind: 'command'; readonly name: string; readonly options: readonly object[] }
  | { readonly kind: 'button'; readonly id: string; readonly message: string }

/** Somebody does something: remembered by the world, and the data of its INTERACTION_CREATE. */
export function interact(world: World, channel: string, doing: Doing, createdMs = Date.now()): object {
  const id = world.newId()
  const token = `aW50ZXJhY3Rpb246${Buffer.from(`${id}:${Math.random()}${Math.random()}${Math.random()}`).toString('base64url')}`
  const type = doing.kind === 'command' ? 2 : 3
  world.interactions.set(id, {
    ...{ id, token, type, channel, createdMs, acknowledgedMs: null, isDeferred: false, answers: [] },
  })
  const user = { id: '175928847299117063', username: 'ada', global_name: 'Ada', discriminator: '0', avatar: null }
  return {
    ...{ id, application_id: world.application, type, token, version: 1, locale: 'en-GB', entitlements: [] },
    ...{ guild_id: world.guild, guild: { id: world.guild }, channel_id: channel, channel: { id: channel, type: 0 } },
    member: {
      user,
      nick: null,
      roles: [],
      permissions: '0',
      joined_at: '2020-01-01T00:00:00Z',
      deaf: false,
      mute: false,
    },
    ...(doing.kind === 'command'
      ? { data: { id: world.newId(), name: doing.name, type: 1, options: doing.options } }
      : { data: { custom_id: doing.id, component_type: 2 }, message: { id: doing.message, channel_id: channel } }),
  }
}

/** `POST /interactions/{id}/{token}/callback`; null when it is another route. */
export function answerCallback(desk: Desk, { method, path, body }: Request): Reply | null {
  const found = /^\/interactions\/(\d+)\/([^/]+)\/callback$/.exec(path)
  if (found === null || method !== 'POST') return null
  const asked = desk.world.interactions.get(found[1] ?? '')
  const sinceMs = Date.now() - (asked?.createdMs ?? 0)
  if (asked === undefined || asked.token !== found[2] || (asked.acknowledgedMs === null && sinceMs > FIRST_ANSWER_MS)) {
    return { status: 404, body: { message: 'Unknown interaction', code: 10062 } }
  }
  if (asked.acknowledgedMs !== null) {
    const message = 'Interaction has already been acknowledged.'
    return { status: 400, body: { message, code: 40060 } }
  }
  const { type, data } = fieldsOf(body)
  const wrongType = [{ at: ['type'], code: 'BASE_TYPE_CHOICES', message: `Value must be one of (${CALLBACK_TYPES}).` }]
  const isForButtons = type === 6 || type === 7
  if (
    !CALLBACK_TYPES.includes(Number(type)) ||
    (isForButtons && asked.type !== 3) ||
    (type === 8 && asked.type !== 4)
  ) {
    return invalidForm(wrongType)
  }
  if (type === 4 || type === 7) {
    const { error } = faultIn(data, MESSAGE_FIELDS)
    if (error !== null) {
      return error
    }
  }
  const flags = Number(fieldsOf(data).flags ?? 0)
  if (type === 5 && (flags & ~EPHEMERAL) !== 0) desk.world.breaches.push('a deferred answer with flags it can’t have')
  asked.acknowledgedMs = sinceMs
  asked.isDeferred = type === 5
  if (type === 4 || type === 5) show(asked, type === 4 ? data : {}, (flags & EPHEMERAL) !== 0)
  return { status: 204 }
}

/** `/webhooks/{application}/{token}` and the messages below it; null when it is another route. */
export function answerWebhook(desk: Desk, { method, path, body, response }: Request): Reply | null {
  const found = /^\/webhooks\/(\d+)\/([^/]+)(\/messages\/@original)?$/.exec(path)
  if (found === null) return null
  const { world, limits } = desk
  const [, application, token = '', original] = found
  const refusal = limits.take(BUCKETS.webhook, `${application} ${token}`, response, false)
  if (refusal !== null) return refusal
  const asked = [...world.interactions.values()].find(one => one.token === token)
  const isKnown = asked !== undefined && application === world.application && asked.acknowledgedMs !== null
  if (!isKnown) {
    return { status: 404, body: { message: 'Unknown Webhook', code: 10015 } }
  }
  if (Date.now() - asked.createdMs > TOKEN_MS) {
    return { status: 401, body: { message: 'Invalid Webhook Token', code: 50027 } }
  }
  const { error, unknown } = faultIn(body, MESSAGE_FIELDS)
  if (unknown.length > 0) world.breaches.push(`an answer with unknown fields: ${unknown.join(' ')}`)
  if (error !== null || isEmpty(body)) {
    return error ?? { status: 400, body: { message: 'Cannot send an empty message', code: 50006 } }
  }
  const first = asked.answers[0]
  if (original === undefined && method === 'POST') {
    show(asked, body, (Number(fieldsOf(body).flags ?? 0) & EPHEMERAL) !== 0)
  } else if (original !== undefined && method === 'PATCH' && first !== undefined) {
    Object.assign(first.message, shownOf(body))
  } else {
    return { status: 404, body: { message: 'Unknown Message', code: 10008 } }
  }
  return { status: 200, body: { id: world.newId(), channel_id: asked.channel, type: 20 } }
}

function show(asked: Interaction, body: unknown, isEphemeral: boolean): void {
  asked.answers.push({ message: shownOf(body), isEphemeral })
}

function shownOf(body: unknown): Interaction['answers'][number]['message'] {
  const { content, embeds, components } = fieldsOf(body)
  return {
    ...{ content: String(content ?? ''), embeds: (embeds ?? []) as Embed[], components: (components ?? []) as Row[] },
  }
}
