import type { Entry } from '../entry.ts'
import { type Effect, isEffect } from './effect.ts'
import {
  approvalFrom,
  argsFrom,
  type BoundOffer,
  digestOf,
  type Fields,
  fieldsOf,
  needsFrom,
  offersFrom,
  projectionFrom,
  textOf,
} from './entry-data.ts'
import { type Command, type CommandMemory, ENDED, KEY_KEPT_MS, MOST_KEYS, missingOf } from './memory.ts'
import { isVerb } from './words.ts'

const KEPT_ENDED = 200
/** The first ones and the last; a switch with all that can happen to it has fewer. */
const MOST_EFFECTS = 16
const MOST_BUTTONS = 2000
const MOST_OPERATORS = 1000

/** Takes one entry in, in place. */
export function rememberCommand(memory: CommandMemory, entry: Entry): void {
  noteEffect(memory, entry)
  if (entry.kind === 'freeze.on' || entry.kind === 'freeze.off') noteFrozen(memory, entry)
  if (!entry.kind.startsWith('command.')) return
  memory.head = entry.h
  const data = fieldsOf(entry.data)
  const atMs = Date.parse(entry.ts) || 0
  hear(memory, entry, data, atMs)
  useCode(memory, data)
  if (entry.kind === 'command.offered') {
    offer(memory, offersFrom(data.offers), textOf(data.about), atMs)
    return
  }
  if (entry.kind === 'command.requested') begin(memory, entry, data, atMs)
  const known = memory.byId.get(textOf(data.id))
  // A denied try to approve changes nothing about what it was to approve.
  if (known === undefined || entry.kind === 'command.requested' || entry.kind === 'command.denied') return
  const next = after(known, entry, data, atMs)
  memory.byId.set(known.id, { ...next, seq: entry.seq, h: entry.h })
  if (next.state === 'started') memory.started.add(known.id)
  else memory.started.delete(known.id)
  if (known.verb === 'unlock' && next.state === 'succeeded') unlock(memory, textOf(known.args.operator))
  for (const { button } of known.offers) use(memory, button, known.id)
  offer(memory, offersFrom(data.offers), known.id, atMs)
  if (ENDED.has(next.state)) forgetOld(memory)
}

function begin(memory: CommandMemory, { seq, h }: Entry, data: Fields, atMs: number): void {
  const id = textOf(data.id)
  const { verb } = data
  if (id === '' || !isVerb(verb) || memory.byId.has(id)) return
  memory.made = Math.max(memory.made + 1, Number(/^c(\d{1,15})$/.exec(id)?.[1] ?? 0))
  use(memory, textOf(data.button), id)
  memory.byId.set(id, {
    ...{ id, verb, args: argsFrom(data.args), state: 'requested', atMs },
    ...{ by: textOf(data.by), operator: textOf(data.operator), via: textOf(data.via) },
    role: data.role === 'admin' || data.role === 'operator' ? data.role : 'viewer',
    expiresMs: Date.parse(textOf(data.expiresTs)) || atMs,
    ...{ needs: needsFrom(data.needs), approvals: [], seen: projectionFrom(data.seen), changedTo: null },
    ...{ why: null, result: null, offers: [], seq, h, effects: [] },
  })
}

function after(command: Command, { kind }: Entry, data: Fields, atMs: number): Command {
  // What is over stays so, whatever a later entry says.
  if (ENDED.has(command.state)) return command
  const why = textOf(data.why) === '' ? null : textOf(data.why)
  const offers = offersFrom(data.offers)
  switch (kind) {
    case 'command.awaiting':
      return { ...command, state: 'awaiting', offers }
    case 'command.approved': {
      const approvals = [...command.approvals, approvalFrom(data, atMs)].slice(-MOST_APPROVALS)
      const next = { ...command, approvals, offers }
      // Only when it was given was known whose approvals still counted.
      const left = data.needs === undefined ? missingOf(next) : needsFrom(data.needs)
      return { ...next, state: left.approvals > 0 || left.code ? 'awaiting' : 'approved' }
    }
    case 'command.rejected':
      return { ...command, state: 'rejected', why, offers: [] }
    case 'command.expired':
      return { ...command, state: 'expired', why, offers: [] }
    case 'command.started':
      return { ...command, state: 'started', offers: [] }
    case 'command.succeeded':
    case 'command.failed': {
      const state = kind === 'command.succeeded' ? 'succeeded' : 'failed'
      const { result = null } = data
      return { ...command, state, why, result, changedTo: projectionFrom(data.changedTo), offers }
    }
    default:
      return command
  }
}

const MOST_APPROVALS = 20

/** A key is heard once; what was denied is heard as such. */
function hear(memory: CommandMemory, { kind, seq }: Entry, data: Fields, atMs: number): void {
  const key = textOf(data.dedupeKey)
  if (key === '') return
  for (const [digest, heard] of memory.keys) {
    if (heard.atMs + KEY_KEPT_MS > atMs && memory.keys.size < MOST_KEYS) break
    memory.keys.delete(digest)
  }
  const isDenied = kind === 'command.denied'
  const digest = digestOf(key)
  if (memory.keys.has(digest)) return
  memory.keys.set(digest, { id: isDenied ? null : textOf(data.id), why: isDenied ? textOf(data.why) : '', seq, atMs })
}

function useCode(memory: CommandMemory, data: Fields): void {
  const { codeStep, wrongCodes } = data
  const operator = textOf(data.operator)
  if (operator === '') return
  const known = memory.codes.get(operator) ?? { step: 0, wrong: 0 }
  if (typeof codeStep === 'number') memory.codes.set(operator, { step: Math.max(known.step, codeStep), wrong: 0 })
  else if (typeof wrongCodes === 'number') memory.codes.set(operator, { ...known, wrong: wrongCodes })
  const [oldest] = memory.codes.keys()
  if (memory.codes.size > MOST_OPERATORS && oldest !== undefined) memory.codes.delete(oldest)
}

function unlock({ codes }: CommandMemory, operator: string): void {
  const known = codes.get(operator)
  if (known !== undefined) codes.set(operator, { ...known, wrong: 0 })
}

function offer(memory: CommandMemory, offers: readonly BoundOffer[], about: string, nowMs: number): void {
  for (const [button, { expiresMs }] of memory.buttons) {
    if (expiresMs > nowMs && memory.buttons.size <= MOST_BUTTONS) break
    memory.buttons.delete(button)
  }
  for (const { seen, ...each } of offers) {
    const expiresMs = Date.parse(each.expiresTs)
    memory.buttons.set(each.button, { offer: each, seen, expiresMs, about, usedFor: null })
  }
}

function use(memory: CommandMemory, button: string, id: string): void {
  const known = memory.buttons.get(button)
  if (known !== undefined && known.usedFor === null) memory.buttons.set(button, { ...known, usedFor: id })
}

/** Of a command that was started: what may be its doing. */
function noteEffect(memory: CommandMemory, entry: Entry): void {
  for (const id of memory.started) {
    const command = memory.byId.get(id)
    if (command === undefined || !isEffect(command, entry)) continue
    const effect: Effect = {
      kind: entry.kind,
      seq: entry.seq,
      actor: entry.actor ?? 'heald',
      why: textOf(entry.data.why),
    }
    memory.byId.set(id, { ...command, effects: [...command.effects.slice(0, MOST_EFFECTS - 1), effect] })
  }
}

function noteFrozen(memory: CommandMemory, { kind, data, ts, seq }: Entry): void {
  const on = { by: textOf(data.by), why: textOf(data.why), sinceTs: ts, seq }
  memory.frozen = kind === 'freeze.on' ? on : null
}

function forgetOld({ byId }: CommandMemory): void {
  let ended = 0
  for (const { state } of byId.values()) if (ENDED.has(state)) ended += 1
  for (const [id, { state }] of byId) {
    if (ended <= KEPT_ENDED) return
    if (!ENDED.has(state)) continue
    byId.delete(id)
    ended -= 1
  }
}
