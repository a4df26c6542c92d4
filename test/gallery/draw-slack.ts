import { button, element, escaped, fieldsOf, listOf, momentText, textIn } from './mark.ts'

type Part = Readonly<Record<string, unknown>>

/** Block Kit, as far as cards use it; without blocks, the text. */
export function drawSlack({ text, blocks }: { readonly text: string; readonly blocks: readonly unknown[] }): string {
  if (blocks.length === 0) return element('div', 'block', mrkdwn(text))
  return blocks.map(block => drawBlock(fieldsOf(block))).join('')
}

function drawBlock(block: Part): string {
  switch (block.type) {
    case 'header':
      return element('div', 'block header', textObject(block.text))
    case 'section': {
      const fields = listOf(block.fields).map(field => element('div', 'field', textObject(field)))
      const text = block.text === undefined ? '' : textObject(block.text)
      return element('div', 'block', text, fields.length === 0 ? '' : element('div', 'fields', ...fields))
    }
    case 'context':
      return element('div', 'block context', ...listOf(block.elements).map(textObject))
    case 'actions':
      return element('div', 'block row', ...listOf(block.elements).map(part => drawButton(fieldsOf(part))))
    case 'rich_text':
      return element('div', 'block', ...listOf(block.elements).map(part => drawRich(fieldsOf(part))))
    default:
      return element('div', 'block', escaped(`(${String(block.type)})`))
  }
}

function drawButton({ action_id: id, text, style }: Part): string {
  return button(textIn(id), textIn(fieldsOf(text).text), textIn(style))
}

function drawRich(part: Part): string {
  const inside = listOf(part.elements).map(one => drawRich(fieldsOf(one)))
  switch (part.type) {
    case 'rich_text_section':
      return element('div', 'section', ...inside)
    case 'rich_text_preformatted':
      return element('pre', '', ...inside)
    case 'rich_text_list':
      return element('ul', '', ...inside.map(item => element('li', '', item)))
    case 'user':
      return element('b', '', escaped(`@${textIn(part.user_id)}`))
    default: {
      const { bold, italic, code } = fieldsOf(part.style)
      const tag = code === true ? 'code' : bold === true ? 'b' : italic === true ? 'i' : 'span'
      return element(tag, '', escaped(textIn(part.text)))
    }
  }
}

function textObject(value: unknown): string {
  const { type, text } = fieldsOf(value)
  return type === 'mrkdwn' ? mrkdwn(textIn(text)) : escaped(unescaped(textIn(text)))
}

/** Bold and moments, which is all that cards use; nothing else in angle brackets is shown as it stands. */
function mrkdwn(text: string): string {
  return text
    .split(/(\*[^*\n]+\*|<!date\^\d+\^[^|>]*\|[^>]*>)/)
    .map(part => {
      const seconds = /^<!date\^(\d+)\^/.exec(part)?.[1]
      if (seconds !== undefined)
        return element('time', '', escaped(momentText(Number(seconds), { dateStyle: 'medium', timeStyle: 'medium' })))
      return /^\*.+\*$/.test(part) ? element('b', '', escaped(unescaped(part.slice(1, -1)))) : escaped(unescaped(part))
    })
    .join('')
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
