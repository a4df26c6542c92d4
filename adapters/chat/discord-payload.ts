import type { Block, Fact, Message } from '../../bot/message.ts'

// Limits of embeds, components and messages: Discord's documentation, "Embed Limits", "Button" and "Create Message".
// It does not say what a character is; UTF-16 units are never fewer than what it counts.
const MOST_TITLE = 256
const MOST_DESCRIPTION = 4096
const MOST_FIELDS = 25
const MOST_FIELD_NAME = 256
const MOST_FIELD_VALUE = 1024
const MOST_FOOTER = 2048
/** Title, description, fields and footer together. */
const MOST_EMBED = 6000
const MOST_ROWS = 5
const MOST_IN_ROW = 5
const MOST_LABEL = 80
const MOST_BUTTON_ID = 100
/** Of a command's text: longer than any command there is. */
const MOST_WORDS = 2000

const COLOURS = { info: 0x3498db, warning: 0xf1a10f, critical: 0xe0393e, good: 0x2ecc71 } as const satisfies Record<
  Message['tone'],
  number
>
const STYLES = { plain: 2, primary: 1, danger: 4 } as const

/** Shown as nothing, where Discord wants at least one character. */
const NOTHING = '\u200b'

/** What a message is on Discord, as bodies of "Create Message", "Edit Message" and answers to interactions hold it. */
export interface Body {
  readonly embeds: readonly [Embed]
  /** Present also when there are none, or an edit would leave the old ones. */
  readonly components: readonly { readonly type: 1; readonly components: readonly ButtonComponent[] }[]
  /** Nothing in it may ping anybody. An edit without it goes by the defaults, which ping. */
  readonly allowed_mentions: { readonly parse: readonly [] }
}

interface Embed {
  readonly title: string
  readonly color: number
  readonly description?: string
  readonly fields?: readonly { readonly name: string; readonly value: string; readonly inline: true }[]
  readonly footer?: { readonly text: string }
}

interface ButtonComponent {
  readonly type: 2
  readonly style: 1 | 2 | 4
  readonly label: string
  readonly custom_id: string
}

export function bodyOf(message: Message): Body {
  const description = message.blocks
    .map(descriptionOf)
    .filter(text => text.trim() !== '')
    .join('\n\n')
  const facts = message.blocks.flatMap(block => (block.block === 'facts' ? block.facts : []))
  return {
    embeds: [
      {
        title: someOf(escaped(`${message.icon} ${message.title}`)),
        color: COLOURS[message.tone],
        ...(description === '' ? {} : { description }),
        ...(facts.length === 0 ? {} : { fields: facts.map(fieldOf) }),
        // The footer is shown without looking for marks in it.
        ...(message.footer.trim() === '' ? {} : { footer: { text: message.footer } }),
      },
    ],
    components: message.buttons
      .filter(row => row.length > 0)
      .map(row => ({
        type: 1,
        components: row.map(({ id, label, style }) => ({
          type: 2,
          style: STYLES[style],
          label: someOf(label),
          custom_id: id,
        })),
      })),
    allowed_mentions: { parse: [] },
  }
}

export function fits(message: Message): boolean {
  const { embeds, components } = bodyOf(message)
  const [{ title, description = '', fields = [], footer = { text: '' } }] = embeds
  const buttons = components.flatMap(row => row.components)
  const inAll = [title, description, footer.text, ...fields.flatMap(({ name, value }) => [name, value])].join('').length
  return (
    title.length <= MOST_TITLE &&
    description.length <= MOST_DESCRIPTION &&
    footer.text.length <= MOST_FOOTER &&
    fields.length <= MOST_FIELDS &&
    fields.every(({ name, value }) => name.length <= MOST_FIELD_NAME && value.length <= MOST_FIELD_VALUE) &&
    inAll <= MOST_EMBED &&
    components.length <= MOST_ROWS &&
    components.every(row => row.components.length <= MOST_IN_ROW) &&
    buttons.every(
      ({ label, custom_id: id }) => label.length <= MOST_LABEL && id !== '' && id.length <= MOST_BUTTON_ID,
    ) &&
    new Set(buttons.map(button => button.custom_id)).size === buttons.length
  )
}

/** The part of the embed's description that a block becomes; '' for facts, which become fields. */
function descriptionOf(block: Block): string {
  switch (block.block) {
    case 'text':
      return escaped(block.text)
    case 'facts':
      return ''
    case 'steps':
      return block.steps
        .map(({ offset, words }) => (offset === '' ? escaped(words) : `**${escaped(offset)}** ${escaped(words)}`))
        .join('\n')
    case 'log':
      return `${block.title === '' ? '' : `**${escaped(block.title)}**\n`}${fenced(block.text)}`
  }
}

function fieldOf({ name, value }: Fact): { name: string; value: string; inline: true } {
  if (typeof value === 'string') return { name: someOf(escaped(name)), value: someOf(escaped(value)), inline: true }
  const seconds = Math.floor(value.atMs / 1000)
  return { name: someOf(escaped(name)), value: `<t:${seconds}:f> (<t:${seconds}:R>)`, inline: true }
}

function someOf(text: string): string {
  return text.trim() === '' ? NOTHING : text
}

/**
 * Text that Discord's Markdown shows as it is. A backslash before any ASCII punctuation shows the character itself, but
 * not inside an address, which would show the backslash too: so addresses are made none, by their `:`. `<` begins
 * mentions, moments and custom emoji; `>`, `#`, `-`, `+` and `1.` mean something at the start of a line only.
 */
export function escaped(text: string): string {
  return text
    .replaceAll(/[\\*_~`|<[\]@]|:(?=\/\/)/g, String.raw`\$&`)
    .replaceAll(/^(\s*)([>#+-])/gm, String.raw`$1\$2`)
    .replaceAll(/^(\s*\d+)([.)])/gm, String.raw`$1\$2`)
}

/** A code block: nothing in it means anything but three backticks, which get something invisible in between. */
function fenced(text: string): string {
  if (text.trim() === '') return ''
  return `\`\`\`\n${text.replaceAll(/`(?=`)/g, `\`${NOTHING}`)}\n\`\`\``
}

/** What somebody did, out of the event INTERACTION_CREATE. */
export interface Asked {
  readonly id: string
  readonly application: string
  /** For answers, for 15 minutes. A secret. */
  readonly token: string
  readonly chat: string
  readonly user: string
  readonly name: string
  /** `command`: what was written. `button`: its id. `other`: only to be acknowledged. `guess`: half a command. */
  readonly kind: 'command' | 'button' | 'other' | 'guess'
  readonly text: string
}

/** Null for what has not the shape of an interaction that somebody waits for. */
export function askedIn(raw: unknown): Asked | null {
  const { id, application_id: application, token, type, channel_id: chat, member, user, data } = fieldsOf(raw)
  const person = fieldsOf(fieldsOf(member).user ?? user)
  if (![id, application, token, chat, person.id].every(isText)) return null
  const { custom_id: button, component_type: component, type: command } = fieldsOf(data)
  const names = [fieldsOf(member).nick, person.global_name, person.username, person.id]
  const base = {
    ...{ id: String(id), application: String(application), token: String(token), chat: String(chat) },
    ...{ user: String(person.id), name: String(names.find(isText)) },
  }
  if (type === 2 && (command === undefined || command === 1)) return { ...base, kind: 'command', text: wordsOf(data) }
  if (type === 3 && component === 2 && isText(button)) return { ...base, kind: 'button', text: button }
  if (type === 4) return { ...base, kind: 'guess', text: '' }
  return type === 3 ? { ...base, kind: 'other', text: '' } : null
}

/** `/name`, then the names of subcommands and the values of options, as somebody would type it. */
function wordsOf(data: unknown): string {
  const words: string[] = [`/${fieldsOf(data).name}`]
  const take = (options: unknown, depth: number) => {
    if (!Array.isArray(options) || depth > 2) return
    for (const option of options.slice(0, MOST_FIELDS)) {
      const { type, name, value, options: inner } = fieldsOf(option)
      if (type === 1 || type === 2) {
        words.push(String(name))
        take(inner, depth + 1)
      } else if (type === 5) {
        if (value === true) words.push(`--${name}`)
      } else words.push(String(value).replaceAll(/\s+/g, ' ').trim())
    }
  }
  take(fieldsOf(data).options, 0)
  return words.join(' ').slice(0, MOST_WORDS)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** The fields of an object, none for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
