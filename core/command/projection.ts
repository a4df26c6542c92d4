import { hash } from 'node:crypto'
import type { Json } from '../entry.ts'
import type { Projection } from './port.ts'

/** The facts with a hash over them that depends on nothing but what they say. */
export function projectionOf(facts: Projection['facts']): Projection {
  return { hash: hash('sha256', canonical(facts), 'hex'), facts }
}

/** JSON with its keys in order: it is only ever compared with itself, never shown. */
function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonical(item)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const fields = Object.entries(value as { readonly [key: string]: Json | undefined })
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}

/** What differs between two states, a line each, for people. */
export function changesBetween(before: Projection, now: Projection): string[] {
  const names = new Set([...Object.keys(before.facts), ...Object.keys(now.facts)])
  return [...names].flatMap(name => {
    const [was, is] = [shown(before.facts[name]), shown(now.facts[name])]
    return was === is ? [] : [`${name} was ${was} and is ${is}`]
  })
}

function shown(value: Json | undefined): string {
  if (typeof value !== 'object' || value === null) return String(value ?? 'nothing')
  if ('generation' in value) return String(value.generation)
  return JSON.stringify(value)
}
