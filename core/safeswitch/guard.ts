import type { Clock } from '../clock.ts'
import type { Data } from '../entry.ts'
import { messageOf } from '../fault.ts'
import type { DeadMan, Fired } from './dead-man.ts'
import type { Ref, Step } from './journal.ts'

export interface GuardTools {
  readonly deadMan: DeadMan
  readonly clock: Clock
  readonly recordDeadMan: (kind: 'deadman.armed' | 'deadman.disarmed' | 'deadman.fired', data: Data) => Promise<void>
  /** How long the dead-man that is armed next waits. */
  readonly deadManMs: () => number
  /** Units of systemd that belong to the target. */
  readonly units: () => readonly string[]
  /** Told of trouble that stops nothing. */
  readonly warn: (text: string) => void
}

/** The dead-man of a switch, with its entries: what was armed by this daemon, and when. */
export interface Guard {
  /** Path that the one that stands would lead to; null: none stands. What one did that fired is recorded first. */
  look(): Promise<string | null>
  /** Resolves to why none could be armed; null: it stands. */
  arm(back: Ref, alsoAtBoot: boolean): Promise<string | null>
  disarm(): Promise<void>
  /** The one that stands was armed by this daemon for what is under way. */
  isFresh(): boolean
  /** One has fired since the switch under way began. */
  hasFired(): boolean
  /** A step was taken that may end what was true of a dead-man before it. */
  follow(step: Step['kind']): void
  /** What is under way has changed: the next one gets all of its time. */
  outdate(): void
  armedForMs(): number
  /** Resolves when all that happened is durable. */
  told(): Promise<void>
}

export function createGuard(name: string, tools: GuardTools): Guard {
  const { deadMan, clock } = tools
  let [isFresh, hasFired, armedMs] = [false, false, 0]
  /** What is being recorded of arming and disarming. */
  let telling: Promise<unknown> = Promise.resolve()

  /** No act depends on it (whether one stands is seen), so none waits for its place on the disk; the next step does. */
  function tell(kind: 'deadman.armed' | 'deadman.disarmed', data: Data): void {
    telling = Promise.all([telling, tools.recordDeadMan(kind, data)])
    // It is `told` that hears of it.
    telling.catch(() => {})
  }

  return {
    async look() {
      const { standing, fired } = await deadMan.look()
      if (fired !== null) {
        await tools.recordDeadMan('deadman.fired', firedData(fired))
        await deadMan.imported(fired.id)
        hasFired = true
      }
      return standing?.path ?? null
    },
    async arm(back, alsoAtBoot) {
      try {
        const afterMs = tools.deadManMs()
        const id = await deadMan.arm(back, afterMs, { alsoAtBoot, units: tools.units() })
        isFresh = true
        armedMs = clock.monoMs()
        tell('deadman.armed', { id, to: { ...back }, afterMs })
        return null
      } catch (error) {
        const why = messageOf(error)
        tools.warn(`${name}: no dead-man could be armed: ${why}`)
        return why
      }
    },
    async disarm() {
      isFresh = false
      await deadMan.disarm()
      tell('deadman.disarmed', {})
    },
    isFresh: () => isFresh,
    hasFired: () => hasFired,
    follow(step) {
      // Whatever fired before a switch began was none of its dead-men.
      if (step === 'switch.armed' || step === 'switch.observed') hasFired = false
      // Each rung of a rollback may take all the time that the dead-man leaves.
      if (step === 'rollback.started' || step === 'rollback.failed') isFresh = false
    },
    outdate() {
      isFresh = false
    },
    armedForMs: () => (isFresh ? clock.monoMs() - armedMs : 0),
    async told() {
      const last = telling
      telling = Promise.resolve()
      await last
    },
  }
}

function firedData({ id, to, atMs, result, why }: Fired): Data {
  return { id, to: { ...to }, at: new Date(atMs).toISOString(), result, why }
}
