import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCard } from '../../bot/card.ts'
import { type Cards, emptyCards } from '../../bot/cards.ts'
import { followCommand, isToldElsewhere } from '../../bot/command-card.ts'
import { createOffering } from '../../bot/offering.ts'
import { render } from '../../bot/render.ts'
import type { CommandView } from '../../core/command/port.ts'
import type { Data, Entry } from '../../core/entry.ts'
import { fakeClock } from '../fakes/clock.ts'

const EXPIRES = '2026-01-02T00:00:00.000Z'
const BY_ALICE = { by: 'telegram:1001', operator: 'alice', via: 'telegram' }

/** Cards, and entries of one command, a second apart. */
function makeStory(verb: string, args: Data, needs: { approvals: number; code: boolean }) {
  const cards: Cards = emptyCards()
  let seq = 0
  const tell = (kind: string, data: Data = {}): string | null => {
    seq += 1
    const ts = `2026-01-01T00:00:${String(seq).padStart(2, '0')}.000Z`
    const entry = { v: 1, seq, ts, kind, data: { id: 'c7', ...data }, prev: '', h: 'ab'.repeat(32) }
    return followCommand(cards, entry as unknown as Entry)
  }
  const ask = () =>
    tell('command.requested', { ...{ verb, args, needs }, ...BY_ALICE, role: 'admin', expiresTs: EXPIRES })
  const card = () => cards.byId.get('command:c7') ?? assert.fail('there is no card')
  const state = () => {
    const { about } = card()
    return about.what === 'command' ? about.command.state : assert.fail(about.what)
  }
  const words = () => card().steps.map(each => each.words)
  return { cards, tell, ask, card, state, words }
}

const offer = (button: string) => ({
  button,
  word: 'approve',
  args: { id: 'c7' },
  label: 'Approve',
  expiresTs: EXPIRES,
})

test('a command is one card from what was asked for to what came of it, each step in few words', () => {
  const { tell, ask, card, state, words } = makeStory('rollback', { target: 'app' }, { approvals: 2, code: false })
  assert.equal(ask(), 'command:c7')
  assert.deepEqual([card().services, card().isOver, card().severity], [['app'], false, 'info'])
  const openedMs = card().alarmMs
  assert.equal(tell('command.awaiting', { offers: [offer('b1')] }), 'command:c7')
  assert.equal(card().alarmMs, openedMs + 1000, 'it needs people from here on')
  tell('command.approved', { by: 'discord:42', operator: 'bob', offers: [offer('b2')] })
  assert.deepEqual([state(), card().alarmMs], ['awaiting', openedMs + 1000])
  tell('command.approved', { by: 'slack:T/U3', operator: 'carol' })
  tell('command.started')
  tell('command.succeeded', { result: { outcome: 'rolled back' } })
  assert.deepEqual([state(), card().isOver, card().severity], ['succeeded', true, 'info'])
  assert.match(card().receipt, /^#6·/)
  assert.deepEqual(words().slice(2, 4), ['approved by bob; 1 more to come', 'approved by carol'])
  assert.equal(words()[0], 'asked for by alice')
  assert.ok(!words().some(each => each.startsWith('c7 (')), words().join())
})

test('an approval that does not count any more: the card says what core counts, not what it counted itself', async () => {
  const { cards, tell, ask, card, words } = makeStory('rollback', { target: 'app' }, { approvals: 2, code: false })
  const said = () => JSON.stringify(render(card(), { host: 'web-1', tz: 'UTC' }))
  ask()
  tell('command.awaiting')
  assert.match(said(), /It waits for 2 approvals/)
  tell('command.approved', { by: 'discord:42', operator: 'bob', needs: { approvals: 1, code: false } })
  assert.equal(words().at(-1), 'approved by bob; 1 more to come')
  assert.match(said(), /It waits for one approval\..*bob \(discord:42\)/)

  // The configuration is another one: bob is not in it.
  const clock = fakeClock()
  const asked: string[] = []
  const counted = { needs: { approvals: 2, code: false }, approvals: [], approvers: [], seq: 3 }
  const offering = createOffering({
    ...{ clock, cards, onChange: () => {}, warn: text => assert.fail(text) },
    link: {
      offers: async () => assert.fail('a command has its own'),
      command: async id => {
        asked.push(id)
        return counted as unknown as CommandView
      },
    },
  })
  offering.take({ kind: 'service.ready' } as Entry, [])
  await clock.advance(1000)
  assert.deepEqual(asked, [])
  offering.take({ kind: 'config.applied' } as Entry, [])
  await clock.advance(1000)
  assert.deepEqual(asked, ['c7'])
  assert.match(said(), /It waits for 2 approvals/)
  assert.doesNotMatch(said(), /Approved by/)
  tell('command.approved', { by: 'slack:T/U3', operator: 'carol', needs: { approvals: 1, code: false } })
  assert.equal(words().at(-1), 'approved by carol; 1 more to come')
  assert.match(said(), /It waits for one approval\./)
  assert.doesNotMatch(said(), /bob \(/)

  // Said by the entry alone, before core was asked.
  const other = makeStory('rollback', { target: 'app' }, { approvals: 2, code: false })
  other.ask()
  other.tell('command.awaiting')
  other.tell('command.approved', { by: 'discord:42', operator: 'bob', needs: { approvals: 1, code: false } })
  other.tell('command.approved', { by: 'slack:T/U3', operator: 'carol', needs: { approvals: 1, code: false } })
  assert.equal(other.words().at(-1), 'approved by carol; 1 more to come')
  assert.match(JSON.stringify(render(other.card(), { host: '', tz: 'UTC' })), /It waits for one approval\./)
})

test('with one code of whoever asked nothing is missing any more; what failed is a warning', () => {
  const { tell, ask, card, state, words } = makeStory('stop', { service: 'web' }, { approvals: 0, code: true })
  ask()
  assert.deepEqual(card().services, ['web'])
  tell('command.awaiting')
  tell('command.approved', { by: 'telegram:1001', operator: 'alice', codeStep: 1 })
  assert.deepEqual([words().at(-1), state()], ['approved by alice', 'approved'])
  tell('command.failed', { why: 'it does not stop' })
  assert.deepEqual([card().severity, card().isOver], ['warning', true])
})

test('what changes nothing about a command changes no card', () => {
  const { cards, tell, ask, card } = makeStory('freeze', {}, { approvals: 0, code: false })
  assert.equal(tell('command.started'), null, 'of a command that nobody has heard of')
  ask()
  const before = card()
  assert.equal(tell('command.offered', { about: 'target:app', offers: [offer('b1')] }), null)
  assert.equal(tell('command.denied', { by: 'telegram:6666', why: 'nobody' }), null)
  assert.equal(tell('service.started'), null)
  assert.equal(tell('command.succeeded', { id: 7 }), null, 'an id that is no text')
  assert.equal(ask(), null, 'read a second time')
  assert.equal(card(), before)
  assert.equal(cards.byId.size, 1)
})

test('a button that was used is taken off every card', () => {
  const { cards, tell, card } = makeStory('restart', { service: 'web' }, { approvals: 0, code: false })
  const about = { what: 'silence', match: 'web', untilMs: 0, by: '', why: '' } as const
  const offers = [
    { ...offer('bUsed'), word: 'restart', style: 'plain', code: false },
    { ...offer('bOther'), word: 'ack', style: 'plain', code: false },
  ] as const
  const other = newCard({ id: 'web-3', kind: 'incident', openedMs: 0, services: ['web'], about })
  cards.byId.set('web-3', { ...other, offers })
  tell('command.requested', { verb: 'restart', args: { service: 'web' }, ...BY_ALICE, button: 'bUsed' })
  assert.deepEqual(
    cards.byId.get('web-3')?.offers.map(({ button }) => button),
    ['bOther'],
  )
  assert.deepEqual(card().services, ['web'])
})

test('whoever may approve it is kept while it waits, and no longer', () => {
  const { cards, tell, ask, card } = makeStory('rollback', { target: 'app' }, { approvals: 2, code: false })
  ask()
  tell('command.awaiting')
  const bob = { operator: 'bob', name: 'bob', telegram: [], discord: ['42'], slack: [] }
  const { about } = card()
  if (about.what !== 'command') assert.fail(about.what)
  cards.byId.set('command:c7', { ...card(), about: { ...about, approvers: [bob as never] } })
  const approvers = () => {
    const now = card().about
    return now.what === 'command' ? now.approvers?.length : undefined
  }
  tell('command.approved', { by: 'discord:42', operator: 'bob' })
  assert.equal(approvers(), 1)
  tell('command.rejected', { why: 'carol turned it down' })
  assert.equal(approvers(), undefined)
})

test('what the answer and another card tell needs no card of its own, unless people have to do something about it', () => {
  const told = (verb: string, args: Data, needs: { approvals: number; code: boolean }, ...kinds: string[]) => {
    const { tell, ask, card } = makeStory(verb, args, needs)
    ask()
    for (const kind of kinds) tell(kind)
    return isToldElsewhere(card())
  }
  const free = { approvals: 0, code: false }
  assert.equal(told('ack', { id: 'web-3' }, free), true)
  assert.equal(told('silence', { service: 'web', for: '1h' }, free, 'command.started', 'command.succeeded'), true)
  assert.equal(told('ack', { id: 'web-3' }, free, 'command.started', 'command.failed'), false)
  assert.equal(told('ack', { id: 'web-3' }, { approvals: 1, code: false }), false)
  assert.equal(told('resolve', { id: 'web-3' }, { approvals: 0, code: true }), false)
  assert.equal(told('restart', { service: 'web' }, free), false)
  const about = { what: 'silence', match: 'web', untilMs: 0, by: '', why: '' } as const
  assert.equal(isToldElsewhere(newCard({ id: 's', kind: 'silence', openedMs: 0, services: [], about })), false)
})
