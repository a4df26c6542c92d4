/** Text as it may stand in HTML, between tags and in attributes. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** One element; what is inside is HTML already. */
export function element(tag: string, name: string, ...inside: readonly string[]): string {
  return `<${tag}${name === '' ? '' : ` class="${escaped(name)}"`}>${inside.join('')}</${tag}>`
}

/** A button that the page can press: the id goes with it. */
export function button(id: string, label: string, style = ''): string {
  return `<button type="button" class="${escaped(style)}" data-id="${escaped(id)}">${escaped(label)}</button>`
}

/** The fields of an object, none for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A moment as the clients of people in UTC show it. */
export function momentText(seconds: number, style: Intl.DateTimeFormatOptions): string {
  return new Date(seconds * 1000).toLocaleString('en-US', { timeZone: 'UTC', ...style })
}
