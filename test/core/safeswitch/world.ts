import { type Act, decide, type Seen } from '../../../core/safeswitch/decide.ts'
import { emptyJournal, follow, type Journal, type Ref } from '../../../core/safeswitch/journal.ts'

/** What the durable and the volatile world look like, as far as a switch is concerned. Plain data. */
export interface World extends Omit<Seen, 'deadMan' | 'detail'> {
  readonly journal: Journal
  /** Where the dead-man would lead; null: it is not armed. */
  readonly deadMan: Ref | null
  /** How many disturbances, and how many failures of acts, may still come. */
  readonly disturbances: number
  readonly failures: number
  /** The disturbance that came last, for the report. */
  readonly last: string
}

export const OLD: Ref = { generation: '1', path: '/old' }
export const GOOD: Ref = { generation: '2', path: '/good' }
export const NEW: Ref = { generation: '3', path: '/new' }
/** What somebody else switches to. */
export const OTHER: Ref = { generation: '4', path: '/other' }

export interface Kind {
  /** A reboot leads to where the one pointer leads that runs as well. */
  readonly pointers: 1 | 2
}

export interface Start {
  readonly disturbances: number
  readonly failures: number
  /** Left out: `GOOD` and `OLD`. */
  readonly good?: readonly Ref[]
  /** What runs; left out: the newest good one. */
  readonly running?: Ref
  readonly older?: readonly Ref[]
  readonly refusal?: string | null
  readonly isIrreversible?: boolean
  readonly order?: Seen['order']
}

/** What is known of a step that was only just recorded. */
const fresh = { activation: null, settled: 'not yet', health: 'open', isArmFailed: false, isUnderWay: false } as const

/** What a daemon that has just started knows. */
const asleep = {
  ...fresh,
  ...{ isOurs: false, order: null, isFresh: false, hasFired: false, isSoakDue: true },
} as const satisfies Partial<Seen>

export function start({ disturbances, failures, good = [GOOD, OLD], ...more }: Start): World {
  const running = more.running ?? good[0] ?? null
  return {
    ...asleep,
    journal: emptyJournal(good),
    running,
    boot: running?.path ?? null,
    deadMan: null,
    isRebooted: false,
    order: more.order === undefined ? { verb: 'deploy', to: NEW } : more.order,
    refusal: more.refusal ?? null,
    isIrreversible: more.isIrreversible ?? false,
    older: more.older ?? [],
    last: 'nothing',
    disturbances,
    failures,
  }
}

export function next(world: World): Act {
  return decide(world.journal, { ...world, detail: '', deadMan: world.deadMan?.path ?? null })
}

/** Every world that carrying out `act` may lead to: done, failed, and, as a kill, cut short at any place. */
export function outcomes(world: World, act: Act, { pointers }: Kind): World[] {
  const fails = world.failures > 0 ? [{ ...world, failures: world.failures - 1 }] : []
  const cut = (worlds: World[]) => (world.disturbances > 0 ? worlds.map(each => killed(each, 'kill in the act')) : [])
  switch (act.act) {
    case 'record': {
      const isRung = act.step.kind === 'rollback.started' || act.step.kind === 'rollback.failed'
      const written = {
        ...world,
        ...fresh,
        ...{ journal: follow(world.journal, act.step), isOurs: true, isRebooted: false, isSoakDue: false },
        isFresh: world.isFresh && !isRung,
        hasFired: world.hasFired && act.step.kind !== 'switch.armed' && act.step.kind !== 'switch.observed',
        order: act.answers === true ? null : world.order,
      }
      return [written, ...cut([written])]
    }
    case 'armDeadMan': {
      const armed = { ...world, deadMan: act.back, isFresh: true }
      return [armed, ...fails.map(each => ({ ...each, isArmFailed: true })), ...cut([armed])]
    }
    case 'disarmDeadMan': {
      const disarmed = { ...world, deadMan: null, isFresh: false }
      return [disarmed, ...cut([disarmed])]
    }
    case 'activate': {
      const moved = { ...world, running: act.to, boot: pointers === 1 ? act.to.path : world.boot }
      const failed = fails.flatMap(each => [
        { ...each, activation: 'failed' as const },
        { ...each, activation: 'reboot' as const },
        { ...each, running: moved.running, boot: moved.boot, activation: 'failed' as const },
        // Half of it: nothing whole runs. A pointer is moved in one step, so where there is one only, it leads somewhere.
        { ...each, running: pointers === 1 ? moved.running : null, boot: moved.boot, activation: 'failed' as const },
      ])
      const half = pointers === 1 ? moved : { ...moved, running: null }
      // Of the kind with two pointers, whoever comes next may take it up.
      const goesOn = pointers === 1 ? [] : cut([world, moved, half]).map(each => ({ ...each, isUnderWay: true }))
      return [{ ...ended(moved), activation: 'done' as const }, ...failed.map(ended), ...cut([moved, half]), ...goesOn]
    }
    case 'settle': {
      const done = { ...world, boot: act.to.path }
      const failed = fails.map(each => ({ ...each, settled: 'failed' as const }))
      return [{ ...done, settled: 'done' as const }, ...failed, ...cut([done])]
    }
    case 'watch': {
      const well = { ...world, health: 'passed' as const }
      const isDoubtful = world.running?.path === NEW.path || world.running?.path === OTHER.path
      const unwell = isDoubtful ? [{ ...world, health: 'failed' as const }] : []
      return [well, ...unwell, ...fails.map(each => ({ ...each, health: 'failed' as const }))]
    }
    case 'rest':
      return world.order === null ? [] : [{ ...world, order: null }]
  }
}

/** Every world that a disturbance between two acts may lead to. */
export function disturbed(world: World): World[] {
  if (world.disturbances === 0) return []
  const after = { ...world, disturbances: world.disturbances - 1 }
  const off = { ...ended(killed(world, 'power cut')), deadMan: null, isRebooted: true }
  const known = [GOOD, OLD, NEW, OTHER].find(({ path }) => path === world.boot) ?? null
  const worlds: World[] = [killed(world, 'kill'), { ...off, running: known }]
  worlds.push({
    ...after,
    last: 'operator',
    order: { verb: 'rollback', to: GOOD, cause: 'operator', why: 'asked for' },
  })
  worlds.push({ ...after, last: 'operator', order: { verb: 'deploy', to: NEW } })
  worlds.push({ ...after, last: 'crash loop', order: { verb: 'rollback', to: GOOD, cause: 'crashloop', why: 'loops' } })
  worlds.push({ ...after, last: 'somebody else', running: OTHER, boot: OTHER.path })
  const { deadMan } = world
  if (deadMan !== null) {
    const fired = { running: deadMan, boot: deadMan.path, deadMan: null, isFresh: false }
    worlds.push({ ...ended(killed(world, 'dead-man')), ...fired })
    worlds.push({ ...ended(after), ...fired, hasFired: true, last: 'dead-man beside heald' })
  }
  return worlds
}

function killed(world: World, last: string): World {
  const { isUnderWay } = world
  return { ...world, ...asleep, isUnderWay, disturbances: Math.max(0, world.disturbances - 1), last }
}

/** Nothing of an activation runs, nor is there word of how one ended. */
function ended(world: World): World {
  return { ...world, isUnderWay: false }
}
