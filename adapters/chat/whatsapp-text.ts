import type { Block, Message } from '../../bot/message.ts'

/**
 * WhatsApp takes 65,536 characters; more than this nobody reads on a telephone, and it is folded behind "Read more".
 * Counted in UTF-16 units.
 */
export const MOST_LENGTH = 4096

/** White space for every client, and too thin to be seen. */
export const HAIR_SPACE = '\u200a'
/** No width, no space, no mark: what stands behind it does not begin a line. */
export const WORD_JOINER = '\u2060'
/** Looks like a backtick, and marks nothing. */
export const GRAVE_LETTER = '\u02cb'

/** The message as WhatsApp text: the title in bold, then facts and steps as lines, a log as a block of one width. */
export function textOf(message: Message): string {
  const title = inline(unbroken(message.title).trim())
  const parts = [`${message.icon} ${bold(title === '' ? '…' : title)}`, ...message.blocks.map(partOf)]
  if (message.footer !== '') parts.push(oneLine(message.footer))
  return parts.join('\n\n')
}

export function fitsIn(message: Message): boolean {
  return textOf(message).length <= MOST_LENGTH
}

function partOf(block: Block): string {
  switch (block.block) {
    case 'text':
      return plain(block.text)
    case 'facts':
      return block.facts
        .map(({ name, value }) => `${oneLine(name)}: ${oneLine(typeof value === 'string' ? value : value.text)}`)
        .join('\n')
    case 'steps':
      return block.steps
        .map(({ offset, words }) => `${offset === '' ? '…' : oneLine(offset)} ${oneLine(words)}`)
        .join('\n')
    case 'log':
      // Within the block nothing formats; only three backticks in a row end it.
      return [oneLine(block.title), '```', block.text.replaceAll(/`(?=`)/g, `\`${HAIR_SPACE}`), '```'].join('\n')
  }
}

/**
 * Text that formats nothing. WhatsApp's signs (https://faq.whatsapp.com/539178204879377): `*_~` format what stands
 * between two of them without a space at the inner side, backticks what stands between them, and `> `, `- `, `* `, `1. `
 * the line they begin. There is no way to escape, so each of these is made to miss its rule: a mark gets a hair space at
 * each side that has none, a backtick becomes a letter that looks like it, and a line that begins like a list or a quote
 * begins with a word joiner. A single `_` within a word is left alone: it formats nothing, and names are copied. That page gives
 * the signs; what may stand beside them is not published, and is how others read them, too.
 */
export function plain(text: string): string {
  return inline(text).replaceAll(/^(?=\s*(?:[>*+•-]|\d+[.)])(?:\s|$))/gmu, WORD_JOINER)
}

/** The same within a line. */
function inline(text: string): string {
  const signs = [...text.replaceAll('`', GRAVE_LETTER)]
  let out = ''
  for (const [at, sign] of signs.entries()) {
    const [before, after] = [signs[at - 1] ?? ' ', signs[at + 1] ?? ' ']
    const isWithinWord = sign === '_' && WORD.test(before) && WORD.test(after)
    if (!isMark(sign) || isWithinWord) out += sign
    else out += (/\s$/.test(out) || out === '' ? '' : HAIR_SPACE) + sign + (/\s/.test(after) ? '' : HAIR_SPACE)
  }
  return out
}

/** In bold: the outer marks need something that is no space beside them, the inner ones a space. */
function bold(text: string): string {
  const start = isMark(text.at(0)) ? WORD_JOINER + HAIR_SPACE : ''
  const end = isMark(text.at(-1)) ? HAIR_SPACE + WORD_JOINER : ''
  return `*${start}${text}${end}*`
}

const WORD = /[\p{L}\p{N}]/u

function isMark(sign: string | undefined): boolean {
  return sign === '*' || sign === '_' || sign === '~'
}

function oneLine(text: string): string {
  return plain(unbroken(text))
}

function unbroken(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ')
}
