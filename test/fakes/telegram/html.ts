/** A stretch of a text that is shown in another way; offset and length in UTF-16 code units. */
export interface Entity {
  readonly type: string
  readonly offset: number
  readonly length: number
  readonly url?: string
  readonly unix_time?: number
  /** Who is called, of a `text_mention`. */
  readonly user?: number
}

export interface Parsed {
  readonly text: string
  readonly entities: readonly Entity[]
  /** Marks that the real server takes, and then drops or changes without a word. */
  readonly dropped: readonly string[]
}

/** Tag → entity, as in core.telegram.org/bots/api#html-style. */
const TYPES: Readonly<Record<string, string>> = {
  ...{ b: 'bold', strong: 'bold', i: 'italic', em: 'italic', u: 'underline', ins: 'underline' },
  ...{ s: 'strikethrough', strike: 'strikethrough', del: 'strikethrough' },
  ...{ span: 'spoiler', 'tg-spoiler': 'spoiler', a: 'text_link', 'tg-emoji': 'custom_emoji', 'tg-time': 'date_time' },
  ...{ code: 'code', pre: 'pre', blockquote: 'blockquote' },
}
/** "All numerical HTML entities are supported", and these names. */
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' }
/** "messages can have at most 100": more are dropped. */
const MOST_ENTITIES = 100

interface Open {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly at: number
}

/** Thrown with the words that follow "Bad Request: can't parse entities: ". */
export class EntityError extends Error {}

/** Telegram's HTML, with the errors of the real server (tdlib's parse_html) and their byte offsets. */
export function parseHtml(html: string): Parsed {
  const entities: Entity[] = []
  const open: Open[] = []
  const dropped: string[] = []
  let text = ''
  let at = 0
  while (at < html.length) {
    const char = html[at] ?? ''
    if (char === '&') {
      const [decoded, after] = decode(html, at)
      text += decoded
      at = after
    } else if (char !== '<') {
      text += char
      at += 1
    } else if (html[at + 1] === '/') {
      const { end, name } = endTag(html, at)
      const started = open.at(-1)
      if (started === undefined) throw new EntityError(`Unexpected end tag at byte offset ${bytesTo(html, at)}`)
      if (name !== '' && name !== started.tag) {
        throw new EntityError(
          `Unmatched end tag at byte offset ${bytesTo(html, at)}, expected "</${started.tag}>", found "</${name}>"`,
        )
      }
      open.pop()
      const wrong = nesting(started.tag, open)
      if (wrong !== null) dropped.push(wrong)
      const entity = entityOf(started, text)
      if (entity !== null) entities.push(entity)
      at = end
    } else {
      const started = startTag(html, at)
      open.push({ tag: started.tag, attributes: started.attributes, at: text.length })
      at = started.end
    }
  }
  const left = open.at(-1)
  if (left !== undefined) throw new EntityError(`Can't find end tag corresponding to start tag "${left.tag}"`)
  if (!text.isWellFormed()) {
    throw new EntityError(
      'Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units',
    )
  }
  entities.sort((a, b) => a.offset - b.offset || b.length - a.length)
  if (entities.length > MOST_ENTITIES) dropped.push(`${entities.length} entities, of which ${MOST_ENTITIES} are kept`)
  return { text, entities: entities.slice(0, MOST_ENTITIES), dropped }
}

/** A character reference; what is none stays as it is. */
function decode(html: string, at: number): [string, number] {
  const found = /^&(?:#x([0-9a-fA-F]+)|#(\d+)|([a-zA-Z]+));?/.exec(html.slice(at, at + 12))
  if (found === null) return ['&', at + 1]
  const [whole, hex, decimal, name] = found
  const after = at + whole.length
  if (name !== undefined) {
    const char = NAMED[name]
    return char === undefined ? ['&', at + 1] : [char, after]
  }
  const code = hex === undefined ? Number.parseInt(decimal ?? '', 10) : Number.parseInt(hex, 16)
  if (code === 0 || code >= 0x10ffff) return ['&', at + 1]
  return [String.fromCodePoint(code), after]
}

function endTag(html: string, at: number): { name: string; end: number } {
  const close = /^<\/([^\s>]*)\s*>/.exec(html.slice(at, at + 64))
  if (close === null) throw new EntityError(`Unclosed end tag at byte offset ${bytesTo(html, at)}`)
  return { name: (close[1] ?? '').toLowerCase(), end: at + close[0].length }
}

function startTag(html: string, at: number): { tag: string; attributes: Record<string, string>; end: number } {
  const where = `at byte offset ${bytesTo(html, at)}`
  const tag = (/^[^\s>]*/.exec(html.slice(at + 1))?.[0] ?? '').toLowerCase()
  let end = at + 1 + tag.length
  if (end >= html.length) throw new EntityError(`Unclosed start tag ${where}`)
  if (!Object.hasOwn(TYPES, tag)) throw new EntityError(`Unsupported start tag "${tag}" ${where}`)
  const attributes: Record<string, string> = {}
  for (;;) {
    end += /^\s*/.exec(html.slice(end))?.[0].length ?? 0
    if (html[end] === '>') break
    if (end >= html.length) throw new EntityError(`Unclosed start tag "${tag}" ${where}`)
    const name = /^[^\s=>]*/.exec(html.slice(end))?.[0] ?? ''
    if (name === '') throw new EntityError(`Empty attribute name in the tag "${tag}" ${where}`)
    end += name.length
    const equals = /^\s*=\s*/.exec(html.slice(end))
    if (equals === null) {
      if (tag !== 'blockquote' || name !== 'expandable') {
        throw new EntityError(`Expected equal sign in declaration of an attribute of the tag "${tag}" ${where}`)
      }
      attributes[name] = ''
      continue
    }
    end += equals[0].length
    const value = /^(?:"([^"]*)"|'([^']*)'|([\w.-]*)(?=[\s>]))/.exec(html.slice(end))
    if (value === null) throw new EntityError(`Unclosed start tag ${where}`)
    attributes[name] = decodeAll(value[1] ?? value[2] ?? (value[3] ?? '').toLowerCase())
    end += value[0].length
  }
  if (tag === 'span' && attributes.class !== 'tg-spoiler') {
    throw new EntityError(`Tag "span" must have class "tg-spoiler" ${where}`)
  }
  return { tag, attributes, end: end + 1 }
}

function decodeAll(value: string): string {
  let text = ''
  for (let at = 0; at < value.length; ) {
    const [decoded, after] = value[at] === '&' ? decode(value, at) : [value[at] ?? '', at + 1]
    text += decoded
    at = after
  }
  return text
}

function entityOf({ tag, attributes, at }: Open, text: string): Entity | null {
  const length = text.length - at
  if (tag === 'tg-emoji' && !/^\d+$/.test(attributes['emoji-id'] ?? '')) {
    throw new EntityError('Invalid custom emoji identifier specified')
  }
  if (tag === 'tg-time') {
    const unix = attributes.unix ?? ''
    if (!/^\d{1,10}$/.test(unix) || Number(unix) <= 0 || Number(unix) >= 2 ** 31) {
      throw new EntityError('Invalid date specified')
    }
    if (!/^(r|w?[dD]?[tT]?)$/.test(attributes.format ?? '')) throw new EntityError('Invalid date format specified')
    return length === 0 ? null : { type: 'date_time', offset: at, length, unix_time: Number(unix) }
  }
  if (length === 0) return null
  if (tag === 'a') {
    const url = attributes.href ?? text.slice(at)
    const user = /^tg:\/\/user\?id=(\d+)$/.exec(url)?.[1]
    return user === undefined
      ? { type: 'text_link', offset: at, length, url }
      : { type: 'text_mention', offset: at, length, user: Number(user) }
  }
  const type = tag === 'blockquote' && attributes.expandable !== undefined ? 'expandable_blockquote' : TYPES[tag]
  return { type: type ?? tag, offset: at, length }
}

/** "pre and code can't contain or be part of others; quotations can't be nested": what the documents say of nesting. */
function nesting(tag: string, around: readonly Open[]): string | null {
  const outer = around.map(({ tag }) => tag)
  if (tag === 'blockquote' && outer.includes('blockquote')) return 'a quotation in a quotation'
  if (outer.includes('pre') && tag !== 'code') return `<${tag}> in <pre>`
  if (outer.includes('code') && tag !== 'pre') return `<${tag}> in <code>`
  if ((tag === 'pre' || tag === 'code') && outer.some(name => name !== 'pre' && name !== 'code'))
    return `<${tag}> in <${outer.at(-1)}>`
  return null
}

function bytesTo(html: string, at: number): number {
  return Buffer.byteLength(html.slice(0, at))
}
