import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Action, type Event, type Phase, SHOWN, step } from '../../../core/heal/state.ts'
import { TRANSITIONS } from '../../../core/heal/transitions.ts'

const PHASES = Object.keys(TRANSITIONS) as Phase[]
const EVENTS = Object.keys(TRANSITIONS.stopped) as Event[]

/** A host as small as can be: what the actions ask for, and which events may follow from it. */
interface World {
  readonly phase: Phase
  /** The main process runs. */
  readonly alive: boolean
  /** Something of the tree may be left. */
  readonly littered: boolean
  /** `start` was performed, `launched` not yet fed. */
  readonly launching: boolean
  /** The tree is being killed or stopped. */
  readonly clearing: boolean
  readonly restartTimer: boolean
  readonly probes: boolean
  readonly stableTimer: boolean
  /** A failure was counted and may turn out to be one too many. */
  readonly counted: boolean
}

const NEW: World = {
  phase: 'stopped',
  alive: false,
  littered: false,
  launching: false,
  clearing: false,
  restartTimer: false,
  probes: false,
  stableTimer: false,
  counted: false,
}

/** Events that people and other parts may send at any time. */
const ASKED = ['wanted', 'stopAsked', 'renewed', 'held', 'released'] as const

/** Events that the world itself may send now. */
function coming(world: World): Event[] {
  const events: Event[] = []
  if (world.launching) events.push('launched')
  if (world.alive) events.push('ended', 'endedStayDown')
  if (world.clearing && !world.alive && !world.launching) events.push('treeEmpty')
  if (world.restartTimer) events.push('backoffOver')
  if (world.probes) events.push('readyPassed', 'readinessFailed', 'readinessPassed', 'hung', 'startupFailed')
  if (world.stableTimer) events.push('stable')
  if (world.counted) events.push('loopDetected')
  return events
}

/** What the world has done by itself when it sends `event`. */
function happen(world: World, event: Event): World {
  if (event === 'launched') return { ...world, launching: false }
  if (event === 'ended' || event === 'endedStayDown') return { ...world, alive: false }
  if (event === 'treeEmpty') return { ...world, clearing: false, littered: false }
  if (event === 'backoffOver') return { ...world, restartTimer: false }
  if (event === 'stable') return { ...world, stableTimer: false }
  if (event === 'loopDetected') return { ...world, counted: false }
  return world
}

function perform(world: World, action: Action): World {
  switch (action) {
    case 'start':
      assert(!world.alive && !world.littered && !world.launching, 'a second instance was started beside the first')
      return { ...world, alive: true, littered: true, launching: true }
    case 'stopTree':
    case 'killTree':
      return { ...world, clearing: true }
    case 'callOff':
      return { ...world, clearing: false }
    case 'scheduleRestart':
      return { ...world, restartTimer: true }
    case 'cancelRestart':
      return { ...world, restartTimer: false }
    case 'watch':
      return { ...world, probes: true }
    case 'unwatch':
      return { ...world, probes: false, stableTimer: false }
    case 'awaitStable':
      return { ...world, stableTimer: true }
    case 'cancelStable':
      return { ...world, stableTimer: false }
    case 'countFailure':
      return { ...world, counted: true }
    default:
      return world
  }
}

function feed(before: World, event: Event): World {
  const happened = happen(before, event)
  const { to, actions } = step(happened.phase, event)
  return actions.reduce(perform, { ...happened, phase: to })
}

function keyOf(world: World): string {
  return JSON.stringify(world)
}

/** Every world that can be reached, with a shortest way there. */
function explore(starts: readonly World[], eventsOf: (world: World) => readonly Event[]): Map<string, World> {
  const found = new Map(starts.map(world => [keyOf(world), world]))
  const ways = new Map(starts.map(world => [keyOf(world), [] as Event[]]))
  for (const [key, world] of found) {
    for (const event of eventsOf(world)) {
      const way = [...(ways.get(key) ?? []), event]
      let next: World
      try {
        next = feed(world, event)
        check(next)
      } catch (error) {
        if (error instanceof Error) error.message += `\nafter ${way.join(', ')}`
        throw error
      }
      if (found.has(keyOf(next))) continue
      found.set(keyOf(next), next)
      ways.set(keyOf(next), way)
    }
  }
  return found
}

const AT_REST: readonly Phase[] = ['stopped', 'held']
const RUNNING: readonly Phase[] = ['starting', 'ready', 'unhealthy', 'loopRunning']

function check(world: World): void {
  const told = keyOf(world)
  const isPending = world.alive || world.launching || world.clearing || world.restartTimer
  if (AT_REST.includes(world.phase)) {
    assert(!isPending && !world.littered && !world.probes && !world.stableTimer, `at rest, yet not quiet: ${told}`)
    return
  }
  assert(isPending, `wanted, and nothing will ever happen again: ${told}`)
  if (RUNNING.includes(world.phase)) {
    assert(world.alive, `shown as running, but nothing runs: ${told}`)
    assert(world.probes || world.launching, `runs unwatched: ${told}`)
    assert(!world.clearing && !world.restartTimer, `runs and is being ended at once: ${told}`)
  } else {
    assert(!world.probes && !world.stableTimer, `still watched: ${told}`)
  }
  if (world.stableTimer) assert(world.phase === 'ready' || world.phase === 'loopRunning', told)
  assert.equal(world.restartTimer, ['backoff', 'loopBackoff'].includes(world.phase), told)
  assert.equal(
    world.clearing,
    ['clearing', 'loopClearing', 'stopping', 'restarting', 'holding'].includes(world.phase),
    told,
  )
}

/** Nothing runs, or an instance of an earlier daemon is found, which is fed in before anything else. */
const BEGINNINGS = [
  NEW,
  feed({ ...NEW, alive: true, littered: true }, 'launched'),
  feed({ ...NEW, phase: 'held', alive: true, littered: true }, 'launched'),
]
const mayGoOn = ({ phase, alive, launching }: World) => alive && !launching && /^(stopping|restarting)$/.test(phase)
const everything = (world: World) => [...ASKED, ...(mayGoOn(world) ? ['goesOn' as const] : []), ...coming(world)]

test('every phase answers every event, and an ignored one changes nothing', t => {
  let transitions = 0
  for (const phase of PHASES) {
    assert.deepEqual(Object.keys(TRANSITIONS[phase]).sort(), [...EVENTS].sort(), phase)
    for (const event of EVENTS) {
      const answer = step(phase, event)
      assert(PHASES.includes(answer.to))
      if (TRANSITIONS[phase][event] === 'ignored') assert.deepEqual(answer, { to: phase, actions: [] })
      else transitions += 1
    }
    assert.ok(SHOWN[phase])
  }
  t.diagnostic(`${PHASES.length} phases, ${EVENTS.length} events, ${transitions} transitions`)
})

test('in every order of events: one instance at most, never unwatched, never forgotten', t => {
  const worlds = explore(BEGINNINGS, everything)
  const reached = new Set([...worlds.values()].map(world => world.phase))
  assert.deepEqual([...reached].sort(), [...PHASES].sort(), 'every phase can be reached')
  t.diagnostic(`${worlds.size} situations`)
})

test('from every situation a stop ends in stopped, by what the world does alone', () => {
  for (const world of explore(BEGINNINGS, everything).values()) {
    const asked = feed(world, 'stopAsked')
    for (const end of explore([asked], coming).values()) {
      if (coming(end).every(event => event === 'loopDetected')) assert.equal(end.phase, 'stopped', keyOf(end))
      assert(!RUNNING.includes(end.phase), `started again after a stop: ${keyOf(end)}`)
    }
  }
})

/** What the world sends when nothing further goes wrong. */
function kindly(world: World): Event[] {
  const wrong: readonly Event[] = ['endedStayDown', 'hung', 'startupFailed', 'readinessFailed', 'loopDetected']
  return coming(world).filter(event => !wrong.includes(event))
}

/** Phases that the world alone can bring it to. */
function endsOf(world: World, eventsOf: (world: World) => readonly Event[]): Phase[] {
  return [...explore([world], eventsOf).values()].map(end => end.phase)
}

test('from every situation in which it is wanted, the world alone brings it back to ready', () => {
  for (const world of explore(BEGINNINGS, everything).values()) {
    const isDown = [...AT_REST, 'stopping', 'holding'].includes(world.phase)
    if (!isDown) assert(endsOf(world, kindly).includes('ready'), `no way back to ready from ${keyOf(world)}`)
    assert(endsOf(feed(world, 'wanted'), kindly).includes('ready'), `a start is not heard in ${keyOf(world)}`)
    if (world.phase === 'held' || world.phase === 'holding')
      assert(endsOf(feed(world, 'released'), kindly).includes('ready'), `a release is not heard in ${keyOf(world)}`)
  }
})

test('a start asked for during a delay does not wait for its end', () => {
  assert(step('backoff', 'wanted').actions.includes('start'))
  assert(step('loopBackoff', 'wanted').actions.includes('start'))
})

test('a hold, and an exit that asks to stay down, end in held and nothing else', () => {
  for (const world of explore(BEGINNINGS, everything).values()) {
    const steps: Event[] = world.phase === 'stopping' ? [] : ['held']
    if (world.alive && !['stopping', 'restarting'].includes(world.phase)) steps.push('endedStayDown')
    for (const event of steps) {
      const ways = [...explore([feed(world, event)], coming).values()]
      const isHeld = ways.every(way => way.phase === 'holding' || way.phase === 'held')
      assert(isHeld && ways.some(way => way.phase === 'held'), `${event} in ${keyOf(world)}`)
    }
  }
})

test('whatever starts and ends is recorded, in every situation', () => {
  for (const world of explore(BEGINNINGS, everything).values()) {
    const { actions: started } = step(world.phase, 'launched')
    // One that has ended already is recorded by its end.
    if (world.launching && world.alive) assert(started.includes('recordStarted'), keyOf(world))
    if (!world.alive) continue
    assert(step(world.phase, 'ended').actions.includes('recordExit'), keyOf(world))
    assert(step(world.phase, 'endedStayDown').actions.includes('recordExit'), keyOf(world))
  }
})

test('failed checks: a hang or a failed start is killed, failed readiness is only shown', () => {
  for (const [phase, event, to] of [
    ['ready', 'hung', 'clearing'],
    ['unhealthy', 'hung', 'clearing'],
    ['loopRunning', 'hung', 'loopClearing'],
    ['starting', 'startupFailed', 'clearing'],
    ['loopRunning', 'startupFailed', 'loopClearing'],
  ] as const) {
    assert.equal(step(phase, event).to, to)
    assert(step(phase, event).actions.includes('killTree'))
  }
  assert.deepEqual(step('ready', 'readinessFailed'), { to: 'unhealthy', actions: ['cancelStable', 'recordUnhealthy'] })
  assert.deepEqual(step('unhealthy', 'readinessPassed'), { to: 'ready', actions: ['recordHealthy', 'awaitStable'] })
  assert.deepEqual(step('loopRunning', 'readinessFailed').actions, ['cancelStable', 'recordUnhealthy'])
  assert.deepEqual(step('loopRunning', 'readinessPassed').actions, ['recordHealthy', 'awaitStable'])
})

test('stability is awaited from ready on, and forgets what was', () => {
  for (const phase of ['starting', 'loopRunning'] as const)
    assert.deepEqual(step(phase, 'readyPassed').actions, ['recordReady', 'awaitStable'])
  for (const phase of ['ready', 'loopRunning'] as const)
    assert.deepEqual(step(phase, 'stable'), { to: 'ready', actions: ['resetCounts'] })
})

test('a crash is answered in one turn: gone, scheduled, started', () => {
  assert.deepEqual(step('ready', 'ended'), {
    to: 'clearing',
    actions: ['unwatch', 'recordExit', 'countFailure', 'killTree'],
  })
  assert.deepEqual(step('clearing', 'treeEmpty'), { to: 'backoff', actions: ['scheduleRestart', 'recordRestarting'] })
  assert.deepEqual(step('backoff', 'backoffOver'), { to: 'starting', actions: ['start'] })
})

test('a crash loop is left by staying ready, not by getting ready', () => {
  assert.equal(step('clearing', 'loopDetected').to, 'loopClearing')
  assert.equal(step('starting', 'loopDetected').to, 'loopRunning')
  // Counted late: the delay that runs is replaced by the slow one.
  assert.equal(step('backoff', 'loopDetected').to, 'loopBackoff')
  assert(step('backoff', 'loopDetected').actions.includes('scheduleRestart'))
  assert.equal(step('loopRunning', 'readyPassed').to, 'loopRunning')
  assert.equal(step('loopRunning', 'stable').to, 'ready')
  for (const phase of ['loopRunning', 'loopClearing', 'loopBackoff'] as const) assert.equal(SHOWN[phase], 'looping')
  // A stop has the host keep from its own restart there too.
  assert.deepEqual(step('loopClearing', 'stopAsked'), step('clearing', 'stopAsked'))
  assert.deepEqual(step('loopBackoff', 'stopAsked'), step('backoff', 'stopAsked'))
})

test('each failure is counted once: where the process ends, not where it is killed', () => {
  for (const phase of PHASES) {
    for (const event of EVENTS) {
      const counts = step(phase, event).actions.filter(action => action === 'countFailure').length
      const isFailure = event === 'ended' && [...RUNNING, 'clearing', 'loopClearing'].includes(phase)
      assert.equal(counts, isFailure ? 1 : 0, `${phase} × ${event}`)
    }
  }
})
