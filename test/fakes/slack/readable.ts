// What a person sees of a message: mrkdwn is carried out, entities are resolved, marks are gone. What would ping
// somebody, become a link or an emoji is noted, for text that comes from a service must do none of these.

export interface Readable {
  text: string
  /** Whom it calls: `@channel`, `@U01`. */
  pings: string[]
  links: string[]
  /** Ids of buttons, in order, and what stands on them. */
  buttons: string[]
  labels: string[]
}

type Thing = Record<string, unknown>

/** Blocks are shown in place of the text, which is then only for notifications. */
export function readableOf(text: string, blocks: readonly unknown[]): Readable {
  const seen: Readable = { text: '', pings: [], links: [], buttons: [], labels: [] }
  const lines = blocks.length === 0 ? [mrkdwn(text, false, seen)] : blocks.map(block => blockText(block as Thing, seen))
  seen.text = lines.join('\n')
  return seen
}

function blockText(block: Thing, seen: Readable): string {
  if (block.type === 'header') return textObject(block.text, seen)
  if (block.type === 'section')
    return [block.text, ...things(block.fields)].map(one => textObject(one, seen)).join('\n')
  if (block.type === 'context')
    return things(block.elements)
      .map(one => textObject(one, seen))
      .join(' ')
  if (block.type === 'rich_text')
    return things(block.elements)
      .map(one => rich(one, seen))
      .join('\n')
  if (block.type !== 'actions') return ''
  return things(block.elements)
    .map(button => {
      seen.buttons.push(String(button.action_id ?? ''))
      const label = textObject(button.text, seen)
      seen.labels.push(label)
      return `[${label}]`
    })
    .join(' ')
}

function textObject(value: unknown, seen: Readable): string {
  const { type, text, emoji = true, verbatim = false } = (value ?? { text: '' }) as Thing
  if (type === 'mrkdwn') return mrkdwn(String(text), verbatim === true, seen)
  return plainOf(emoji === true ? emojis(String(text)) : String(text))
}

/** Rich text is shown as it is: there is no mrkdwn and no entity in it. */
function rich(element: Thing, seen: Readable): string {
  if (element.type === 'text') return String(element.text)
  if (element.type === 'link') {
    seen.links.push(String(element.url))
    return String(element.text ?? element.url)
  }
  if (element.type === 'broadcast' || element.type === 'user') {
    seen.pings.push(`@${element.range ?? element.user_id}`)
    return `@${element.range ?? element.user_id}`
  }
  if (element.type === 'date') return String(element.fallback ?? element.timestamp)
  const glue = element.type === 'rich_text_list' ? '\n' : ''
  return things(element.elements)
    .map(one => rich(one, seen))
    .join(glue)
}

/** https://docs.slack.dev/messaging/formatting-message-text */
function mrkdwn(text: string, isVerbatim: boolean, seen: Readable): string {
  const special = text.replace(/<([^<>]*)>/g, (_, inside: string) => {
    const [target = '', label] = inside.split('|')
    if (/^!date\^\d+\^[^|]+$/.test(target)) return label ?? inside
    if (target.startsWith('!') || target.startsWith('@')) {
      seen.pings.push(`@${target.replace(/^[!@]/, '')}`)
      return label ?? `@${target.slice(1)}`
    }
    if (target.startsWith('#')) return label ?? target
    seen.links.push(target)
    return label ?? target
  })
  if (!isVerbatim) for (const [url] of special.matchAll(/https?:\/\/[^\s|]+/g)) seen.links.push(url)
  const marked = special
    .replace(/```([^`]+)```|`([^`\n]+)`/g, (_, block, code) => block ?? code)
    .replace(/(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])/g, '$1')
    .replace(/(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])/g, '$1')
    .replace(/(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])/g, '$1')
    .replace(/^(&gt;|>)\s?/gm, '')
  return plainOf(emojis(marked))
}

function emojis(text: string): string {
  return text.replace(/:(?!\d\d?:)[\w+'-]+:/g, '(emoji)')
}

function plainOf(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

function things(value: unknown): Thing[] {
  return Array.isArray(value) ? value : []
}
