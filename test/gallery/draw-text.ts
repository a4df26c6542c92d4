import { element, escaped } from './mark.ts'

/** WhatsApp's own marks, as far as cards use them: bold, and blocks of one width. */
export function drawWhatsApp(body: string): string {
  const html = body.split(/(```\n?[\s\S]*?\n?```|(?<![^\s])\*(?=\S)[^*\n]+?(?<=\S)\*(?![^\s]))/).map(part => {
    const code = /^```\n?([\s\S]*?)\n?```$/.exec(part)?.[1]
    if (code !== undefined) return element('pre', '', escaped(code))
    return /^\*.+\*$/.test(part) ? element('b', '', escaped(part.slice(1, -1))) : escaped(part)
  })
  return element('div', 'text', ...html)
}

/** What a terminal makes of the colours (SGR) that the console uses. */
export function drawConsole(text: string): string {
  let html = ''
  let open = ''
  for (const part of text.replaceAll('\u0007', '').split(/(\u001b\[[\d;]*m)/)) {
    const sgr = /^\u001b\[([\d;]*)m$/.exec(part)?.[1]
    if (sgr === undefined) html += open === '' ? escaped(part) : element('span', open, escaped(part))
    else
      open =
        sgr === '0' || sgr === ''
          ? ''
          : sgr
              .split(';')
              .map(number => `sgr-${number}`)
              .join(' ')
  }
  return element('pre', 'terminal', html)
}
