/**
 * What a person reads of a WhatsApp message: without the marks that format
 * (https://faq.whatsapp.com/539178204879377: `*bold*`, `_italic_`, `~strike~`, `code`, three backticks, `> `, `- `, `1. `),
 * and without characters that have no width to speak of. What may stand beside a mark is not published; read here: a mark formats when nothing but a space, a line or a sign stands
 * before it, no space behind it, and the same the other way round at its end.
 */
export function readable(text: string): string {
  return text
    .split(/```([\s\S]*?)```/)
    .map((part, index) => (index % 2 === 1 ? part : inline(part)))
    .join('')
    .replaceAll(/[\u200a\u2060]/g, '')
    .replaceAll('\u02cb', '`')
}

/** What is shown in bold. */
export function boldIn(text: string): string[] {
  return [...text.matchAll(ruleOf('\\*'))].map(([, inner = '']) => inner)
}

function inline(text: string): string {
  let shown = text.replaceAll(/`([^`\n]+)`/g, '$1').replaceAll(/^\s*(?:> |[*-] |\d+\. )/gm, '')
  // Twice, for one inside another.
  for (let n = 0; n < 2; n += 1) for (const mark of ['\\*', '_', '~']) shown = shown.replaceAll(ruleOf(mark), '$1')
  return shown
}

function ruleOf(mark: string): RegExp {
  return new RegExp(`(?<![\\p{L}\\p{N}])${mark}(?!\\s)([^\\n]*?)(?<!\\s)${mark}(?![\\p{L}\\p{N}])`, 'gu')
}
