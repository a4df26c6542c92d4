import { checkSent, type Sent } from './commands.ts'
import { BUCKETS, type Reply } from './limits.ts'
import type { Desk, Request } from './rest.ts'
import { faultIn, fieldsOf, invalidForm, isEmpty, MESSAGE_FIELDS } from './validate.ts'
import type { Answer, Embed, Interaction, Row, World } from './world.ts'

// "Receiving and Responding" of Discord's documentation.
const FIRST_ANSWER_MS = 3000
const TOKEN_MS = 900_000
const EPHEMERAL = 1 << 6
const CALLBACK_TYPES = [1, 4, 5, 6, 7, 8, 9, 10, 12]

export type Doing =
  | { readonly kind: 'command'; readonly name: string; readonly options: readonly Sent[] }
  /** `message`: of a channel; or the number of an answer. */
  | { readonly kind: 'button'; readonly id: string; readonly message: string | number }
  | { readonly kind: 'guess'; readonly name: string; readonly option: string; readonly begin: string }
  /** The newest form that was shown is filled in. */
  | { readonly kind: 'form'; readonly code: string }

export interface Person {
  readonly id: string
  readonly username: string
  readonly global_name: string
}

export const ADA: Person = { id: '175928847299117063', username: 'ada', global_name: 'Ada' }

const TYPES = { command: 2, button: 3, guess: 4, form: 5 } as const

/** Somebody does something: remembered by the world, and the data of its INTERACTION_CREATE. */
export function interact(
  world: World,
  channel: string,
  doing: Doing,
  { createdMs = Date.now(), by = ADA }: { createdMs?: number; by?: Person } = {},
): object {
  const [data, source] = dataOf(world, channel, doing)
  const id = world.newId()
  const token = `aW50ZXJhY3Rpb246${Buffer.from(`${id}:${Math.random()}${Math.random()}${Math.random()}`).toString('base64url')}`
  const type = TYPES[doing.kind]
  world.interactions.set(id, {
    ...{
      id,
      token,
      type,
      channel,
      user: by.id,
      createdMs,
      source,
      acknowledgedMs: null,
      isDeferred: false,
      answers: [],
    },
    ...{ form: null, choices: null },
  })
  const user = { ...by, discriminator: '0', avatar: null }
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
    data,
    ...(source === null ? {} : { message: { id: world.newId(), channel_id: channel, components: source.components } }),
  }
}

function dataOf(world: World, channel: string, doing: Doing): [data: object, source: Interaction['source']] {
  switch (doing.kind) {
    case 'command':
      checkSent(world.commands, doing.name, doing.options)
      return [{ id: world.newId(), name: doing.name, type: 1, options: doing.options }, null]
    case 'guess': {
      const { name, option, begin } = doing
      const found = world.commands.find(each => each.name === name)?.options.find(each => each.name === option)
      if (found?.autocomplete !== true) throw new Error(`/${name} ${option} completes nothing`)
      return [{ id: '1', name, type: 1, options: [{ name: option, type: 3, value: begin, focused: true }] }, null]
    }
    case 'button': {
      const { message, id } = doing
      const source =
        typeof message === 'number'
          ? answersIn(world)[message]?.message
          : world.channels.get(channel)?.messages.find(each => each.id === message)
      const isThere = source?.components.some(row => row.components.some(button => button.custom_id === id))
      if (source === undefined || isThere !== true) throw new Error(`there is no button ${id} to press`)
      return [{ custom_id: id, component_type: 2 }, source]
    }
    case 'form': {
      const form = [...world.interactions.values()].findLast(each => each.form !== null)?.form
      if (form === null || form === undefined) throw new Error('there is no form to fill in')
      form.isOver = true
      const field = { type: 4, custom_id: 'code', value: doing.code }
      return [{ custom_id: form.id, components: [{ type: 1, components: [field] }] }, null]
    }
  }
}

/** What was answered, oldest first. */
export function answersIn({ interactions }: World): Answer[] {
  return [...interactions.values()].flatMap(({ answers }) => answers).filter(({ message }) => !isEmpty(message))
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
    (type === 8) !== (asked.type === 4) ||
    (type === 9 && asked.type === 5)
  ) {
    return invalidForm(wrongType)
  }
  if (type === 9) {
    const flaw = faultOfForm(fieldsOf(data))
    if (flaw !== null) return invalidForm([{ at: ['data'], code: 'MODAL_INVALID', message: flaw }])
    asked.form = { id: String(fieldsOf(data).custom_id), title: String(fieldsOf(data).title), isOver: false }
  }
  if (type === 8) {
    const { choices } = fieldsOf(data)
    const values = (Array.isArray(choices) ? choices : []).map(choice => fieldsOf(choice).value)
    const isSound = values.length <= 25 && values.every(value => typeof value === 'string' && [...value].length <= 100)
    if (!isSound) return invalidForm([{ at: ['data', 'choices'], code: 'BASE_TYPE_BAD_LENGTH', message: 'Too long' }])
    asked.choices = values.map(String)
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
  asked.isDeferred = type === 5 || type === 6
  if (type === 4 || type === 5) show(asked, type === 4 ? data : {}, (flags & EPHEMERAL) !== 0, null)
  return { status: 204 }
}

/** `/webhooks/{application}/{token}` and the messages below it; null when it is another route. */
export function answerWebhook(desk: Desk, { method, path, body, file, response }: Request): Reply | null {
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
    show(asked, body, (Number(fieldsOf(body).flags ?? 0) & EPHEMERAL) !== 0, file)
  } else if (original !== undefined && method === 'PATCH' && first !== undefined && asked.type !== 3) {
    Object.assign(first.message, shownOf(body))
    first.file = file ?? first.file
  } else if (original !== undefined && method === 'PATCH' && asked.type === 3 && asked.isDeferred) {
    // Of a button, the original is the message that it is on.
    Object.assign(asked.source ?? {}, shownOf(body))
  } else {
    return { status: 404, body: { message: 'Unknown Message', code: 10008 } }
  }
  return { status: 200, body: { id: world.newId(), channel_id: asked.channel, type: 20 } }
}

function show(asked: Interaction, body: unknown, isEphemeral: boolean, file: Answer['file']): void {
  asked.answers.push({ message: shownOf(body), isEphemeral, file })
}

/** "Modal" of the documentation, with what heald uses of it. */
function faultOfForm({ custom_id: id, title, components }: Readonly<Record<string, unknown>>): string | null {
  const isText = (value: unknown, most: number) =>
    typeof value === 'string' && value.length >= 1 && value.length <= most
  if (!isText(id, 100)) return 'custom_id: must be between 1 and 100 in length'
  if (!isText(title, 45)) return 'title: must be between 1 and 45 in length'
  if (!Array.isArray(components) || components.length < 1 || components.length > 5) return 'components: 1 to 5'
  for (const row of components.map(fieldsOf)) {
    const [field, ...more] = Array.isArray(row.components) ? row.components.map(fieldsOf) : []
    if (row.type !== 1 || field === undefined || more.length > 0) return 'components: one field in a row'
    if (field.type !== 4 || !isText(field.label, 45) || !isText(field.custom_id, 100))
      return 'components: label, custom_id'
    if (field.style !== 1 && field.style !== 2) return 'components: style'
  }
  return null
}

function shownOf(body: unknown): Answer['message'] {
  const { content, embeds, components } = fieldsOf(body)
  return {
    ...{ content: String(content ?? ''), embeds: (embeds ?? []) as Embed[], components: (components ?? []) as Row[] },
  }
}
