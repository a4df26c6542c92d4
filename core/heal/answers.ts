import { Fault } from '../fault.ts'
import { type Facts, isReady } from './facts.ts'
import type { Seat } from './host.ts'
import { SHOWN } from './state.ts'

/** What people who order something of a service are answered: true: it is so; false: not yet. */
export interface Answers {
  /** The instance that failed is gone to the last of it. */
  cleared(): boolean
  becameReady(): boolean | Fault
  stopped(): boolean | Fault
  /** Throws once it is being stopped for good: nobody's earlier or later wish may start it again beside that. */
  refuseWhenClosing(): void
  /** Throws where it is not known yet whether it runs, or the host would not stop it: before anything is touched. */
  refuseStop(): void
  /** Throws where the host would not restart it. */
  refuseRestart(): Promise<void>
}

/** `isRemembered`: what the ledger remembers of it is known. */
export function answersOf(facts: Facts, seat: Seat, isRemembered: () => boolean): Answers {
  const { name } = facts

  function refused(what: 'stopped' | 'restarted', why: string): Fault {
    const hint = 'what runs goes on; where its unit is why, mend that and run systemctl daemon-reload'
    return new Fault('service.failed', `${name} was not ${what}: ${why}`, { hint })
  }

  return {
    cleared: () => facts.phase !== 'clearing' && facts.phase !== 'loopClearing',
    becameReady() {
      const { phase, refusal, lastTrouble } = facts
      if (refusal !== null) return refused('restarted', refusal)
      if (isReady(facts)) return true
      if (['starting', 'stopping', 'restarting', 'loopRunning'].includes(phase)) return false
      const why = lastTrouble || facts.why || `it is ${SHOWN[phase]}`
      return new Fault('service.failed', `${name} did not get ready: ${why}`, {
        hint: `look at its output: heald logs ${name}`,
        retry: 'now',
      })
    },
    stopped() {
      const { phase, refusal } = facts
      if (refusal !== null) return refused('stopped', refusal)
      if (phase === 'stopped') return true
      if (phase === 'stopping') return false
      return new Fault('service.overridden', `${name} is ${SHOWN[phase]}: somebody asked for a start meanwhile`, {
        hint: 'stop it again if it is still to be stopped',
        retry: 'now',
      })
    },
    refuseWhenClosing() {
      if (!facts.goingDown) return
      throw new Fault('daemon.stopping', `${name} is being stopped for good`, {
        hint: 'wait until that is done',
        retry: 2000,
      })
    },
    refuseStop() {
      const isKnown = isRemembered() && seat.rests?.()?.isKnown !== false
      if (facts.phase === 'stopped' && facts.unclear !== null && !isKnown) {
        const why = isRemembered() ? facts.why : 'the ledger is still being read'
        const hint = 'ask again in a moment'
        throw new Fault('service.unclear', `${name} was not stopped: ${why}`, { hint, retry: 2000 })
      }
      const why = seat.refusesStop?.() ?? null
      if (why !== null) throw refused('stopped', why)
    },
    async refuseRestart() {
      const why = (await seat.refusesRestart?.()) ?? null
      if (why !== null) throw refused('restarted', why)
    },
  }
}
