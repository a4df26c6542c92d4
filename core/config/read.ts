/**
 * The outcome of reading one written value: the value, or what is wrong with it and what to write instead. `at` points
 * further down, at the element of a list. Messages never repeat the value: it can be a secret.
 */
export type Read<T> =
  | { readonly value: T }
  | { readonly problem: string; readonly hint: string; readonly at?: readonly (string | number)[] }

/** What a written value is, for "…, not a list". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value === 'boolean') return 'true or false'
  if (typeof value === 'number') return 'a number'
  return 'text'
}

/** Text of at least one character, without NUL (no program could be given it). */
export function readText(value: unknown, example: string): Read<string> {
  if (typeof value !== 'string') {
    const hint = typeof value === 'number' ? `put it in quotes, like ${example}` : `write text, like ${example}`
    return { problem: `must be text, not ${kindOf(value)}`, hint }
  }
  if (value === '') return { problem: 'is empty', hint: `write something, like ${example}, or remove the key` }
  if (value.includes('\0')) return { problem: 'contains a NUL character', hint: 'remove it' }
  return { value }
}

export function readFlag(value: unknown): Read<boolean> {
  if (typeof value === 'boolean') return { value }
  return { problem: `must be true or false, not ${kindOf(value)}`, hint: 'write true or false, without quotes' }
}

/** A whole number between `min` and `max`, both included. */
export function readInteger(value: unknown, min: number, max: number): Read<number> {
  const range = `a whole number from ${min} to ${max}`
  if (typeof value !== 'number') return { problem: `must be a number, not ${kindOf(value)}`, hint: `write ${range}` }
  if (!Number.isInteger(value)) return { problem: 'must be a whole number', hint: `write ${range}` }
  if (value < min || value > max) return { problem: `is out of range: ${value}`, hint: `write ${range}` }
  return { value }
}

/** A list, each element read by `element`; the first bad element is the problem. */
export function readList<T>(value: unknown, example: string, element: (value: unknown) => Read<T>): Read<T[]> {
  if (!Array.isArray(value)) return { problem: `must be a list, not ${kindOf(value)}`, hint: `write ${example}` }
  const values: T[] = []
  for (const [index, item] of value.entries()) {
    const read = element(item)
    if (!('value' in read)) return { ...read, at: [index, ...(read.at ?? [])] }
    values.push(read.value)
  }
  return { value: values }
}
