import type { Data, Json } from '../entry.ts'

/** Takes known secrets out of text and of data. */
export interface Scrubber {
  text(value: string): string
  /** `json` is the JSON text of `data`: most entries hold no secret, and one search over it tells. */
  data(data: Data, json: string): Data
}

const REPLACEMENT = '[redacted]'

/** A secret shorter than this would blank out ordinary words. */
const MIN_SECRET_CHARS = 4

/**
 * Knows each secret as it is and as it travels: URL-encoded, base64, and (to search JSON text) JSON-escaped.
 * A trailing newline, which secret files usually have, is not part of the secret.
 */
export function scrubber(secrets: readonly string[]): Scrubber {
  const forms = new Set<string>()
  for (const secret of secrets) {
    const plain = secret.trim()
    if (plain.length < MIN_SECRET_CHARS) continue
    const sound = plain.toWellFormed()
    const base64 = Buffer.from(sound).toString('base64')
    for (const form of [plain, encodeURIComponent(sound), base64, base64.replace(/=+$/, '')]) forms.add(form)
  }
  if (forms.size === 0) return { text: value => value, data: data => data }
  const plainForms = alternatives(forms)
  const jsonForms = alternatives(new Set([...forms].map(form => JSON.stringify(form).slice(1, -1))))
  const search = new RegExp(jsonForms)
  const all = new RegExp(plainForms, 'g')
  const text = (value: string): string => value.replace(all, REPLACEMENT)
  const walk = (value: Json | undefined): Json | undefined => {
    if (typeof value === 'string') return text(value)
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(item => walk(item) ?? null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), walk(item)]))
  }
  return { text, data: (data, json) => (search.test(json) ? (walk(data) as Data) : data) }
}

/** Longest first, so that a secret that contains another one disappears whole. */
function alternatives(forms: ReadonlySet<string>): string {
  return [...forms]
    .sort((a, b) => b.length - a.length)
    .map(form => form.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('|')
}
