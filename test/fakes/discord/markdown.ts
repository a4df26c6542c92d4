import type { Stored } from './world.ts'

/** All text of a message that a person reads, in the order it is shown. Footers and labels are shown as they are. */
export function shownText({ content, embeds, components }: Pick<Stored, 'content' | 'embeds' | 'components'>): string {
  const lines = [readable(content)]
  for (const { title = '', description = '', fields = [], footer } of embeds) {
    lines.push(readable(title), readable(description))
    for (const { name, value } of fields) lines.push(readable(name), readable(value))
    lines.push(footer?.text ?? '')
  }
  for (const row of components) lines.push(row.components.map(({ label }) => `[${label}]`).join(' '))
  return lines.filter(line => line !== '').join('\n')
}

/**
 * Discord's Markdown as people read it: marks are gone, escaped characters are themselves, code is untouched, and what
 * becomes something else (mentions, moments, named links) is shown as that. From how its client behaves: an address
 * keeps its backslashes, a block quote or a heading counts at the start of a line only.
 */
export function readable(text: string): string {
  let rest = text
  let shown = ''
  let isLineStart = true
  while (rest !== '') {
    const [rule, found] = firstRule(rest, isLineStart)
    const whole = found[0]
    const out = rule(found)
    shown += out
    rest = rest.slice(whole.length)
    isLineStart = whole.endsWith('\n') || (isLineStart && whole.trim() === '')
  }
  return shown
}

type Rule = (found: RegExpExecArray) => string

const inner: Rule = found => readable(found[1] ?? '')
const LINE_RULES: readonly (readonly [RegExp, Rule])[] = [
  [/^(?:>>> |> |-# |#{1,3} )/, () => ''],
  [/^ *[-*+] /, () => '• '],
  [/^ *\d+[.)] /, found => `${Number.parseInt(found[0], 10)}. `],
]
const RULES: readonly (readonly [RegExp, Rule])[] = [
  [/^```(?:[a-z0-9_+\-.#]+?\n)?\n*([^\n][\s\S]*?)\n*```/i, found => found[1] ?? ''],
  [/^(`+)([\s\S]*?[^`])\1(?!`)/, found => found[2] ?? ''],
  [/^\\([^0-9A-Za-z\s])/, found => found[1] ?? ''],
  [/^<t:(-?\d+)(?::[a-zA-Z])?>/, found => new Date(Number(found[1]) * 1000).toISOString()],
  [/^<@[!&]?\w+>/, () => '@somebody'],
  [/^<#\w+>/, () => '#unknown'],
  [/^<a?:\w+:\d+>/, () => '(emoji)'],
  [/^<(https?:\/\/[^\s>]+)>/, found => found[1] ?? ''],
  [/^\[([^\]]+)\]\((?:https?:\/\/)[^\s)]+\)/, inner],
  [/^https?:\/\/[^\s<]+[^<.,:;"'\]\s]/, found => found[0]],
  [/^\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/, inner],
  [/^__((?:\\[\s\S]|[^\\])+?)__(?!_)/, inner],
  [/^~~((?:\\[\s\S]|[^\\])+?)~~/, inner],
  [/^\|\|((?:\\[\s\S]|[^\\])+?)\|\|/, () => '█'],
  [/^\*(?=\S)((?:\\[\s\S]|[^*\\])+?)\*(?!\*)/, inner],
  [/^_((?:\\[\s\S]|[^_\\])+?)_(?![A-Za-z0-9_])/, inner],
]

function firstRule(text: string, isLineStart: boolean): readonly [Rule, RegExpExecArray] {
  for (const [pattern, rule] of [...(isLineStart ? LINE_RULES : []), ...RULES]) {
    const found = pattern.exec(text)
    if (found !== null) return [rule, found]
  }
  const plain = /^[\s\S]/u.exec(text)
  if (plain === null) throw new Error('there is always a first character')
  return [found => found[0], plain]
}
