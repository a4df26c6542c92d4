// The rules of https://docs.slack.dev/reference/block-kit/blocks and …/block-elements, with the words the real API uses
// for what breaks them. Only the blocks and elements that may stand in a message and are of use to heald; any other is
// refused as of an unsupported type.

type Check = (value: unknown, pointer: string, errors: string[]) => void
type Fields = Record<string, Check>

/** Of all blocks together as JSON; measured by users, see github.com/slackapi/bolt-js issue 2509. */
export const MOST_JSON = 13_200

/** What is wrong with the blocks of one message, as in `response_metadata.messages`; empty when nothing is. */
export function faultsOfBlocks(blocks: readonly unknown[]): string[] {
  const errors: string[] = []
  list(block, 0, 50)(blocks, '/blocks', errors)
  const ids = blocks.map(one => get(one, 'block_id')).filter(id => typeof id === 'string')
  if (new Set(ids).size < ids.length) errors.push('block_id is not unique [json-pointer:/blocks]')
  return errors.map(error => `[ERROR] ${error}`)
}

const isTrueOrFalse: Check = (value, at, errors) => {
  if (typeof value !== 'boolean') errors.push(`must be a boolean [json-pointer:${at}]`)
}

const isNumber: Check = (value, at, errors) => {
  if (typeof value !== 'number') errors.push(`must be a number [json-pointer:${at}]`)
}

function chars(least: number, most: number): Check {
  return (value, at, errors) => {
    if (typeof value !== 'string') return void errors.push(`must provide a string [json-pointer:${at}]`)
    const count = [...value].length
    if (count < least) errors.push(`must be more than ${least - 1} characters [json-pointer:${at}]`)
    if (count > most) errors.push(`must be less than ${most + 1} characters [json-pointer:${at}]`)
  }
}

function word(...words: readonly unknown[]): Check {
  return (value, at, errors) => {
    if (!words.includes(value)) errors.push(`value must be one of ${words.join(', ')} [json-pointer:${at}]`)
  }
}

function list(item: Check, least: number, most: number): Check {
  return (value, at, errors) => {
    if (!Array.isArray(value)) return void errors.push(`must provide an array [json-pointer:${at}]`)
    if (value.length < least) errors.push(`no fewer than ${least} items allowed [json-pointer:${at}]`)
    if (value.length > most) errors.push(`no more than ${most} items allowed [json-pointer:${at}]`)
    for (const [index, one] of value.entries()) item(one, `${at}/${index}`, errors)
  }
}

function object(needed: Fields, optional: Fields = {}): Check {
  return (value, at, errors) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return void errors.push(`must provide an object [json-pointer:${at}]`)
    }
    for (const name of Object.keys(needed)) {
      if (!(name in value)) errors.push(`missing required field: ${name} [json-pointer:${at}]`)
    }
    for (const [name, one] of Object.entries(value)) {
      const check = needed[name] ?? optional[name]
      if (check === undefined) errors.push(`invalid additional property: ${name} [json-pointer:${at}]`)
      else check(one, `${at}/${name}`, errors)
    }
  }
}

function byType(types: Record<string, Check>): Check {
  return (value, at, errors) => {
    const type = String(get(value, 'type'))
    const check = Object.hasOwn(types, type) ? types[type] : undefined
    if (check === undefined) errors.push(`unsupported type: ${type} [json-pointer:${at}]`)
    else check(value, at, errors)
  }
}

function get(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

const id = { block_id: chars(1, 255) }

function plainText(most: number): Check {
  return object({ type: word('plain_text'), text: chars(1, most) }, { emoji: isTrueOrFalse })
}

function anyText(most: number): Check {
  const mrkdwn = object({ type: word('mrkdwn'), text: chars(1, most) }, { verbatim: isTrueOrFalse })
  return byType({ plain_text: plainText(most), mrkdwn })
}

const style = {
  style: object({}, { bold: isTrueOrFalse, italic: isTrueOrFalse, strike: isTrueOrFalse, code: isTrueOrFalse }),
}
const richText = object({ type: word('text'), text: chars(1, Number.POSITIVE_INFINITY) }, style)
const richLink = object(
  { type: word('link'), url: chars(1, 3000) },
  { text: chars(1, 3000), unsafe: isTrueOrFalse, ...style },
)
const inline = byType({
  text: richText,
  link: richLink,
  emoji: object({ type: word('emoji'), name: chars(1, 255) }, { unicode: chars(1, 255), ...style }),
  user: object({ type: word('user'), user_id: chars(1, 255) }, style),
  channel: object({ type: word('channel'), channel_id: chars(1, 255) }, style),
  broadcast: object({ type: word('broadcast'), range: word('here', 'channel', 'everyone') }, style),
  date: object(
    { type: word('date'), timestamp: isNumber, format: chars(1, 255) },
    { url: chars(1, 3000), fallback: chars(1, 3000), ...style },
  ),
})
const many = Number.POSITIVE_INFINITY
const richSection = object({ type: word('rich_text_section'), elements: list(inline, 0, many) })
const border = { border: word(0, 1) }

const button = object(
  { type: word('button'), text: plainText(75) },
  {
    action_id: chars(1, 255),
    value: chars(0, 2000),
    url: chars(1, 3000),
    style: word('primary', 'danger'),
    accessibility_label: chars(1, 75),
  },
)

const actions: Check = (value, at, errors) => {
  object({ type: word('actions'), elements: list(byType({ button }), 1, 25) }, id)(value, at, errors)
  const elements = get(value, 'elements')
  const ids = Array.isArray(elements) ? elements.map(one => get(one, 'action_id')).filter(one => one !== undefined) : []
  for (const [index, one] of ids.entries()) {
    if (ids.indexOf(one) < index)
      errors.push(`action_id "${one}" already exists [json-pointer:${at}/elements/${index}]`)
  }
}

const section: Check = (value, at, errors) => {
  const fields = { text: anyText(3000), fields: list(anyText(2000), 1, 10), expand: isTrueOrFalse, ...id }
  object({ type: word('section') }, fields)(value, at, errors)
  if (get(value, 'text') === undefined && get(value, 'fields') === undefined) {
    errors.push(`missing required field: text [json-pointer:${at}]`)
  }
}

const block = byType({
  header: object({ type: word('header'), text: plainText(150) }, { level: word(1, 2, 3, 4), ...id }),
  section,
  divider: object({ type: word('divider') }, id),
  context: object({ type: word('context'), elements: list(anyText(3000), 1, 10) }, id),
  actions,
  rich_text: object(
    {
      type: word('rich_text'),
      elements: list(
        byType({
          rich_text_section: richSection,
          rich_text_quote: object({ type: word('rich_text_quote'), elements: list(inline, 0, many) }, border),
          rich_text_preformatted: object(
            {
              type: word('rich_text_preformatted'),
              elements: list(byType({ text: richText, link: richLink }), 0, many),
            },
            { language: chars(1, 255), ...border },
          ),
          rich_text_list: object(
            { type: word('rich_text_list'), style: word('bullet', 'ordered'), elements: list(richSection, 1, many) },
            { indent: isNumber, offset: isNumber, ...border },
          ),
        }),
        0,
        many,
      ),
    },
    id,
  ),
})
