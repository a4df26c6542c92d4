import type { Entity } from '../fakes/telegram/html.ts'
import { button, element, escaped, momentText } from './mark.ts'

/** A message as Telegram keeps it: text with entities, and the keyboard below it. */
export interface TelegramMessage {
  readonly text: string
  readonly entities: readonly Entity[]
  readonly keyboard: readonly (readonly { readonly text: string; readonly callback_data: string }[])[]
}

const TAGS: Readonly<Record<string, string>> = {
  ...{ bold: 'b', italic: 'i', underline: 'u', strikethrough: 's', code: 'code', pre: 'pre' },
  ...{ blockquote: 'blockquote', expandable_blockquote: 'blockquote', date_time: 'time', text_link: 'u' },
}

export function drawTelegram({ text, entities, keyboard }: TelegramMessage): string {
  const rows = keyboard.map(row =>
    element('div', 'row', ...row.map(({ text: label, callback_data: id }) => button(id, label))),
  )
  return element('div', 'text', within(text, entities, 0, text.length)) + rows.join('')
}

/** Entities come outer ones first, and never overlap in part. */
function within(text: string, entities: readonly Entity[], from: number, to: number): string {
  let html = ''
  let at = from
  for (const [index, entity] of entities.entries()) {
    const end = entity.offset + entity.length
    if (entity.offset < at || end > to) continue
    const inner = entities
      .slice(index + 1)
      .filter(({ offset, length }) => offset >= entity.offset && offset + length <= end)
    html += escaped(text.slice(at, entity.offset))
    html += element(TAGS[entity.type] ?? 'span', '', shown(text, entity, inner, end))
    at = end
  }
  return html + escaped(text.slice(at, to))
}

function shown(
  text: string,
  { type, offset, unix_time: seconds }: Entity,
  inner: readonly Entity[],
  end: number,
): string {
  if (type !== 'date_time' || seconds === undefined) return within(text, inner, offset, end)
  return escaped(momentText(seconds, { dateStyle: 'medium', timeStyle: 'medium' }))
}
