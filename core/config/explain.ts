import type { z } from 'zod'
import { nearest } from '../cli/suggest.ts'
import { isRecord, type Path } from './document.ts'
import { exampleAt, sectionAt } from './keys.ts'
import { kindOf } from './read.ts'

/** One thing wrong with a value, at a path; `on` says whether the key or the value is to be pointed at. */
export interface Complaint {
  readonly path: Path
  readonly message: string
  readonly hint: string
  readonly on: 'key' | 'value'
  /** The value under `path` is of no known meaning, so it may be a secret: never show it. */
  readonly hide?: boolean
}

type Issue = z.core.$ZodIssue

/** Says in words what zod found; unknown keys become one complaint each, with the nearest known key. */
export function explain(issues: readonly Issue[], value: unknown): Complaint[] {
  return issues.flatMap(issue => explainOne(issue, value))
}

function explainOne(issue: Issue, value: unknown): Complaint[] {
  const path = issue.path.map(step => (typeof step === 'number' ? step : String(step)))
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownKey([...path, key]))
  if (issue.code === 'custom') {
    const hint = typeof issue.params?.hint === 'string' ? issue.params.hint : ''
    // A map where none is meant is of no known meaning.
    return [{ path, message: issue.message, hint, on: 'value', hide: isRecord(valueAt(value, path)) }]
  }
  // Single values are read by our own functions, so what is left to zod are maps and lists that are none.
  const example = exampleAt(path)
  const hint = example === undefined ? 'write key: value' : `write ${example}`
  const written = valueAt(value, path)
  if (written === null || written === undefined) {
    return [
      { path, message: 'has nothing in it', hint: path.length === 0 ? hint : `${hint}, or remove the key`, on: 'key' },
    ]
  }
  const wanted = issue.code === 'invalid_type' && issue.expected === 'array' ? 'a list' : 'a map of keys'
  return [{ path, message: `must be ${wanted}, not ${kindOf(written)}`, hint, on: 'value', hide: true }]
}

function unknownKey(path: Path): Complaint {
  const key = String(path.at(-1))
  const section = sectionAt(path.slice(0, -1))
  if (section?.later.includes(key)) {
    const hint = 'remove it, or put # before its lines, until a version does'
    return { path, message: 'is not supported by this version of heald', hint, on: 'key', hide: true }
  }
  return { path, message: 'unknown key', hint: hintForUnknown(key, section), on: 'key', hide: true }
}

function hintForUnknown(key: string, section: ReturnType<typeof sectionAt>): string {
  if (key === '<<') return 'merging maps is not supported; write the keys out'
  const near = nearest(key, [...(section?.known ?? []), ...(section?.later ?? [])])
  if (near !== undefined) return `did you mean "${near}"?`
  return `the keys here are ${section?.known.join(', ') ?? 'others'}`
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (Array.isArray(at) && typeof step === 'number') at = at[step]
    else if (isRecord(at) && Object.hasOwn(at, step)) at = at[String(step)]
    else return undefined
  }
  return at
}
