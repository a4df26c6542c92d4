import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foundOf } from '../../../core/command/found.ts'
import type { Command } from '../../../core/command/memory.ts'
import { emptyCommands } from '../../../core/command/memory.ts'
import type { Args } from '../../../core/command/port.ts'
import { rememberCommand } from '../../../core/command/remember.ts'
import type { Verb } from '../../../core/command/words.ts'
import type { Entry } from '../../../core/entry.ts'

type Told = Pick<Entry, 'kind'> & Partial<Pick<Entry, 'svc' | 'inc' | 'actor' | 'data'>>

/** A command that was started, and what the ledger says afterwards. */
function started(verb: Verb, args: Args, after: readonly Told[], by = 'telegram:1001'): Command {
  const memory = emptyCommands()
  const told: Told[] = [
    {
      kind: 'command.requested',
      data: { id: 'c1', verb, args, by, operator: 'alice', role: 'operator', via: 'telegram' },
    },
    { kind: 'command.started', data: { id: 'c1', verb, args, by } },
    ...after,
  ]
  for (const [seq, each] of told.entries()) {
    const fixed = { v: 1 as const, seq, prev: '', ts: '2026-08-21T11:00:00.000Z', mono: 0, boot: '', h: `h${seq}` }
    rememberCommand(memory, { ...fixed, data: {}, ...each })
  }
  return memory.byId.get('c1') ?? assert.fail()
}

const still = () => false
const moving = () => true
const app = { target: 'app' }
const ours = { actor: 'telegram:1001', data: { target: 'app' } }

test('a switch that had not begun was not begun; one that had goes on, and its end is what it led to', () => {
  const rollback = (...after: Told[]) => started('rollback', app, after)
  assert.deepEqual(foundOf(rollback(), moving)?.isGood, false)
  assert.match(foundOf(rollback(), moving)?.why ?? '', /nothing had been done/)
  // Somebody else's is none of it.
  const others: Told = { kind: 'rollback.started', actor: 'heald', data: { target: 'app' } }
  assert.match(
    foundOf(rollback(others, { kind: 'rollback.verified', data: { target: 'app' } }), still)?.why ?? '',
    /nothing/,
  )
  const begun: Told = { kind: 'rollback.started', ...ours }
  assert.equal(foundOf(rollback(begun), moving), null, 'not over yet')
  assert.match(foundOf(rollback(begun), still)?.why ?? '', /how it ended is not known/)
  const verified = foundOf(rollback(begun, { kind: 'rollback.verified', data: { target: 'app' } }), still)
  assert.deepEqual(verified, { isGood: true, why: 'it was led back (#3)' })
  const held = foundOf(rollback(begun, { kind: 'rollback.held', data: { target: 'app', why: 'no way back' } }), still)
  assert.deepEqual(held, { isGood: false, why: 'the target is held (#3): no way back' })
})

test('of a deploy being led back is the bad end', () => {
  const deploy = (...after: Told[]) => started('deploy', { ...app, ref: 'r2' }, after)
  const begun: Told = { kind: 'switch.armed', ...ours }
  const end = (kind: Entry['kind']): Told => ({ kind, data: { target: 'app' } })
  assert.equal(foundOf(deploy(begun, end('switch.committed')), still)?.isGood, true)
  assert.equal(foundOf(deploy(begun, end('rollback.started'), end('rollback.verified')), still)?.isGood, false)
  assert.equal(foundOf(deploy(begun, end('switch.failed')), still)?.isGood, false)
  // What comes after its own end is not its doing.
  assert.equal(foundOf(deploy(begun, end('switch.committed'), end('rollback.held')), still)?.isGood, true)
})

test('services: what was recorded of them', () => {
  const web = { svc: 'web' }
  const service = (verb: Verb, ...kinds: Entry['kind'][]) =>
    foundOf(
      started(
        verb,
        { service: 'web' },
        kinds.map(kind => ({ kind, ...web })),
      ),
      still,
    )
  // A process is signalled before that is recorded, so nobody can say that nothing was done.
  for (const verb of ['stop', 'restart'] as const)
    assert.deepEqual([service(verb)?.isGood, /not known/.test(service(verb)?.why ?? '')], [false, true])
  assert.equal(service('stop', 'service.stopped')?.isGood, true)
  assert.equal(service('restart', 'service.started')?.isGood, true)
  assert.match(service('restart', 'service.stopped')?.why ?? '', /stopped and not started/)
  assert.equal(service('start', 'service.started')?.isGood, true)
  assert.equal(service('start', 'service.held')?.isGood, false)
  assert.equal(
    foundOf(started('stop', { service: 'web' }, [{ kind: 'service.stopped', svc: 'db' }]), still)?.isGood,
    false,
  )
})

test('the rest: done if its entry is there', () => {
  const cases: [Verb, Args, Told][] = [
    ['ack', { id: 'web-1' }, { kind: 'incident.acked', inc: 'web-1' }],
    ['resolve', { id: 'web-1' }, { kind: 'incident.resolved', inc: 'web-1' }],
    ['silence', { service: 'web', for: '1h' }, { kind: 'silence.created', data: { by: 'telegram:1001' } }],
    ['unsilence', { id: 'silence-1' }, { kind: 'silence.ended', data: { id: 'silence-1' } }],
    ['freeze', {}, { kind: 'freeze.on' }],
    ['unfreeze', {}, { kind: 'freeze.off' }],
  ]
  for (const [verb, args, effect] of cases) {
    assert.equal(foundOf(started(verb, args, [effect]), still)?.isGood, true, verb)
    assert.equal(foundOf(started(verb, args, []), still)?.isGood, false, verb)
    const other = { ...effect, inc: 'other-9', data: { by: 'somebody', id: 'other' } }
    if (verb !== 'freeze' && verb !== 'unfreeze')
      assert.equal(foundOf(started(verb, args, [other]), still)?.isGood, false, verb)
  }
})
