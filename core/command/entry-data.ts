import { hash } from 'node:crypto'
import type { Json } from '../entry.ts'
import type { Approval, Args, Needs, Offer, Projection } from './port.ts'
import { type Word, wordSpec } from './words.ts'

/** Parts of commands as entries hold them, read back: what is not of the shape counts as not there. */
export type Fields = { readonly [key: string]: Json | undefined }

export function fieldsOf(value: Json | undefined): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** Keys are kept by a digest: 128 bits, always as long. */
export function digestOf(key: string): string {
  return hash('sha256', key, 'base64url').slice(0, 22)
}

export function argsFrom(value: Json | undefined): Args {
  const entries = Object.entries(fieldsOf(value)).filter(([, each]) => typeof each === 'string' || each === true)
  return Object.fromEntries(entries) as Args
}

export function needsFrom(value: Json | undefined): Needs {
  const { approvals, code } = fieldsOf(value)
  const count = typeof approvals === 'number' && Number.isSafeInteger(approvals) && approvals > 0 ? approvals : 0
  return { approvals: count, code: code === true }
}

export function projectionFrom(value: Json | undefined): Projection | null {
  const { hash: digest, facts } = fieldsOf(value)
  if (typeof digest !== 'string' || digest === '') return null
  return { hash: digest, facts: fieldsOf(facts) as Projection['facts'] }
}

export function approvalFrom({ operator, by }: Fields, atMs: number): Approval {
  return { operator: textOf(operator), by: textOf(by), atMs }
}

/** An offer, and the state that it was made against. */
export interface BoundOffer extends Offer {
  readonly seen: Projection | null
}

const MOST_OFFERS = 25

export function offersFrom(value: Json | undefined): BoundOffer[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, MOST_OFFERS).flatMap((each: Json) => {
    const { button, word, args, label, style, code, expiresTs, seen } = fieldsOf(each)
    const spec = wordSpec(textOf(word))
    if (spec === undefined || textOf(button) === '' || Number.isNaN(Date.parse(textOf(expiresTs)))) return []
    return {
      ...{ button: textOf(button), word: spec.word as Word, args: argsFrom(args), label: textOf(label) },
      style: style === 'primary' || style === 'danger' ? style : 'plain',
      ...{ code: code === true, expiresTs: textOf(expiresTs), seen: projectionFrom(seen) },
    }
  })
}
