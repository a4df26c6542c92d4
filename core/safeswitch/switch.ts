import type { Clock } from '../clock.ts'
import { messageOf } from '../fault.ts'
import { type Act, decide, type Order, type Seen } from './decide.ts'
import { follow, type Journal, type Ref, type Step } from './journal.ts'
import type { Target, View } from './target.ts'

/** Outside the daemon: leads back when heald does not come back in time. All may be called twice. */
export interface DeadMan {
  /** Resolves once it stands, durably; replaces one that stands. */
  arm(back: Ref | null): Promise<void>
  disarm(): Promise<void>
  isArmed(): Promise<boolean>
}

export interface SwitchTools {
  readonly target: Target
  readonly deadMan: DeadMan
  readonly clock: Clock
  /** Resolves when the step is durable. When it rejects, nothing further is done until `run` is called again. */
  readonly record: (step: Step) => Promise<void>
  /** Says whether the services are well with `to`, after as long a look as the configuration asks for. */
  readonly judge: (to: Ref, signal: AbortSignal) => Promise<'passed' | 'failed'>
  readonly activationDeadlineMs: number
  /** Whether the machine was booted since the journal's last step. */
  readonly isRebooted: boolean
}

/** One target being switched: performs what `decide.ts` says, one act at a time. */
export interface Switcher {
  journal(): Journal
  /**
   * Goes on from where the journal stands until there is nothing to do. Rejects with what kept it from going on: the
   * journal then stands where it stood, and calling again is safe. Calls while it runs get the same promise.
   */
  run(): Promise<void>
  /** Puts an order in, which is looked at before the next act, and ends a watch. Only one waits at a time: the newest. */
  order(order: Order): Promise<void>
}

/** Tries of one act that answers "not now" or fails to be durable, with pauses that double. */
const TRIES = 5
const PAUSE_FIRST_MS = 200
/** A ladder of three generations needs some forty acts. */
const MOST_ACTS = 200

interface Life {
  isOurs: boolean
  isRebooted: boolean
  activation: Seen['activation']
  settled: Seen['settled']
  health: Seen['health']
  order: Order | null
}

export function createSwitcher(first: Journal, tools: SwitchTools): Switcher {
  const { target, deadMan, clock } = tools
  let journal = first
  let running: Promise<void> | null = null
  let watching: AbortController | null = null
  const life: Life = { ...untouched(), isOurs: false, isRebooted: tools.isRebooted, order: null }

  async function look(): Promise<Seen> {
    const [view, isArmed] = await Promise.all([target.look(), deadMan.isArmed()])
    return { ...pathsOf(view), deadMan: isArmed ? 'armed' : 'none', ...life }
  }

  async function perform(act: Act): Promise<void> {
    switch (act.act) {
      case 'record':
        await tools.record(act.step)
        journal = follow(journal, act.step)
        Object.assign(life, untouched(), { isOurs: true, isRebooted: false })
        return
      case 'armDeadMan':
        return arm(act.back)
      case 'disarmDeadMan':
        return deadMan.disarm()
      case 'activate':
        life.activation = await activate(act.to)
        return
      case 'settle':
        life.settled = await settle(act.to)
        return
      case 'watch':
        return watch()
      case 'rest':
        return
    }
  }

  /** Nothing has moved yet: a switch that can't be made safe is called off. */
  async function arm(back: Ref | null): Promise<void> {
    try {
      await deadMan.arm(back)
    } catch (error) {
      const why = `the dead-man could not be armed: ${messageOf(error)}`
      await perform({ act: 'record', step: { kind: 'switch.failed', why } })
    }
  }

  async function activate(to: Ref): Promise<Seen['activation']> {
    for (let n = 0; n < TRIES; n += 1) {
      try {
        const { verdict } = await target.activate({ ...to, createdMs: 0 }, tools.activationDeadlineMs)
        if (verdict !== 'retry') return verdict
      } catch {
        return 'failed'
      }
      await pause(n)
    }
    return 'failed'
  }

  async function settle(to: Ref): Promise<Seen['settled']> {
    const good = [to.path, ...journal.good.map(each => each.path)]
    for (let n = 0; n < TRIES; n += 1) {
      try {
        await target.settle({ ...to, createdMs: 0 }, good)
        return 'done'
      } catch {
        await pause(n)
      }
    }
    return 'failed'
  }

  async function watch(): Promise<void> {
    if (journal.to === null || life.order !== null) return
    watching = new AbortController()
    const { signal } = watching
    const interrupted = new Promise<'open'>(resolve => signal.addEventListener('abort', () => resolve('open')))
    try {
      life.health = await Promise.race([tools.judge(journal.to, signal), interrupted])
    } finally {
      watching = null
    }
  }

  function pause(n: number): Promise<void> {
    return new Promise(resolve => void clock.after(PAUSE_FIRST_MS * 2 ** n, resolve))
  }

  async function loop(): Promise<void> {
    for (let n = 0; n < MOST_ACTS; n += 1) {
      const seen = await look()
      const act = decide(journal, seen)
      await perform(act)
      // An order is answered by the entry it led to, or needs nothing. One that came meanwhile has its own turn.
      const isAnswered = act.act === 'record' || act.act === 'rest'
      if (isAnswered && life.order === seen.order) life.order = null
      if (act.act === 'rest' && life.order === null) return
    }
    throw new Error(`the switch of ${target.name} did not come to an end within ${MOST_ACTS} acts`)
  }

  function run(): Promise<void> {
    running ??= loop().finally(() => {
      running = null
    })
    return running
  }

  return {
    journal: () => journal,
    run,
    async order(order) {
      life.order = order
      watching?.abort()
      await run()
    },
  }
}

/** What a daemon knows of a step it has only just recorded. */
function untouched(): Pick<Life, 'activation' | 'settled' | 'health'> {
  return { activation: null, settled: 'not yet', health: 'open' }
}

function pathsOf({ running, boot }: View): Pick<Seen, 'running' | 'boot'> {
  return { running: running?.path ?? null, boot: boot?.path ?? null }
}
