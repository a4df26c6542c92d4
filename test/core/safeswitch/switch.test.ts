import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../../core/clock.ts'
import { emptyJournal, follow, type Journal, type Ref, type Step } from '../../../core/safeswitch/journal.ts'
import { createSwitcher, type SwitchTools } from '../../../core/safeswitch/switch.ts'
import type { Activation, Target, View } from '../../../core/safeswitch/target.ts'
import { GOOD, NEW, OLD } from './world.ts'

/** It stands still but for what a test adds. */
let monoMs = 0
const instant: Clock = {
  wallMs: () => 0,
  monoMs: () => monoMs,
  after(_, run) {
    const soon = setImmediate(run)
    return () => clearImmediate(soon)
  },
}

/** A target, a dead-man and a ledger in memory, which outlive the daemons that use them. */
interface WorldOptions {
  readonly well?: readonly string[]
  readonly killAt?: number
  readonly isBlind?: boolean
  readonly fail?: (what: string) => boolean
  /** How long an act, or an entry of the dead-man, takes. */
  readonly slow?: (what: string, world: { readonly running: string }) => Promise<void>
}

function makeWorld(options: WorldOptions = {}) {
  const world = { running: GOOD.path, boot: GOOD.path, deadMan: null as Ref | null, steps: [] as Step[], acts: 0 }
  const { well = [GOOD.path, OLD.path, NEW.path], fail = () => false } = options
  const { killAt = Number.POSITIVE_INFINITY } = options
  const killed = Promise.withResolvers<string>()
  /** Each act has two places to be killed at: before its effect, and after it but before its answer. */
  async function act<T>(what: string, effect: () => T): Promise<T> {
    // A killed daemon is never answered.
    const strike = async () => {
      if (world.acts++ !== killAt) return
      killed.resolve(what)
      await new Promise<never>(() => {})
    }
    await strike()
    await options.slow?.(what, world)
    if (fail(what)) throw new Error(`${what} fails`)
    const answer = effect()
    await strike()
    return answer
  }
  const known = [GOOD, OLD, NEW].map(ref => ({ ...ref, createdMs: 0 }))
  const at = (path: string) => known.find(each => each.path === path) ?? null
  const view = (): View => ({
    generations: known,
    running: at(world.running),
    boot: at(world.boot),
    movedMs: null,
    mark: '',
  })
  const done: Activation = { verdict: 'done', exitCode: 0, why: '' }
  const target: Target = {
    name: 't',
    kind: 'nixos',
    look: async () => (options.isBlind === true ? assert.fail('it is not there') : view()),
    resolve: async ref => at(ref) ?? assert.fail(),
    activate: to => act(`activate ${to.path}`, () => Object.assign(world, { running: to.path }) && done),
    settle: to => act(`settle ${to.path}`, () => void Object.assign(world, { boot: to.path })),
  }
  let journal: Journal = emptyJournal([GOOD, OLD])
  const tools: SwitchTools = {
    target,
    clock: instant,
    ...{ activationDeadlineMs: 1000, deadManMs: () => 1000, units: () => [], keepGood: 3, isRebooted: false },
    ...{ isIrreversible: () => false, isThere: () => true, warn: () => {} },
    ...{ refusal: () => null, older: () => [], onActivated: () => {} },
    async recordDeadMan(kind) {
      await options.slow?.(kind, world)
      if (fail(kind)) throw new Error(`${kind} fails`)
    },
    deadMan: {
      arm: back => act('arm', () => Object.assign(world, { deadMan: back }) && 'id'),
      disarm: () => act('disarm', () => void Object.assign(world, { deadMan: null })),
      look: async () =>
        options.isBlind === true
          ? assert.fail('nor is its dead-man')
          : { standing: world.deadMan && { id: 'id', path: world.deadMan.path }, fired: null },
      imported: async () => {},
      lock: async () => true,
      unlock: async () => {},
    },
    record: step =>
      act(step.kind, () => {
        world.steps.push(step)
        journal = follow(journal, step)
      }),
    judge: async ({ to }) => ({ health: well.includes(to?.path ?? '') ? 'passed' : 'failed', why: '' }),
  }
  return {
    world,
    killed: killed.promise,
    daemon: () => createSwitcher(journal, tools),
    kinds: () => world.steps.map(step => step.kind),
  }
}

test('a good candidate is proved and committed, a bad one leads back, in this order of entries', async () => {
  const good = makeWorld()
  await good.daemon().order({ verb: 'deploy', to: NEW })
  const committed = ['armed', 'activating', 'probation', 'committing', 'committed'].map(step => `switch.${step}`)
  assert.deepEqual(good.kinds(), committed)
  assert.deepEqual([good.world.running, good.world.boot, good.world.deadMan], [NEW.path, NEW.path, null])

  const bad = makeWorld({ well: [GOOD.path] })
  await bad.daemon().order({ verb: 'deploy', to: NEW })
  assert.deepEqual(bad.kinds(), [
    ...committed.slice(0, 3),
    'rollback.started',
    'rollback.activated',
    'rollback.verified',
  ])
  assert.deepEqual([bad.world.running, bad.world.boot, bad.world.deadMan], [GOOD.path, GOOD.path, null])
})

test('killed before and after each act, a daemon that starts anew comes to a safe end', async t => {
  let kills = 0
  for (const well of [[GOOD.path, OLD.path, NEW.path], [GOOD.path]]) {
    for (let killAt = 0; ; killAt += 1) {
      const { world, killed, daemon, kinds } = makeWorld({ well, killAt })
      const ended = daemon().order({ verb: 'deploy', to: NEW })
      const outcome = await Promise.race([ended.then(() => 'done'), killed])
      if (outcome === 'done') break
      kills += 1
      const next = daemon()
      await next.run()
      const about = `${outcome}, killed at ${killAt}: ${kinds().join(' ')}`
      assert.equal(next.journal().phase, 'idle', about)
      assert.ok(
        next.journal().good.some(each => each.path === world.running),
        about,
      )
      assert.equal(world.boot, world.running, about)
      assert.equal(world.deadMan, null, about)
      if (!kinds().includes('switch.committing')) assert.equal(world.running, GOOD.path, about)
    }
  }
  assert.ok(kills > 30, `${kills} kills`)
  t.diagnostic(`${kills} kills`)
})

test('the ladder: the same again, the next older, then hold; each with its entry', async () => {
  const { world, daemon, kinds } = makeWorld({ well: [], fail: what => what === `activate ${GOOD.path}` })
  const switcher = daemon()
  await switcher.order({ verb: 'deploy', to: NEW })
  assert.deepEqual(kinds().slice(3), [
    ...['rollback.started', 'rollback.failed', 'rollback.failed'],
    ...['rollback.activated', 'rollback.held'],
  ])
  assert.equal(switcher.journal().phase, 'held')
  assert.equal(world.running, OLD.path)
  assert.equal(world.deadMan, null)
})

test('what can not be recorded is not done', async () => {
  let isFull = false
  const { world, daemon, kinds } = makeWorld({ fail: what => isFull && /^(switch|rollback)/.test(what) })
  isFull = true
  await assert.rejects(daemon().order({ verb: 'deploy', to: NEW }), /fails/)
  assert.deepEqual([world.running, world.deadMan, kinds()], [GOOD.path, null, []])
})

test('a dead-man that can not be armed calls the switch off', async () => {
  const { world, daemon, kinds } = makeWorld({ fail: what => what === 'arm' })
  await daemon().order({ verb: 'deploy', to: NEW })
  assert.deepEqual(kinds(), ['switch.armed', 'switch.failed'])
  assert.equal(world.running, GOOD.path)
})

test('of two orders at once the newer one is carried out', async () => {
  const { world, daemon, kinds } = makeWorld()
  const switcher = daemon()
  // Two orders at once: the second takes the first one's place before it has begun.
  const first = assert.rejects(switcher.order({ verb: 'deploy', to: NEW }), { code: 'switch.changed' })
  const second = switcher.order({ verb: 'rollback', to: GOOD, cause: 'operator', why: '' })
  await Promise.all([first, second])
  assert.equal(world.running, GOOD.path)
  assert.equal(world.deadMan, null)
  assert.ok(!kinds().includes('switch.committed'), kinds().join(' '))
})

test('no act waits for the entry of the arming, and the end of the switch does', async () => {
  const disk = Promise.withResolvers<void>()
  const moved = Promise.withResolvers<void>()
  const { world, daemon, kinds } = makeWorld({
    async slow(kind, now) {
      if (kind !== 'deadman.disarmed') return
      assert.equal(now.running, GOOD.path)
      moved.resolve()
      await disk.promise
    },
  })
  world.running = NEW.path
  const switcher = daemon()
  let hasEnded = false
  const ended = switcher.order({ verb: 'rollback', to: GOOD, cause: 'operator', why: '' }).then(() => {
    hasEnded = true
  })
  await moved.promise
  while (!kinds().includes('rollback.verified')) await new Promise(resolve => setImmediate(resolve))
  assert.equal(hasEnded, false)
  disk.resolve()
  await ended
  assert.equal(switcher.journal().phase, 'idle')
})

test('an entry of the dead-man that is not to be had ends the run, and the next one goes on', async () => {
  let left = 1
  const { world, daemon } = makeWorld({
    fail: what => what === 'deadman.armed' && left-- > 0,
    // Long enough for Node to find that nobody has heard of the failure.
    slow: what => new Promise(resolve => setTimeout(resolve, what.startsWith('activate') ? 20 : 0)),
  })
  world.running = NEW.path
  const switcher = daemon()
  const order = { verb: 'rollback', to: GOOD, cause: 'operator', why: '' } as const
  await assert.rejects(switcher.order(order), { message: 'deadman.armed fails' })
  await switcher.run()
  assert.equal(switcher.journal().phase, 'idle')
  assert.deepEqual([world.boot, world.deadMan], [world.running, null])
})

test('neither the target nor its dead-man can be looked at: that is said, and nobody is left with a rejection', async () => {
  const { daemon, kinds } = makeWorld({ isBlind: true })
  await assert.rejects(daemon().run(), /nor is its dead-man/)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(kinds(), [])
})

test('an activation that took long leaves the probation a dead-man with all of its time', async () => {
  const armed = async (tookMs: number) => {
    let count = 0
    const slow = async (what: string) => {
      if (what === `activate ${NEW.path}`) monoMs += tookMs
      if (what === 'arm') count += 1
    }
    await makeWorld({ slow }).daemon().order({ verb: 'deploy', to: NEW })
    return count
  }
  const short = await armed(1000)
  assert.equal(await armed(20_000), short + 1)
})
