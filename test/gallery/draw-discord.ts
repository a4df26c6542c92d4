import { button, element, escaped, fieldsOf, listOf, momentText, textIn } from './mark.ts'

/** What Discord keeps of a message. */
export interface DiscordMessage {
  readonly content?: string
  readonly embeds: readonly unknown[]
  readonly components: readonly unknown[]
}

const STYLES: Readonly<Record<string, string>> = { '1': 'primary', '4': 'danger' }

export function drawDiscord({ content = '', embeds, components }: DiscordMessage, nowMs: number): string {
  const rows = components.map(row =>
    element('div', 'row', ...listOf(fieldsOf(row).components).map(part => drawButton(fieldsOf(part)))),
  )
  const said = content === '' ? '' : element('div', 'content', markdown(content, nowMs))
  return said + embeds.map(embed => drawEmbed(fieldsOf(embed), nowMs)).join('') + rows.join('')
}

function drawButton({ custom_id: id, label, style }: Readonly<Record<string, unknown>>): string {
  return button(textIn(id), textIn(label), STYLES[String(style)] ?? '')
}

function drawEmbed(embed: Readonly<Record<string, unknown>>, nowMs: number): string {
  const colour = Number(embed.color ?? 0)
    .toString(16)
    .padStart(6, '0')
  const fields = listOf(embed.fields).map(field => {
    const { name, value, inline } = fieldsOf(field)
    const parts = [element('b', '', markdown(textIn(name), nowMs)), markdown(textIn(value), nowMs)]
    return element('div', inline === true ? 'field' : 'field wide', ...parts)
  })
  const footer = textIn(fieldsOf(embed.footer).text)
  const inside = [
    element('div', 'title', markdown(textIn(embed.title), nowMs)),
    element('div', 'description', markdown(textIn(embed.description), nowMs)),
    fields.length === 0 ? '' : element('div', 'fields', ...fields),
    footer === '' ? '' : element('div', 'footer', escaped(footer)),
  ]
  return `<div class="embed" style="border-color:#${colour}">${inside.join('')}</div>`
}

/** The part of Discord's Markdown that cards use: bold, code blocks, moments, who is called, and a backslash before what means nothing. */
function markdown(text: string, nowMs: number): string {
  const RULES = /```\n?([\s\S]*?)\n?```|\*\*((?:\\[\s\S]|[^\\])+?)\*\*|<t:(-?\d+):([fR])>|\\([^0-9A-Za-z\s])|<@(\d+)>/g
  let html = ''
  let at = 0
  for (const found of text.matchAll(RULES)) {
    const [whole, code, bold, seconds, style, plain, called] = found
    html += escaped(text.slice(at, found.index))
    at = found.index + whole.length
    if (code !== undefined) html += element('pre', '', escaped(code))
    else if (bold !== undefined) html += element('b', '', markdown(bold, nowMs))
    else if (plain !== undefined) html += escaped(plain)
    else if (called !== undefined) html += element('b', '', `@${called}`)
    else if (style === 'R') html += element('time', '', escaped(relative(Number(seconds) * 1000, nowMs)))
    else html += element('time', '', escaped(momentText(Number(seconds), { dateStyle: 'long', timeStyle: 'short' })))
  }
  return html + escaped(text.slice(at))
}

function relative(atMs: number, nowMs: number): string {
  const format = new Intl.RelativeTimeFormat('en-US', { numeric: 'always' })
  const s = Math.round((atMs - nowMs) / 1000)
  if (Math.abs(s) < 60) return format.format(s, 'second')
  return Math.abs(s) < 3600 ? format.format(Math.round(s / 60), 'minute') : format.format(Math.round(s / 3600), 'hour')
}
