import type { types } from '@slack/bolt'
import type { Block, Button, Called, Fact, Message, TimedStep } from '../../bot/message.ts'

type SlackBlock = types.KnownBlock
type PlainText = types.PlainTextElement
type RichBlock = types.RichTextBlock

/** What `chat.postMessage`, `chat.update` and a response URL take alike. */
export interface Payload {
  /** For notifications and screen readers; what the channel shows are the blocks. */
  readonly text: string
  readonly blocks: SlackBlock[]
}

// https://docs.slack.dev/reference/block-kit/blocks, in characters or items.
const MOST_BLOCKS = 50
const MOST_HEADER = 150
const MOST_TEXT = 3000
const MOST_FIELDS = 10
const MOST_FIELD = 2000
const MOST_ELEMENTS = 25
const MOST_LABEL = 75
const MOST_ACTION_ID = 255
/**
 * Of all blocks together, as JSON: over it is `msg_blocks_too_long`. Not documented; measured by users
 * (github.com/slackapi/bolt-js issues 2509 and 2867, where the text alone was far less than what was refused).
 */
const MOST_JSON = 13_200

/** Before the id of a button that asks for a code: whether a form has to be shown is told by the id alone. */
export const ASKS_CODE = 'c:'

/** A card as Block Kit. Nothing in it can ping, link or format unless it is meant to; nothing is cut. */
export function payloadOf(message: Message): Payload {
  const title = `${message.icon} ${message.title}`
  const footer = message.footer === '' ? [] : [{ type: 'context' as const, elements: [plain(message.footer)] }]
  return {
    text: escaped(title),
    blocks: [
      ...callsOf(message.calls ?? []),
      { type: 'header', text: plain(title) },
      ...message.blocks.flatMap(blocksOf),
      ...footer,
      ...message.buttons.filter(row => row.length > 0).map(rowOf),
    ],
  }
}

/** Whether Slack takes it, as far as its limits are known. */
export function fitsSlack(message: Message): boolean {
  const { blocks } = payloadOf(message)
  return blocks.length <= MOST_BLOCKS && blocks.every(fits) && JSON.stringify(blocks).length <= MOST_JSON
}

function fits(block: SlackBlock): boolean {
  if (block.type === 'header') return block.text.text.length <= MOST_HEADER
  if (block.type === 'context') return block.elements.every(part => !('text' in part) || part.text.length <= MOST_TEXT)
  if (block.type === 'section') {
    const fields = block.fields ?? []
    return fields.length <= MOST_FIELDS && fields.every(({ text }) => text.length <= MOST_FIELD)
  }
  if (block.type !== 'actions') return true
  return (
    block.elements.length <= MOST_ELEMENTS &&
    block.elements.every(
      part =>
        part.type === 'button' &&
        part.text.text.length <= MOST_LABEL &&
        (part.action_id ?? '').length <= MOST_ACTION_ID,
    )
  )
}

/** People are called by elements of rich text: there is no text that would do it by accident. */
function callsOf(calls: readonly Called[]): SlackBlock[] {
  if (calls.length === 0) return []
  const elements = calls.flatMap(({ name, id }, at): types.RichTextSection['elements'] => {
    const comma = at === 0 ? [] : [literal(', ')]
    return [...comma, id !== null && /^[UW][A-Z0-9]{2,}$/.test(id) ? { type: 'user', user_id: id } : literal(name)]
  })
  return [rich([section(elements)])]
}

function blocksOf(block: Block): SlackBlock[] {
  if (block.block === 'text') return block.text === '' ? [] : [rich([section([literal(block.text)])])]
  if (block.block === 'facts') {
    return block.facts.length === 0 ? [] : [{ type: 'section', fields: block.facts.map(fieldOf) }]
  }
  if (block.block === 'steps') return block.steps.length === 0 ? [] : [rich([stepsOf(block.steps)])]
  const title = block.title === '' ? [] : [section([{ ...literal(block.title), style: { bold: true } }])]
  const log = block.text === '' ? [] : [{ type: 'rich_text_preformatted' as const, elements: [literal(block.text)] }]
  return title.length + log.length === 0 ? [] : [rich([...title, ...log])]
}

/** Text in rich text is shown as it is: nothing in it is read as mrkdwn, mention or entity. */
function literal(text: string): types.RichTextText {
  return { type: 'text', text }
}

function rich(elements: RichBlock['elements']): RichBlock {
  return { type: 'rich_text', elements }
}

function section(elements: types.RichTextSection['elements']): types.RichTextSection {
  return { type: 'rich_text_section', elements }
}

function stepsOf(steps: readonly TimedStep[]): types.RichTextList {
  return {
    type: 'rich_text_list',
    style: 'bullet',
    elements: steps.map(({ offset, words }) =>
      offset === ''
        ? section([{ ...literal(words === '' ? '…' : words), style: { italic: true } }])
        : section([{ ...literal(offset), style: { code: true } }, literal(` ${words}`)]),
    ),
  }
}

/**
 * Fields have no rich text, and mrkdwn has no escape for its own marks. So what holds any of them is a plain field, with
 * its name not bold; all else is mrkdwn.
 */
function fieldOf({ name, value }: Fact): PlainText | types.MrkdwnElement {
  const text = typeof value === 'string' ? value : value.text
  if (isMarked(name) || isMarked(text)) return plain(`${name}\n${text}`)
  return mrkdwn(`*${escaped(name)}*\n${typeof value === 'string' ? escaped(text) : moment(value.atMs, text)}`)
}

/** `*bold*`, `_italic_`, `~struck~`, code, `:emoji:`, and a quote at the start of a line. */
function isMarked(text: string): boolean {
  return /[*_~`]|:(?!\d\d?:)[\w+'-]+:|^\s*>/m.test(text)
}

/** Shown in the reader's own time zone: https://docs.slack.dev/messaging/formatting-message-text#date-formatting. */
function moment(atMs: number, text: string): string {
  return `<!date^${Math.floor(atMs / 1000)}^{date_short_pretty} {time_secs}|${escaped(text).replaceAll('|', '/')}>`
}

/** `verbatim`: addresses and `@names` in it stay text. */
function mrkdwn(text: string): types.MrkdwnElement {
  return { type: 'mrkdwn', text, verbatim: true }
}

/** `emoji: false`: `:words:` stay as they are; emoji themselves are shown all the same. */
function plain(text: string): PlainText {
  return { type: 'plain_text', text: escaped(text), emoji: false }
}

/** The three characters that Slack reads as its own, in plain text too. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function rowOf(row: readonly Button[]): types.ActionsBlock {
  return {
    type: 'actions',
    elements: row.map(({ id, label, style, asksCode }) => ({
      type: 'button',
      action_id: asksCode === true ? `${ASKS_CODE}${id}` : id,
      value: id,
      text: { type: 'plain_text', text: escaped(label), emoji: false },
      ...(style === 'plain' ? {} : { style }),
    })),
  }
}
