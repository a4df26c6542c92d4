import { type Act, decide, type Seen } from '../../../core/safeswitch/decide.ts'
import { emptyJournal, follow, type Journal, type Ref } from '../../../core/safeswitch/journal.ts'

/** What the durable and the volatile world look like, as far as a switch is concerned. Plain data. */
export interface World extends Omit<Seen, 'deadMan' | 'isOurs' | 'isRebooted'> {
  readonly journal: Journal
  /** Where the dead-man would lead; null: it is not armed. */
  readonly deadMan: Ref | null
  readonly isOurs: boolean
  readonly isRebooted: boolean
  /** How many disturbances, and how many failures of acts, may still come. */
  readonly disturbances: number
  readonly failures: number
  /** The disturbance that came last, for the report. */
  readonly last: string
}

export const OLD: Ref = { generation: '1', path: '/old' }
export const GOOD: Ref = { generation: '2', path: '/good' }
export const NEW: Ref = { generation: '3', path: '/new' }

export interface Kind {
  /** A reboot leads to where the one pointer leads that runs as well. */
  readonly pointers: 1 | 2
}

export function start(budget: Pick<World, 'disturbances' | 'failures'>, good: readonly Ref[] = [GOOD, OLD]): World {
  const first = good[0] ?? null
  return {
    journal: emptyJournal(good),
    running: first?.path ?? '/unknown',
    boot: first?.path ?? '/unknown',
    deadMan: null,
    ...asleep,
    isRebooted: false,
    order: { verb: 'deploy', to: NEW },
    last: 'nothing',
    ...budget,
  }
}

/** What a daemon that has just started knows. */
const asleep = { isOurs: false, activation: null, settled: 'not yet', health: 'open', order: null } as const

export function next(world: World): Act {
  return decide(world.journal, { ...world, deadMan: world.deadMan === null ? 'none' : 'armed' })
}

/** Every world that carrying out `act` may lead to: done, failed, and, as a kill, cut short at any place. */
export function outcomes(world: World, act: Act, { pointers }: Kind): World[] {
  const fails = world.failures > 0 ? [{ ...world, failures: world.failures - 1 }] : []
  const cut = (worlds: World[]) => (world.disturbances > 0 ? worlds.map(each => killed(each, 'kill in the act')) : [])
  switch (act.act) {
    case 'record': {
      const fresh = { activation: null, settled: 'not yet', health: 'open', order: null } as const
      const written = { ...world, ...fresh, journal: follow(world.journal, act.step), isOurs: true, isRebooted: false }
      return [written, ...cut([written])]
    }
    case 'armDeadMan':
      return [{ ...world, deadMan: act.back }, ...cut([{ ...world, deadMan: act.back }])]
    case 'disarmDeadMan':
      return [{ ...world, deadMan: null }, ...cut([{ ...world, deadMan: null }])]
    case 'activate': {
      const moved = { ...world, running: act.to.path, boot: pointers === 1 ? act.to.path : world.boot }
      const failed = fails.flatMap(each => [
        { ...each, activation: 'failed' as const },
        { ...each, running: moved.running, boot: moved.boot, activation: 'failed' as const },
        // Half of it: nothing whole runs. A pointer is moved in one step, so where there is one only, it leads somewhere.
        { ...each, running: pointers === 1 ? moved.running : null, boot: moved.boot, activation: 'failed' as const },
      ])
      const half = pointers === 1 ? moved : { ...moved, running: null }
      return [{ ...moved, activation: 'done' as const }, ...failed, ...cut([moved, half])]
    }
    case 'settle': {
      const done = { ...world, boot: act.to.path }
      const failed = fails.map(each => ({ ...each, settled: 'failed' as const }))
      return [{ ...done, settled: 'done' as const }, ...failed, ...cut([done])]
    }
    case 'watch': {
      const well = { ...world, health: 'passed' as const }
      const isCandidate = world.running === NEW.path && world.journal.phase === 'probation'
      const unwell = isCandidate
        ? [{ ...world, health: 'failed' as const }]
        : fails.map(each => ({ ...each, health: 'failed' as const }))
      return [well, ...unwell]
    }
    case 'rest':
      return []
  }
}

/** Every world that a disturbance between two acts may lead to. */
export function disturbed(world: World): World[] {
  if (world.disturbances === 0) return []
  const off = { ...killed(world, 'power cut'), deadMan: null, isRebooted: true }
  const worlds = [killed(world, 'kill'), { ...off, running: world.boot }]
  const operator = { ...world, disturbances: world.disturbances - 1, last: 'operator' }
  worlds.push({ ...operator, order: { verb: 'rollback', to: GOOD } })
  worlds.push({ ...operator, order: { verb: 'deploy', to: NEW } })
  const { deadMan } = world
  if (deadMan !== null) {
    const fired = { running: deadMan.path, boot: deadMan.path, deadMan: null }
    worlds.push({ ...killed(world, 'dead-man'), ...fired })
    worlds.push({ ...world, ...fired, disturbances: world.disturbances - 1, last: 'dead-man beside heald' })
  }
  return worlds
}

function killed(world: World, last: string): World {
  return { ...world, ...asleep, disturbances: Math.max(0, world.disturbances - 1), last }
}
