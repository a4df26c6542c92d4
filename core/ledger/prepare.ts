import { hash, randomBytes } from 'node:crypto'
import { type ChainRef, type Data, type Draft, type IncidentRef, incidentId, type Json, KINDS } from '../entry.ts'
import { Fault } from '../fault.ts'
import { FIELDS } from './fields.ts'
import { MAX_LINE_BYTES, safeJson } from './line.ts'
import type { Scrubber } from './redact.ts'

/** A draft made ready: copied, checked, redacted and cut. Only what depends on its place is still missing. */
export interface Prepared {
  readonly kind: Draft['kind']
  readonly must: boolean
  readonly inc: string | IncidentRef | undefined
  readonly chain: ChainRef | undefined
  readonly side: { readonly salt: string; readonly text: string } | undefined
  /** Size for the limits of queue and batch, in characters. */
  readonly chars: number
  /** `"kind":…,"svc":…` */
  readonly front: string
  /** `,"actor":…,"data":` */
  readonly back: string
  readonly dataText: string
}

// 1 KiB is left for the keys around `data`; identifiers are checked to fit in it.
const MAX_DATA_BYTES = MAX_LINE_BYTES - 1024
const CUTS = [4096, 2048, 1024, 512, 256, 128, 64, 32]
const MAX_TAIL_CHARS = 65_536
const SERVICE = /^[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,63}$/
const INCIDENT = /^[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,63}-\d{1,16}$/
const ACTOR = /^[A-Za-z0-9][A-Za-z0-9_.@:/+-]{0,127}$/

/** What entries of one kind, service and actor have in common. */
interface Common extends Pick<Prepared, 'kind' | 'must' | 'front' | 'back'> {
  readonly svc: string | undefined
  readonly actor: string
  readonly fields: ReadonlySet<string>
}

/** Of the last entry: most are like the one before. */
let last: Common | null = null

/** Copies and checks a draft. Throws a Fault (`ledger.bad-entry`) when it can't be written as it is. */
export function prepare(draft: Draft, scrub: Scrubber): Prepared {
  const common = commonOf(draft)
  const { kind, must, front, back, fields } = common
  const { inc } = draft
  if (typeof inc === 'string' ? !INCIDENT.test(inc) : inc !== undefined && !SERVICE.test(inc.svc))
    throw bad(kind, `"${incidentId(inc ?? '')}" can't be the id of an incident`)
  let data = allowed(draft, fields, inc !== undefined && kind.startsWith('incident.'))
  let side: Prepared['side']
  if (draft.tail !== undefined) {
    const text = scrub.text(draft.tail).slice(-MAX_TAIL_CHARS).toWellFormed()
    const salt = randomBytes(16)
    side = { salt: salt.toString('hex'), text }
    data = { ...data, tail: commitment(side) }
  }
  const dataText = fit(kind, data, scrub)
  const chars = front.length + back.length + dataText.length + (side?.text.length ?? 0)
  return { kind, must, inc, chain: draft.chain, side, chars, front, back, dataText }
}

function commonOf({ kind, svc, actor = 'heald' }: Draft): Common {
  if (last !== null && last.kind === kind && last.svc === svc && last.actor === actor) return last
  if (!Object.hasOwn(KINDS, kind)) throw bad(kind, 'its kind is not known')
  if (svc !== undefined && !SERVICE.test(svc)) throw bad(kind, `"${svc}" can't be the name of a service`)
  if (!ACTOR.test(actor)) throw bad(kind, `"${actor}" can't be an actor`)
  const front = svc === undefined ? `"kind":"${kind}"` : `"kind":"${kind}","svc":"${svc}"`
  const back = `,"actor":"${actor}","data":`
  last = { kind, svc, actor, must: KINDS[kind] === 'must', front, back, fields: FIELDS[kind] }
  return last
}

/** What the ledger says of a text kept aside: SHA-256 over the salt's 16 bytes and the text's UTF-8. */
export function commitment(side: { readonly salt: string; readonly text: string }): { sha256: string; bytes: number } {
  const text = Buffer.from(side.text)
  return { sha256: hash('sha256', Buffer.concat([Buffer.from(side.salt, 'hex'), text]), 'hex'), bytes: text.length }
}

/**
 * The line's text from `"kind"` on, once `seq` is known. The entry that opens an incident gives it its number; so does
 * the first one recorded of it, should the opening entry have been lost with a failing disk.
 */
export function middleOf(item: Prepared, seq: number): string {
  const { inc, chain } = item
  if (chain !== undefined) {
    const rest = item.dataText === '{}' ? '}' : `,${item.dataText.slice(1)}`
    return `${item.front}${item.back}{"prevCommand":"${chain.h}"${rest}`
  }
  // It begins behind itself, wherever that will be.
  if (item.kind === 'key.rotated') return `${item.front}${item.back}{"fromSeq":${seq + 1},${item.dataText.slice(1)}`
  if (inc === undefined) return item.front + item.back + item.dataText
  if (typeof inc !== 'string') inc.seq ??= seq
  const id = incidentId(inc)
  if (!item.kind.startsWith('incident.')) return `${item.front},"inc":"${id}"${item.back}${item.dataText}`
  const rest = item.dataText === '{}' ? '}' : `,${item.dataText.slice(1)}`
  return `${item.front},"inc":"${id}"${item.back}{"id":"${id}"${rest}`
}

/** Only the fields that the kind lets in; the names of the others are kept, so that nothing vanishes unseen. */
function allowed(draft: Draft, fields: ReadonlySet<string>, dropId: boolean): Data {
  if (!dropId && areAllowed(draft.data, fields)) return draft.data
  const withheld: string[] = []
  const kept: Record<string, Json> = {}
  for (const [key, value] of Object.entries(draft.data)) {
    if (value === undefined || (dropId && key === 'id')) continue
    if (fields.has(key)) kept[key] = value
    else withheld.push(key.slice(0, 64))
  }
  return withheld.length === 0 ? kept : { ...kept, withheld: withheld.slice(0, 32) }
}

function areAllowed(data: Data, fields: ReadonlySet<string>): boolean {
  for (const key in data) if (!fields.has(key) || data[key] === undefined) return false
  return true
}

function fit(kind: string, data: Data, scrub: Scrubber): string {
  const raw = safeJson(data)
  const clean = scrub.data(data, raw)
  let text = clean === data ? raw : safeJson(clean)
  if (fits(text)) return text
  for (const maxChars of CUTS) {
    text = safeJson({ ...(cutStrings(clean, maxChars) as Data), cut: true })
    if (fits(text)) return text
  }
  throw bad(kind, `its data is longer than ${MAX_DATA_BYTES} bytes even with every text cut short`)
}

function fits(text: string): boolean {
  // UTF-8 takes at most 3 bytes for a UTF-16 unit: most texts need no counting.
  return text.length * 3 <= MAX_DATA_BYTES || Buffer.byteLength(text) <= MAX_DATA_BYTES
}

function cutStrings(value: Json | undefined, maxChars: number): Json | undefined {
  if (typeof value === 'string') return value.length <= maxChars ? value : value.slice(0, maxChars).toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(item => cutStrings(item, maxChars) ?? null)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cutStrings(item, maxChars)]))
}

function bad(kind: string, why: string): Fault {
  return new Fault('ledger.bad-entry', `an entry of kind ${kind} can't be written: ${why}`, {
    hint: 'this is a mistake in the program: please report it',
  })
}
