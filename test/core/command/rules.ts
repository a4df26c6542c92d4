import assert from 'node:assert/strict'
import { digestOf } from '../../../core/command/entry-data.ts'
import { ENDED } from '../../../core/command/memory.ts'
import { lineOf } from '../../../core/command/parse.ts'
import type { Args, Needs } from '../../../core/command/port.ts'
import { isVerb, wordSpec } from '../../../core/command/words.ts'
import type { Entry } from '../../../core/entry.ts'
import { PEOPLE, type Stand } from './stand.ts'

const argsOf = (its: readonly Entry[]) =>
  (its.find(({ kind }) => kind === 'command.requested')?.data.args ?? {}) as Args

/** All that has to be so, read from the entries alone and from what was done. */
export function judge(stand: Stand): void {
  const { entries, performed } = stand
  const commands = entries.filter(({ kind }) => kind.startsWith('command.'))

  // One chain, without a fork.
  let before = '0'.repeat(64)
  for (const { data, h, seq } of commands) {
    assert.equal(data.prevCommand, before, `the chain at #${seq}`)
    before = h
  }

  // Nothing is done twice, and nothing without its own durable start.
  const ids = performed.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length, `done twice: ${ids}`)
  const starts = commands.filter(({ kind }) => kind === 'command.started').map(({ data }) => String(data.id))
  assert.equal(new Set(starts).size, starts.length, `started twice: ${starts}`)
  for (const id of ids) assert.ok(starts.includes(id), `${id} was done without a start`)

  // Each command is asked for once, by somebody who may, and has one end.
  const requested = commands.filter(({ kind }) => kind === 'command.requested')
  assert.equal(new Set(requested.map(({ data }) => data.id)).size, requested.length)
  for (const { data, seq, actor } of requested) {
    const its = commands.filter(entry => entry.data.id === data.id && entry.kind !== 'command.denied')
    const ends = its.filter(({ kind }) => ENDED.has(kind.slice('command.'.length) as never))
    assert.equal(ends.length, 1, `${data.id} has ${ends.length} ends: ${its.map(({ kind }) => kind)}`)
    assert.equal(its.at(-1), ends[0], `${data.id} goes on after its end`)
    if (ends[0]?.kind !== 'command.succeeded') assert.ok(String(ends[0]?.data.why ?? '').length > 0, `${data.id}: why?`)
    const verb = data.verb
    assert.ok(isVerb(verb))
    const asker = PEOPLE.operators.find(({ id }) => id === data.operator)
    assert.ok(
      data.operator === 'local:admin' ? actor === 'local:admin' : asker !== undefined && asker.role !== 'viewer',
    )
    if (wordSpec(verb)?.host === true) assert.equal(actor, 'local:admin')
    if (!starts.includes(String(data.id))) continue

    const start = its.find(({ kind }) => kind === 'command.started') ?? assert.fail()
    assert.ok(Date.parse(start.ts) < Date.parse(String(data.expiresTs)), `${data.id} started too late`)
    const approvals = its.filter(({ kind, seq: at }) => kind === 'command.approved' && at < start.seq)
    const rule = PEOPLE.policy[verb] ?? assert.fail()
    const people = new Set(approvals.map(entry => entry.data.operator))
    const others = [...people].filter(each => each !== data.operator)
    assert.ok(others.length >= rule.approvals, `${data.id} (${verb}) had approvals of ${others}`)
    assert.equal(people.size, approvals.length, `${data.id}: somebody counted twice`)
    for (const { data: given, actor: by } of approvals) {
      if (given.operator === 'local:admin') {
        assert.equal(by, 'local:admin')
        continue
      }
      const approver = PEOPLE.operators.find(({ id }) => id === given.operator)
      assert.ok(approver !== undefined && approver.role !== 'viewer')
      if (rule.code)
        assert.equal(typeof given.codeStep, 'number', `${data.id} approved by ${given.operator} without a code`)
    }
    const isBare = rule.approvals === 0 && data.operator === 'local:admin'
    if (rule.code && !isBare) assert.ok(approvals.length > 0, `${data.id} (${verb}) without any code`)
    assert.deepEqual((data.needs as unknown as Needs).approvals, rule.approvals, `#${seq}`)
  }

  // No code is good twice.
  const used = new Map<string, number>()
  for (const { data } of commands) {
    if (typeof data.codeStep !== 'number') continue
    const operator = String(data.operator)
    assert.ok(data.codeStep > (used.get(operator) ?? 0), `a code of ${operator} was used again`)
    used.set(operator, data.codeStep)
  }

  // No destructive order ran against another state than the one it was asked against: heald has looked after the last word
  // of people, and seen just that.
  for (const { id, verb, seen } of performed) {
    if (wordSpec(verb)?.destructive !== true) continue
    const its = commands.filter(entry => entry.data.id === id && entry.kind !== 'command.denied')
    const start = its.find(({ kind }) => kind === 'command.started') ?? assert.fail()
    const word = its.findLast(({ kind, seq }) => /requested|approved/.test(kind) && seq < start.seq) ?? assert.fail()
    const line = lineOf(verb, argsOf(its))
    const looks = stand.looks.filter(look => look.line === line && look.size > word.seq && look.size <= start.seq)
    assert.ok(
      looks.some(({ hash }) => hash === seen),
      `${id} (${verb}) ran against another state than it was asked against`,
    )
  }

  // What was moved after the start is left alone, and whoever asked is told that it was, unless heald was killed meanwhile.
  for (const id of stand.refused) {
    const its = commands.filter(entry => entry.data.id === id && entry.kind !== 'command.denied')
    const end = its.at(-1) ?? assert.fail()
    assert.equal(end.kind, 'command.failed', `${id} was refused`)
    const isKilled = /^heald was ended while it ran; nothing had been done/.test(String(end.data.why))
    assert.ok(isKilled || end.data.code === 'command.changed', `${id}: ${end.data.why}`)
  }

  // A word is taken once, a button is used once.
  for (const field of ['dedupeKey', 'button'] as const) {
    const steps = commands.filter(({ kind, data }) => kind !== 'command.denied' && data[field] !== undefined)
    const all = steps.map(({ data }) => data[field])
    assert.equal(new Set(all).size, all.length, `${field} twice`)
  }
  for (const { data } of requested)
    if (data.dedupeKey !== undefined) assert.ok(stand.folded().commands.keys.has(digestOf(String(data.dedupeKey))))
}
