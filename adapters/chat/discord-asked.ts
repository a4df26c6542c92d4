import { fieldsOf, isText } from './discord-payload.ts'

/** Of a command's text: longer than any command there is. */
const MOST_WORDS = 6000
const MOST_OPTIONS = 25
/** Before the id of a button that asks for a code: it is told by its id alone, in the moment it is pressed. */
export const ASKS_CODE = 'c:'
/** The id of the form's only field. */
export const CODE_FIELD = 'code'

/** What somebody did, out of the event INTERACTION_CREATE. */
export interface Asked {
  readonly id: string
  readonly application: string
  /** For answers, for 15 minutes. A secret. */
  readonly token: string
  readonly chat: string
  readonly user: string
  readonly name: string
  /**
   * `command`: a slash command. `button`: its id is `text`. `codeless`: a button that asks for a code. `form`: one that is
   * filled in. `guess`: half a command. `other`: only to be acknowledged.
   */
  readonly kind: 'command' | 'button' | 'codeless' | 'form' | 'guess' | 'other'
  /** Id of the button; of a command, as somebody would type it. */
  readonly text: string
  /** What stands on the button. */
  readonly label: string
  readonly options: { readonly word: string; readonly args: { readonly [name: string]: unknown } } | null
  readonly code: string | null
  /** The option that is being filled in, of half a command. */
  readonly focus: { readonly option: string; readonly begin: string } | null
}

/** Null for what has not the shape of an interaction that somebody waits for. */
export function askedIn(raw: unknown): Asked | null {
  const { id, application_id: application, token, type, channel_id: chat, member, user, data, message } = fieldsOf(raw)
  const person = fieldsOf(fieldsOf(member).user ?? user)
  if (![id, application, token, chat, person.id].every(isText)) return null
  const { custom_id: button, component_type: component, type: command } = fieldsOf(data)
  const names = [fieldsOf(member).nick, person.global_name, person.username, person.id]
  const base = {
    ...{ id: String(id), application: String(application), token: String(token), chat: String(chat) },
    ...{ user: String(person.id), name: String(names.find(isText)) },
    ...{ text: '', label: '', options: null, code: null, focus: null },
  }
  switch (type) {
    case 2:
      if (command !== undefined && command !== 1) return null
      return { ...base, kind: 'command', text: wordsOf(data), options: optionsOf(data) }
    case 3: {
      if (component !== 2 || !isText(button)) return { ...base, kind: 'other' }
      const kind = button.startsWith(ASKS_CODE) ? 'codeless' : 'button'
      return { ...base, kind, text: plainId(button), label: labelIn(message, button) }
    }
    case 4:
      return { ...base, kind: 'guess', options: optionsOf(data), focus: focusIn(data) }
    case 5:
      if (!isText(button)) return { ...base, kind: 'other' }
      return { ...base, kind: 'form', text: plainId(button), code: codeIn(data) }
    default:
      return null
  }
}

function plainId(id: string): string {
  return id.startsWith(ASKS_CODE) ? id.slice(ASKS_CODE.length) : id
}

/** `/name`, then the values of options, as somebody would type it. */
function wordsOf(data: unknown): string {
  const values = optionsIn(data).map(({ type, name, value }) =>
    type === 5 ? (value === true ? `--${name}` : '') : String(value).replaceAll(/\s+/g, ' ').trim(),
  )
  return [`/${fieldsOf(data).name}`, ...values.filter(value => value !== '')].join(' ').slice(0, MOST_WORDS)
}

function optionsOf(data: unknown): Asked['options'] {
  const args = optionsIn(data).map(({ name, value }) => [String(name), value])
  return { word: String(fieldsOf(data).name), args: Object.fromEntries(args) }
}

function optionsIn(data: unknown): Readonly<Record<string, unknown>>[] {
  const { options } = fieldsOf(data)
  return Array.isArray(options) ? options.slice(0, MOST_OPTIONS).map(fieldsOf) : []
}

function focusIn(data: unknown): Asked['focus'] {
  const focused = optionsIn(data).find(({ focused }) => focused === true)
  return focused === undefined ? null : { option: String(focused.name), begin: String(focused.value ?? '') }
}

/** Of the message that the button is on, as Discord sends it along. */
function labelIn(message: unknown, button: string): string {
  const rows = fieldsOf(message).components
  const parts = (Array.isArray(rows) ? rows : []).flatMap(row => {
    const { components } = fieldsOf(row)
    return Array.isArray(components) ? components.map(fieldsOf) : []
  })
  const label = parts.find(part => part.custom_id === button)?.label
  return isText(label) ? label : ''
}

function codeIn(data: unknown): string {
  const rows = fieldsOf(data).components
  for (const row of Array.isArray(rows) ? rows : []) {
    const { components, component } = fieldsOf(row)
    for (const field of Array.isArray(components) ? components : [component]) {
      const { custom_id: id, value } = fieldsOf(field)
      if (id === CODE_FIELD && typeof value === 'string') return value.trim()
    }
  }
  return ''
}
