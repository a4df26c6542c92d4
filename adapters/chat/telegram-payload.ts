import type { Window } from '../../bot/channel.ts'
import type { Block, Button, Called, Fact, Message } from '../../bot/message.ts'

/** Of one message, in UTF-16 code units, counted after the marks are taken out: core.telegram.org/bots/api#sendmessage. */
export const MOST_UNITS = 4096
/** Of the text with its marks, as it is sent: the Bot API server answers "text is too long" beyond (its Client.cpp). */
const MOST_BYTES = 32_768
/** `callback_data`: core.telegram.org/bots/api#inlinekeyboardbutton. */
const MOST_BUTTON_BYTES = 64
/** Of one keyboard, and in one row of it; more than that is refused as `BUTTON_…_INVALID`, or not shown. */
const MOST_BUTTONS = 100
const MOST_IN_A_ROW = 8
/** Moments are sent as 32-bit seconds. */
const LAST_SECOND = 2 ** 31 - 1

export interface Payload {
  readonly html: string
  /** Length of what people see, in UTF-16 code units. */
  readonly units: number
  readonly keyboard: TelegramButton[][]
}

export interface TelegramButton {
  readonly text: string
  readonly callback_data: string
  readonly style?: 'primary' | 'danger'
}

interface Page {
  html: string
  units: number
}

/** A message in Telegram's HTML: core.telegram.org/bots/api#html-style. Everything but our own tags is escaped. */
export function payloadOf(message: Message): Payload {
  const page: Page = { html: '', units: 0 }
  writeCalls(page, message.calls ?? [])
  write(page, message.icon === '' ? '' : `${message.icon} `)
  within(page, 'b', message.title)
  for (const block of message.blocks) {
    write(page, '\n\n')
    writeBlock(page, block)
  }
  if (message.footer !== '') {
    write(page, '\n\n')
    within(page, 'i', message.footer)
  }
  const keyboard = message.buttons.filter(row => row.length > 0).map(row => row.map(buttonOf))
  return { ...page, keyboard }
}

/** Whether Telegram takes the message as it is. It cuts blanks at both ends first, which is not counted on here. */
export function fitsTelegram(message: Message): boolean {
  if (unitsAtLeast(message) > MOST_UNITS) return false
  const { html, units, keyboard } = payloadOf(message)
  if (units > MOST_UNITS || Buffer.byteLength(html) > MOST_BYTES) return false
  if (message.title.trim() === '' && message.icon === '' && message.blocks.length === 0) return false
  const buttons = keyboard.flat()
  if (buttons.length > MOST_BUTTONS || keyboard.some(row => row.length > MOST_IN_A_ROW)) return false
  return buttons.every(({ text, callback_data: id }) => {
    const bytes = Buffer.byteLength(id)
    return bytes >= 1 && bytes <= MOST_BUTTON_BYTES && text.trim() !== ''
  })
}

/** core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this. Groups and channels have other ids than people. */
export function pace(chat: string): readonly Window[] {
  return [
    { count: 1, perMs: 1000, over: 'chat' },
    ...(/^[-@]/.test(chat) ? [{ count: 20, perMs: 60_000, over: 'chat' } as const] : []),
    { count: 30, perMs: 1000, over: 'all' },
  ]
}

/** The number of a message from its reference; null: it is none of Telegram's. */
export function messageIdOf(reference: string): number | null {
  return /^[1-9]\d{0,9}$/.test(reference) ? Number(reference) : null
}

/** A quick look, so that a huge text is refused before it is escaped. */
function unitsAtLeast({ title, blocks, footer }: Message): number {
  let units = title.length + footer.length
  for (const block of blocks) {
    if (block.block === 'text' || block.block === 'log') units += block.text.length
    else if (block.block === 'steps') for (const { offset, words } of block.steps) units += offset.length + words.length
    else for (const { name, value } of block.facts) units += name.length + (isText(value) ? value : value.text).length
  }
  return units
}

/** Names with a link to the person make a sound for them, whatever they are called: …/bots/api#html-style, "inline mention". */
function writeCalls(page: Page, calls: readonly Called[]): void {
  for (const [at, { name, id }] of calls.entries()) {
    if (at > 0) write(page, ', ')
    if (id !== null && /^\d{1,20}$/.test(id)) within(page, 'a', name, ` href="tg://user?id=${id}"`)
    else write(page, name)
  }
  if (calls.length > 0) write(page, '\n')
}

function writeBlock(page: Page, block: Block): void {
  switch (block.block) {
    case 'text':
      write(page, block.text)
      return
    case 'facts':
      block.facts.forEach(({ name, value }, index) => {
        write(page, index === 0 ? '' : '\n')
        within(page, 'b', `${name}:`)
        write(page, ' ')
        if (isText(value)) write(page, value)
        else writeMoment(page, value.atMs, value.text)
      })
      return
    case 'steps': {
      // Collapsed after a few lines; a quotation may hold bold text, but no other quotation.
      const lines = block.steps.map(({ offset, words }) => (offset === '' ? `… ${words}` : `${offset}  ${words}`))
      within(page, 'blockquote', lines.join('\n'), ' expandable')
      return
    }
    case 'log':
      if (block.title !== '') {
        within(page, 'b', block.title)
        write(page, '\n')
      }
      within(page, 'pre', block.text)
  }
}

/** Shown in the reader's own time zone and language: core.telegram.org/bots/api#date-time-entity-formatting. */
function writeMoment(page: Page, atMs: number, text: string): void {
  const second = Math.floor(atMs / 1000)
  if (second > 0 && second <= LAST_SECOND) within(page, 'tg-time', text, ` unix="${second}" format="dT"`)
  else write(page, text)
}

/** An empty tag would be taken, but stands for nothing. */
function within(page: Page, tag: string, text: string, attributes = ''): void {
  if (text === '') return
  page.html += `<${tag}${attributes}>`
  write(page, text)
  page.html += `</${tag}>`
}

function write(page: Page, text: string): void {
  page.html += text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  page.units += text.length
}

function isText(value: Fact['value']): value is string {
  return typeof value === 'string'
}

function buttonOf({ id, label, style }: Button): TelegramButton {
  return { text: label, callback_data: id, ...(style === 'plain' ? {} : { style }) }
}
