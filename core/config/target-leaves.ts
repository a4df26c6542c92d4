import { nearest } from '../cli/suggest.ts'
import { kindOf, type Read, readList, readText } from './read.ts'
import { TARGET_KINDS, type TargetKind } from './targets.ts'

export function checkKind(value: unknown): Read<TargetKind> {
  const kind = TARGET_KINDS.find(name => name === value)
  if (kind !== undefined) return { value: kind }
  const all = `write one of ${TARGET_KINDS.join(', ')}`
  if (typeof value !== 'string') return { problem: `must be a kind of target, not ${kindOf(value)}`, hint: all }
  const near = nearest(value.trim(), TARGET_KINDS)
  return { problem: 'is not a kind of target', hint: near === undefined ? all : `did you mean ${near}?` }
}

const MAX_IRREVERSIBLE = 1000

/** True or false for all generations, or the names of those that are meant. */
export function checkIrreversible(value: unknown): Read<boolean | string[]> {
  if (typeof value === 'boolean') return { value }
  if (!Array.isArray(value)) {
    const hint = 'write true for all generations, or a list of their names, like [2026-01-31, v7]'
    return { problem: `must be true, false or a list, not ${kindOf(value)}`, hint }
  }
  if (value.length > MAX_IRREVERSIBLE) {
    return { problem: `has more than ${MAX_IRREVERSIBLE} entries`, hint: 'keep those that are still there' }
  }
  return readList(value, 'a list of generations', item => {
    const text = readText(item, '"v7"')
    if (!('value' in text) || !/\/|^\.{1,2}$/.test(text.value)) return text
    return { problem: 'is not the name of a generation', hint: 'write its name alone, like v7, or 41 for Nix' }
  })
}
