// What Discord takes as a message: "Create Message", "Embed Limits" and "Component Reference" of its documentation.

/** Names of fields and positions, then what is wrong there. */
interface Flaw {
  readonly at: readonly (string | number)[]
  readonly code: string
  readonly message: string
}

export interface ApiError {
  readonly status: number
  readonly body: { readonly code: number; readonly message: string; readonly errors?: object }
}

type Fields = Readonly<Record<string, unknown>>
type Check = (value: unknown, at: Flaw['at']) => Flaw[]

export const MESSAGE_FIELDS: Readonly<Record<string, Check>> = {
  content: text(0, 2000),
  nonce: (value, at) => (typeof value === 'number' ? [] : text(0, 25)(value, at)),
  enforce_nonce: boolean,
  tts: boolean,
  embeds: list(0, 10, embed),
  allowed_mentions: allowedMentions,
  message_reference: object({
    message_id: snowflake,
    channel_id: snowflake,
    guild_id: snowflake,
    fail_if_not_exists: boolean,
  }),
  components: list(0, 5, row),
  flags: integer,
  sticker_ids: list(0, 3, snowflake),
  attachments: list(0, 10, () => []),
}

export const EDIT_FIELDS: Readonly<Record<string, Check>> = Object.fromEntries(
  ['content', 'embeds', 'flags', 'allowed_mentions', 'components', 'attachments'].map(name => {
    const check = MESSAGE_FIELDS[name] ?? (() => [])
    return [name, (value: unknown, at: Flaw['at']) => (value === null ? [] : check(value, at))]
  }),
)

/** Null when it is taken. `unknown`: fields that Discord passes over, though whoever wrote them meant something. */
export function faultIn(
  body: unknown,
  fields: Readonly<Record<string, Check>>,
): { error: ApiError | null; unknown: string[] } {
  const given = fieldsOf(body)
  const unknown = Object.keys(given).filter(name => !Object.hasOwn(fields, name))
  const flaws = Object.entries(given).flatMap(([name, value]) => fields[name]?.(value, [name]) ?? [])
  const total = sizeOf(given.embeds)
  if (total > 6000) {
    flaws.push({ at: ['embeds'], code: 'MAX_EMBED_SIZE_EXCEEDED', message: 'Embed size exceeds maximum size of 6000' })
  }
  const ids = buttonsIn(given.components)
  ids.forEach((id, index) => {
    if (ids.indexOf(id) === index) return
    const code = 'COMPONENT_CUSTOM_ID_DUPLICATED'
    flaws.push({ at: ['components'], code, message: 'Component custom id cannot be duplicated' })
  })
  return { error: flaws.length === 0 ? null : invalidForm(flaws), unknown }
}

/** The shape of 50035: the path as nested objects, at its end what is wrong. */
export function invalidForm(flaws: readonly Flaw[]): ApiError {
  const errors: Record<string, unknown> = {}
  for (const { at, code, message } of flaws) {
    let here = errors
    for (const part of at) {
      const next = (here[String(part)] ?? {}) as Record<string, unknown>
      here[String(part)] = next
      here = next
    }
    here._errors = [...((here._errors as unknown[]) ?? []), { code, message }]
  }
  return { status: 400, body: { message: 'Invalid Form Body', code: 50035, errors } }
}

/** Nothing that can be seen. */
export function isEmpty(body: unknown): boolean {
  const { content, embeds, components, sticker_ids: stickers } = fieldsOf(body)
  return [content, embeds, components, stickers].every(part => {
    return part === undefined || part === null || part === '' || (Array.isArray(part) && part.length === 0)
  })
}

/** Whether the text could ring by accident: everybody, or whoever happens to be named in it. Who is listed is meant. */
export function couldPing(body: unknown): boolean {
  const { content, allowed_mentions: allowed } = fieldsOf(body)
  if (typeof content !== 'string' || !/@(everyone|here)|<@[!&]?\d+>/.test(content)) return false
  const { parse, roles } = fieldsOf(allowed)
  const lists = [parse, roles].filter(Array.isArray)
  return allowed === undefined || lists.some(entries => entries.length > 0)
}

/** Whom a message rings for, by ids. */
export function pingsOf(body: unknown): string[] {
  const { content, allowed_mentions: allowed } = fieldsOf(body)
  const { users } = fieldsOf(allowed)
  const named = [...String(content ?? '').matchAll(/<@!?(\d+)>/g)].map(([, id = '']) => id)
  return named.filter(id => Array.isArray(users) && users.includes(id))
}

function embed(value: unknown, at: Flaw['at']): Flaw[] {
  const flaws = object({
    title: text(0, 256),
    description: text(0, 4096),
    url: text(0, 2048),
    timestamp: text(0, 64),
    color: (colour, where) =>
      integer(colour, where).length > 0 || Number(colour) < 0 || Number(colour) > 0xffffff
        ? [{ at: where, code: 'NUMBER_TYPE_MAX', message: 'int value should be less than or equal to 16777215.' }]
        : [],
    fields: list(0, 25, object({ name: text(1, 256), value: text(1, 1024), inline: boolean }, ['name', 'value'])),
    footer: object({ text: text(1, 2048), icon_url: text(0, 2048) }, ['text']),
    author: object({ name: text(1, 256) }, ['name']),
  })(value, at)
  const { title, description, fields, footer, author } = fieldsOf(value)
  const isBare = [title, description, author].every(part => part === undefined || part === '') && footer === undefined
  if (isBare && !(Array.isArray(fields) && fields.length > 0)) {
    flaws.push({ at: [...at, 'description'], code: 'BASE_TYPE_REQUIRED', message: 'This field is required' })
  }
  return flaws
}

function row(value: unknown, at: Flaw['at']): Flaw[] {
  if (fieldsOf(value).type !== 1) {
    const message = 'Value of field "type" must be one of (1, 9, 10, 12, 13, 14, 17).'
    return [{ at: [...at], code: 'UNION_TYPE_CHOICES', message }]
  }
  return object({ type: integer, components: list(1, 5, button) }, ['components'])(value, at)
}

function button(value: unknown, at: Flaw['at']): Flaw[] {
  const { type, style, label, emoji } = fieldsOf(value)
  if (type !== 2)
    return [
      {
        at: [...at, 'type'],
        code: 'UNION_TYPE_CHOICES',
        message: 'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).',
      },
    ]
  if (![1, 2, 3, 4].includes(Number(style))) {
    return [{ at: [...at, 'style'], code: 'BASE_TYPE_CHOICES', message: 'Value must be one of (1, 2, 3, 4, 5, 6).' }]
  }
  const flaws = object(
    { type: integer, style: integer, label: text(0, 80), custom_id: text(1, 100), disabled: boolean, emoji: () => [] },
    ['custom_id'],
  )(value, at)
  if ((label === undefined || label === '') && emoji === undefined) {
    flaws.push({ at, code: 'BUTTON_COMPONENT_MISSING_LABEL', message: 'A button must have a label or an emoji.' })
  }
  return flaws
}

function allowedMentions(value: unknown, at: Flaw['at']): Flaw[] {
  const kind: Check = (entry, where) =>
    ['roles', 'users', 'everyone'].includes(String(entry))
      ? []
      : [{ at: where, code: 'BASE_TYPE_CHOICES', message: "Value must be one of ('everyone', 'roles', 'users')." }]
  const fields = {
    parse: list(0, 3, kind),
    users: list(0, 100, snowflake),
    roles: list(0, 100, snowflake),
    replied_user: boolean,
  }
  return object(fields)(value, at)
}

function object(fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [{ at, code: 'MODEL_TYPE_CONVERT', message: 'Only dictionaries may be used in a ModelType' }]
    }
    const given = fieldsOf(value)
    const missing = required.filter(name => given[name] === undefined)
    return [
      ...missing.map(name => ({ at: [...at, name], code: 'BASE_TYPE_REQUIRED', message: 'This field is required' })),
      ...Object.entries(given).flatMap(([name, inner]) => fields[name]?.(inner, [...at, name]) ?? []),
    ]
  }
}

function list(least: number, most: number, check: Check): Check {
  return (value, at) => {
    if (!Array.isArray(value))
      return [{ at, code: 'LIST_TYPE_CONVERT', message: 'Only iterables may be used in a ListType' }]
    const isBad = value.length < least || value.length > most
    const range = least === 0 ? `${most} or fewer` : `between ${least} and ${most}`
    const length = isBad ? [{ at, code: 'BASE_TYPE_BAD_LENGTH', message: `Must be ${range} in length.` }] : []
    return [...length, ...value.flatMap((entry, index) => check(entry, [...at, index]))]
  }
}

/** White space around it is taken off first; what is counted are characters, not the halves of some. */
function text(least: number, most: number): Check {
  return (value, at) => {
    if (typeof value !== 'string')
      return [{ at, code: 'STRING_TYPE_CONVERT', message: 'Could not interpret value as string.' }]
    const { length } = [...value.trim()]
    if (length > most) return [{ at, code: 'BASE_TYPE_MAX_LENGTH', message: `Must be ${most} or fewer in length.` }]
    return length < least ? [{ at, code: 'BASE_TYPE_REQUIRED', message: 'This field is required' }] : []
  }
}

function boolean(value: unknown, at: Flaw['at']): Flaw[] {
  return typeof value === 'boolean'
    ? []
    : [{ at, code: 'BOOLEAN_TYPE_CONVERT', message: 'Must be either true or false.' }]
}

function integer(value: unknown, at: Flaw['at']): Flaw[] {
  return Number.isInteger(value) ? [] : [{ at, code: 'NUMBER_TYPE_COERCE', message: `Value "${value}" is not int.` }]
}

function snowflake(value: unknown, at: Flaw['at']): Flaw[] {
  return typeof value === 'string' && /^\d{15,20}$/.test(value)
    ? []
    : [{ at, code: 'NUMBER_TYPE_COERCE', message: `Value "${value}" is not snowflake.` }]
}

function sizeOf(embeds: unknown): number {
  if (!Array.isArray(embeds)) return 0
  const parts = embeds.flatMap(one => {
    const { title, description, fields, footer, author } = fieldsOf(one)
    const inFields = Array.isArray(fields) ? fields.flatMap(field => [fieldsOf(field).name, fieldsOf(field).value]) : []
    return [title, description, ...inFields, fieldsOf(footer).text, fieldsOf(author).name]
  })
  return parts.reduce<number>((sum, part) => sum + (typeof part === 'string' ? [...part.trim()].length : 0), 0)
}

function buttonsIn(rows: unknown): unknown[] {
  if (!Array.isArray(rows)) return []
  return rows.flatMap(row => {
    const { components } = fieldsOf(row)
    return Array.isArray(components) ? components.map(entry => fieldsOf(entry).custom_id) : []
  })
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
