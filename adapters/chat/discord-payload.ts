import type { Block, Called, Fact, Message } from '../../bot/message.ts'

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
const MOST_CONTENT = 2000
/** "allowed_mentions": at most 100 users. */
const MOST_CALLED = 50

const COLOURS = { info: 0x3498db, warning: 0xf1a10f, critical: 0xe0393e, good: 0x2ecc71 } as const satisfies Record<
  Message['tone'],
  number
>
const STYLES = { plain: 2, primary: 1, danger: 4 } as const

/** Shown as nothing, where Discord wants at least one character. */
const NOTHING = '\u200b'

/** What a message is on Discord, as bodies of "Create Message", "Edit Message" and answers to interactions hold it. */
export interface Body {
  /** Who is called stands here: in embeds nobody hears of it. */
  readonly content?: string
  readonly embeds: readonly [Embed]
  /** Present also when there are none, or an edit would leave the old ones. */
  readonly components: readonly { readonly type: 1; readonly components: readonly ButtonComponent[] }[]
  /** Nothing in it may ping anybody but who is called. An edit without it goes by the defaults, which ping. */
  readonly allowed_mentions: { readonly parse: readonly []; readonly users?: readonly string[] }
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
  const calls = (message.calls ?? []).slice(0, MOST_CALLED)
  const called = calls.flatMap(({ id }) => (isUser(id) ? [id] : []))
  return {
    ...(calls.length === 0 ? {} : { content: calls.map(mentionOf).join(', ') }),
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
        components: row.map(({ id, label, style, asksCode }) => ({
          type: 2,
          style: STYLES[style],
          label: someOf(label),
          custom_id: asksCode === true ? `c:${id}` : id,
        })),
      })),
    allowed_mentions: { parse: [], ...(called.length === 0 ? {} : { users: [...new Set(called)] }) },
  }
}

function isUser(id: string | null): id is string {
  return id !== null && /^\d{1,20}$/.test(id)
}

function mentionOf({ name, id }: Called): string {
  return isUser(id) ? `<@${id}>` : escaped(name)
}

export function fits(message: Message): boolean {
  const { embeds, components, content = '' } = bodyOf(message)
  const [{ title, description = '', fields = [], footer = { text: '' } }] = embeds
  const buttons = components.flatMap(row => row.components)
  const inAll = [title, description, footer.text, ...fields.flatMap(({ name, value }) => [name, value])].join('').length
  return (
    content.length <= MOST_CONTENT &&
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

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** The fields of an object, none for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
