import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ref } from '../../../core/safeswitch/journal.ts'
import { disturbed, GOOD, type Kind, NEW, next, OLD, outcomes, start, type World } from './world.ts'

/** More steps than this without an end means that a switch goes round in circles. */
const STEPS = 60

interface Explored {
  readonly worlds: number
  readonly transitions: number
  readonly ends: number
}

/** Visits every world that can be reached from `first`; `visit` judges each of them. */
function explore(first: World, kind: Kind, visit: (world: World, path: readonly string[]) => boolean): Explored {
  const seen = new Map<string, { readonly before: string | null; readonly by: string }>()
  const queue: World[] = [first]
  seen.set(JSON.stringify(first), { before: null, by: 'start' })
  let transitions = 0
  let ends = 0
  const pathTo = (key: string): string[] => {
    const path: string[] = []
    for (let at: string | null = key; at !== null; at = seen.get(at)?.before ?? null)
      path.unshift(seen.get(at)?.by ?? '')
    return path
  }
  for (let world = queue.pop(); world !== undefined; world = queue.pop()) {
    const key = JSON.stringify(world)
    const act = next(world)
    if (visit(world, pathTo(key))) ends += 1
    const by = act.act === 'record' ? act.step.kind : act.act
    const reached = [
      ...outcomes(world, act, kind).map(each => ({ each, by })),
      ...disturbed(world).map(each => ({ each, by: each.last })),
    ]
    for (const { each, by } of reached) {
      transitions += 1
      const name = JSON.stringify(each)
      if (seen.has(name)) continue
      seen.set(name, { before: key, by })
      queue.push(each)
    }
  }
  return { worlds: seen.size, transitions, ends }
}

/** What it comes to when nobody disturbs any more. */
function settled(world: World, kind: Kind): World {
  let at: World = { ...world, disturbances: 0, failures: 0 }
  for (let n = 0; n < STEPS; n += 1) {
    const act = next(at)
    if (act.act === 'rest') return at
    at = outcomes(at, act, kind)[0] ?? assert.fail(`${act.act} leads nowhere`)
  }
  return assert.fail(`no end within ${STEPS} steps from ${JSON.stringify(world)}`)
}

const isGood = (world: World, ref: Ref) => world.journal.good.some(each => each.path === ref.path)

const WHOLE: readonly (string | null)[] = [GOOD.path, OLD.path, NEW.path]

for (const pointers of [1, 2] as const) {
  test(`every path ends on a generation that is known to be good, the dead-man disarmed (${pointers} pointers)`, t => {
    const kind = { pointers }
    let committed = 0
    const judge = (world: World, path: readonly string[]): boolean => {
      const end = settled(world, kind)
      const about = `${path.join(' → ')}\n${JSON.stringify(end)}`
      assert.equal(end.deadMan, null, about)
      assert.ok(end.journal.phase === 'idle' || end.journal.phase === 'held', about)
      const good = end.journal.good.map(each => each.path)
      if (end.journal.phase === 'idle') {
        assert.ok(end.running !== null && good.includes(end.running), `what runs is not known to be good: ${about}`)
        assert.ok(
          end.boot !== null && good.includes(end.boot),
          `a reboot leads to what is not known to be good: ${about}`,
        )
        if (good[0] === NEW.path) committed += 1
      } else {
        assert.ok(WHOLE.includes(end.boot), about)
      }
      return next(world).act === 'rest'
    }
    const found = explore(start({ disturbances: 3, failures: 2 }), kind, judge)
    assert.ok(committed > 0 && found.ends > 10, 'it ends in more than one way')
    t.diagnostic(`${pointers} pointers: ${found.worlds} states, ${found.transitions} transitions, ${found.ends} ends`)
  })

  test(`without failing acts, nothing but a known-good or committed generation is ever what a reboot leads to (${pointers} pointers)`, t => {
    const kind = { pointers }
    const found = explore(start({ disturbances: 3, failures: 0 }), kind, (world, path) => {
      const { phase, good } = world.journal
      const isMoving = phase === 'switching' || phase === 'probation' || phase === 'rollingBack'
      // Where there is one pointer it has to move for the probation; the entries say so before it does.
      const allowed = [
        GOOD.path,
        OLD.path,
        ...(good.some(each => each.path === NEW.path) || phase === 'committing' ? [NEW.path] : []),
      ]
      if (pointers === 1 && isMoving) return false
      assert.ok(world.boot !== null && (allowed.includes(world.boot) || phase === 'armed'), path.join(' → '))
      return next(world).act === 'rest'
    })
    t.diagnostic(`${pointers} pointers: ${found.worlds} states, ${found.transitions} transitions`)
  })
}

test('a candidate is tried only under a dead-man, and committed only after it was seen to be well', () => {
  for (const pointers of [1, 2] as const) {
    explore(start({ disturbances: 3, failures: 1 }), { pointers }, (world, path) => {
      const act = next(world)
      const about = path.join(' → ')
      const { phase, to } = world.journal
      if (act.act === 'activate' && act.to === to && phase === 'switching') assert.ok(world.deadMan !== null, about)
      if (act.act === 'record' && act.step.kind === 'switch.committing')
        assert.deepEqual([world.running, world.health, phase], [to?.path, 'passed', 'probation'], about)
      if (act.act === 'record' && (act.step.kind === 'rollback.verified' || act.step.kind === 'switch.committed'))
        assert.deepEqual([world.running, world.boot, world.deadMan], [to?.path, to?.path, null], about)
      if (act.act === 'settle' && phase === 'committing')
        assert.deepEqual([world.deadMan, world.running], [null, to?.path], about)
      if (isGood(world, NEW)) return false
      if (act.act === 'activate' && phase !== 'switching' && phase !== 'committing')
        assert.notEqual(act.to.path, NEW.path, about)
      return false
    })
  }
})

test('a switch that was cut short leads back, unless it was committed', () => {
  explore(start({ disturbances: 2, failures: 0 }), { pointers: 1 }, world => {
    const { phase } = world.journal
    const isCut = phase === 'armed' || phase === 'switching' || (phase === 'probation' && world.isRebooted)
    if (world.isOurs || isGood(world, NEW) || !isCut) return false
    for (const pointers of [1, 2] as const)
      assert.equal(settled({ ...world, order: null }, { pointers }).running, GOOD.path)
    return true
  })
})

test('a commit is never taken back by anything but an order', () => {
  explore(start({ disturbances: 3, failures: 2 }), { pointers: 2 }, (world, path) => {
    if (world.journal.phase !== 'committing') return false
    const end = settled({ ...world, order: null }, { pointers: 2 })
    assert.equal(end.running, NEW.path, path.join(' → '))
    return true
  })
})
