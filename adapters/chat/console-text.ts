import type { Block, Message } from '../../bot/message.ts'

export interface LineFormat {
  readonly hasColour: boolean
  /** There is only one chat, so its name says nothing. */
  readonly isOneChat: boolean
  readonly chat: string
  readonly reference: string
}

/** SGR parameters (ECMA-48, 8.3.117). The icon and the words say the same. */
const COLOURS = { info: '36', warning: '33', critical: '31', good: '32' } satisfies Record<Message['tone'], string>
const INDENT = '   '

/** A whole card: the title with the icon first, then the blocks, indented. Ends with a line feed. */
export function cardOf(message: Message, format: LineFormat & { readonly replyTo: string | null }): string {
  const answers = format.replyTo === null ? '' : ` · answers ${plain(format.replyTo)}`
  const blocks = message.blocks.flatMap(block => linesOf(block, format.hasColour))
  if (message.footer !== '') blocks.push(dim(oneLine(message.footer), format.hasColour))
  return [headOf(message, format, answers), ...blocks.map(line => (line === '' ? '' : INDENT + line)), ''].join('\n')
}

/** What an edit changed, in one line: the title as it is now, and the last step. Ends with a line feed. */
export function changeOf(message: Message, format: LineFormat): string {
  const steps = message.blocks.flatMap(block => (block.block === 'steps' ? block.steps : []))
  const last = steps.at(-1)
  const words = last === undefined ? '' : ` · ${oneLine(`${last.offset} ${last.words}`).trim()}`
  return `${headOf(message, format, '', words)}\n`
}

function headOf(
  message: Message,
  { hasColour, isOneChat, chat, reference }: LineFormat,
  end: string,
  more = '',
): string {
  const title = paint(oneLine(message.title), `1;${COLOURS[message.tone]}`, hasColour)
  const tag = `(${isOneChat ? '' : `${oneLine(chat)} · `}${reference}${end})`
  return `${oneLine(message.icon)} ${title}${more}  ${dim(tag, hasColour)}`
}

function linesOf(block: Block, hasColour: boolean): string[] {
  switch (block.block) {
    case 'text':
      return plain(block.text).split('\n')
    case 'facts': {
      const facts = block.facts.map(({ name, value }) => [
        oneLine(name),
        oneLine(typeof value === 'string' ? value : value.text),
      ])
      const width = Math.max(0, ...facts.map(([name = '']) => name.length))
      return facts.map(([name = '', value = '']) => `${dim(name.padEnd(width), hasColour)}  ${value}`)
    }
    case 'steps': {
      const width = Math.max(0, ...block.steps.map(({ offset }) => oneLine(offset).length))
      return block.steps.map(
        ({ offset, words }) => `${dim(oneLine(offset).padStart(width), hasColour)}  ${oneLine(words)}`,
      )
    }
    case 'log': {
      const lines = plain(block.text).split('\n')
      return [`${oneLine(block.title)}:`, ...lines.map(line => `${dim('│', hasColour)} ${line}`)]
    }
  }
}

/**
 * Without control characters, which a terminal obeys, and without those that turn the direction of what follows
 * (Unicode TR9). Line feeds and tabs stay.
 */
function plain(text: string): string {
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '')
}

function oneLine(text: string): string {
  return plain(text).replaceAll(/[\n\t\u2028\u2029]+/g, ' ')
}

function paint(text: string, sgr: string, hasColour: boolean): string {
  return hasColour ? `\u001b[${sgr}m${text}\u001b[0m` : text
}

function dim(text: string, hasColour: boolean): string {
  return paint(text, '2', hasColour)
}
