import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { judge } from './rules.ts'
import { type Broken, makeStand, SPEAKERS, type Stand } from './stand.ts'

/*
 * Several operators, an outsider and the host say things at once, things are delivered again, buttons are pressed, the
 * world changes, the disk fails in both ways, time passes, and heald is killed at any moment. Judged by the entries and by
 * what was done in the end, by rules of their own.
 */

type Name = keyof typeof SPEAKERS
const NAMES = Object.keys(SPEAKERS) as Name[]

type Move =
  | {
      readonly move: 'say'
      readonly who: Name
      readonly line: string
      readonly code: 'right' | 'wrong' | 'used' | 'none'
    }
  | { readonly move: 'approve'; readonly who: Name }
  | { readonly move: 'again'; readonly nth: number; readonly who: Name | null }
  | { readonly move: 'press'; readonly who: Name; readonly nth: number; readonly code: 'right' | 'none' }
  | { readonly move: 'host'; readonly line: 'restart' | 'rollback' | 'stop' | 'approve' | 'deny' | 'unlock' }
  | { readonly move: 'offers' }
  | { readonly move: 'world'; readonly to: string; readonly when: 'now' | 'at the next start' }
  | { readonly move: 'service'; readonly to: 'running' | 'stopped' }
  | { readonly move: 'time'; readonly ms: number }
  | { readonly move: 'crash'; readonly isStored: boolean; readonly bySnapshot: boolean }
  | { readonly move: 'disk'; readonly broken: Broken }
  | { readonly move: 'turns'; readonly count: number }

const LINES = [
  // Two others have to approve it, so that few come to their end.
  ...Array<string>(4).fill('deploy app release-6'),
  ...['rollback app', 'rollback app release-3', 'restart agent', 'stop agent', 'freeze', 'unfreeze'],
  ...['approve c1', 'approve c2', 'approve c3', 'approve c4', 'deny c1', 'deny c2', 'deny c3', 'ack agent-1'],
  ...['silence agent 1h', 'unlock bob', 'status', 'restart nobody', 'rolback app'],
]

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      move: fc.constant('say' as const),
      who: fc.constantFrom(...NAMES),
      line: fc.constantFrom(...LINES),
      code: fc.constantFrom('right' as const, 'wrong' as const, 'used' as const, 'none' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ move: fc.constant('approve' as const), who: fc.constantFrom(...NAMES) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      move: fc.constant('again' as const),
      nth: fc.nat(30),
      who: fc.option(fc.constantFrom(...NAMES)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      move: fc.constant('press' as const),
      who: fc.constantFrom(...NAMES),
      nth: fc.nat(30),
      code: fc.constantFrom('right' as const, 'none' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      move: fc.constant('host' as const),
      line: fc.constantFrom(
        'restart' as const,
        'rollback' as const,
        'stop' as const,
        'approve' as const,
        'deny' as const,
        'unlock' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ move: fc.constant('offers' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      move: fc.constant('world' as const),
      to: fc.constantFrom('release-5', 'release-7'),
      when: fc.constantFrom('now' as const, 'at the next start' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      move: fc.constant('service' as const),
      to: fc.constantFrom('running' as const, 'stopped' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ move: fc.constant('time' as const), ms: fc.constantFrom(1000, 31_000, 300_000, 700_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ move: fc.constant('crash' as const), isStored: fc.boolean(), bySnapshot: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      move: fc.constant('disk' as const),
      broken: fc.constantFrom('no' as const, 'no' as const, 'not stored' as const, 'stored' as const),
    }),
  },
  { weight: 5, arbitrary: fc.record({ move: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 8 }) }) },
)

interface Said {
  readonly who: Name
  readonly line: string
  readonly key: string
}

/** Begins a move, and waits for nothing that it leads to. */
async function play(stand: Stand, said: Said[], next: Move): Promise<void> {
  const codeFor = (who: Name, kind: string): string | null => {
    const operator = who.startsWith('alice') ? 'alice' : who.startsWith('bob') ? 'bob' : null
    if (kind === 'none' || operator === null) return null
    if (kind === 'wrong') return '000000'
    return stand.code(operator, kind === 'used' ? -1 : 0)
  }
  const ignore = (work: Promise<unknown>) => void work.catch(() => {})
  switch (next.move) {
    case 'say': {
      const { platform, chat } = SPEAKERS[next.who]
      const key = `${platform}:bot:${chat}:${said.length}`
      said.push({ who: next.who, line: next.line, key })
      return ignore(stand.ask(SPEAKERS[next.who], next.line, { key, code: codeFor(next.who, next.code) }))
    }
    case 'approve': {
      const waiting = [...stand.folded().commands.byId.values()].findLast(({ state }) => state === 'awaiting')
      const line = `approve ${waiting?.id ?? 'c1'}`
      return play(stand, said, { move: 'say', who: next.who, line, code: 'right' })
    }
    case 'again': {
      const before = said[next.nth % Math.max(1, said.length)]
      if (before === undefined) return
      // A bot in the wrong hands may deliver it in somebody else's name.
      return ignore(stand.ask(SPEAKERS[next.who ?? before.who], before.line, { key: before.key }))
    }
    case 'press': {
      const buttons = [...stand.folded().commands.buttons.keys()]
      const button = buttons[next.nth % Math.max(1, buttons.length)]
      if (button !== undefined)
        ignore(stand.ask(SPEAKERS[next.who], { button }, { code: codeFor(next.who, next.code) }))
      return
    }
    case 'host': {
      const desk = stand.desk()
      const [first] = [...stand.folded().commands.byId.values()].filter(({ state }) => state === 'awaiting')
      const how = { by: 'local:admin/root', as: null, code: null }
      if (next.line === 'approve' || next.line === 'deny') return ignore(desk.decide(next.line, first?.id ?? 'c1', how))
      if (next.line === 'unlock') return ignore(desk.order('unlock', { operator: 'bob' }, 'local:admin'))
      const args = next.line === 'rollback' ? { target: 'app' } : { service: 'agent' }
      return ignore(desk.order(next.line, args, 'local:admin/root'))
    }
    case 'offers':
      return ignore(stand.desk().offers('agent-1'))
    case 'world':
      if (next.when === 'now') stand.world.current = next.to
      else
        stand.onWay = ({ kind, data }) => {
          if (kind !== 'command.started' || !(data.verb === 'rollback' || data.verb === 'deploy')) return
          stand.world.current = next.to
          stand.onWay = () => {}
        }
      return
    case 'service':
      stand.world.service = next.to
      return
    case 'time':
      return stand.clock.advance(next.ms)
    case 'crash':
      return stand.crash(next)
    case 'disk':
      stand.broken = next.broken
      return
    case 'turns':
      for (let turn = 0; turn < next.count; turn += 1) await nextTurn()
  }
}

test('whatever is said, pressed, delivered again, changed, broken and killed in whatever order: the rules hold', async () => {
  const runs = Number(process.env.HEALD_SOAK_COMMANDS ?? 1500)
  const kinds = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 60 }), async moves => {
      const stand = makeStand()
      const said: Said[] = []
      for (const next of moves) await play(stand, said, next)
      // What is left comes to its end: a sound disk, a last restart, and time.
      stand.broken = 'no'
      await stand.settle()
      stand.crash()
      for (let n = 0; n < 4; n += 1) {
        await stand.settle()
        await stand.clock.advance(700_000)
      }
      await stand.settle()
      judge(stand)
      const seen = [...stand.entries.map(({ kind }) => kind), ...stand.performed.map(({ verb }) => `did ${verb}`)]
      if (stand.refused.length > 0) seen.push('moved after the start')
      for (const each of seen) kinds.set(each, (kinds.get(each) ?? 0) + 1)
    }),
    { numRuns: runs, endOnFailure: false },
  )
  // The walks have been everywhere.
  const places = [
    'requested',
    'denied',
    'awaiting',
    'approved',
    'rejected',
    'expired',
    'started',
    'succeeded',
    'failed',
  ]
  const deeds = ['rollback', 'deploy', 'restart', 'stop', 'freeze', 'unfreeze', 'unlock', 'silence']
  for (const place of [
    ...places.map(kind => `command.${kind}`),
    'command.offered',
    'moved after the start',
    ...deeds.map(verb => `did ${verb}`),
  ])
    assert.ok((kinds.get(place) ?? 0) > 0, `${place}: ${kinds.get(place)}`)
})
