import { spanOf } from './measure.ts'

/**
 * Parts of sentences made of an entry's fields. A field may be missing or of any type (ledgers of other versions), and
 * none of these throws.
 */
export type Fields = { readonly [key: string]: unknown }

/** ` (key: value, …)`, for kinds whose fields are best shown as they are. */
export function fieldsOf(data: Fields): string {
  const shown = Object.entries(data ?? {}).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return shown.length === 0 ? '' : ` (${shown.join(', ')})`
}

export function text(value: unknown, otherwise = 'not known'): string {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : otherwise
}

export function number(value: unknown): string {
  return typeof value === 'number' ? String(value) : '?'
}

export function list(value: unknown): string {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string').join(', ') : ''
}

export function after(ms: unknown): string {
  return typeof ms === 'number' ? ` after ${spanOf(ms)}` : ''
}

export function because(why: unknown): string {
  return typeof why === 'string' && why !== '' ? `: ${why}` : ''
}

export function by(who: unknown): string {
  return typeof who === 'string' && who !== '' ? ` by ${who}` : ''
}
