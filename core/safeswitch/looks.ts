import type { Clock } from '../clock.ts'
import { asFault, messageOf } from '../fault.ts'
import type { Patient } from '../heal/patient.ts'
import type { Ref } from './journal.ts'
import type { Target, View } from './target.ts'

/** What was last seen of a target, and when. */
export interface Looks {
  /** The target, which remembers each look at it. */
  readonly target: Target
  /** Null: nothing was seen yet. */
  view(): View | null
  /** Why it can't be looked at, in words; null: it can. */
  blind(): string | null
  /** This was activated, and runs as far as the pointer says. */
  activated(to: Ref): void
}

export interface LookTools {
  readonly clock: Clock
  readonly patients: () => readonly Patient[]
  readonly warn: (text: string) => void
}

/**
 * `onLook` hears of each look: what was found, or why nothing was.
 *
 * A service that starts is told what the pointer said when it was last looked at. Where the pointer turns out to have been
 * put anew since then, be it for a moment only, nobody knows what the services read that started meanwhile.
 */
export function rememberLooks(
  target: Target,
  { clock, patients, warn }: LookTools,
  onLook: (found: View | string) => void,
): Looks {
  let view: View | null = null
  let blind: string | null = null
  /** Monotonic: the look that led to `view` began then. */
  let sinceMs = 0

  return {
    target: {
      ...target,
      async look() {
        const beganMs = clock.monoMs()
        try {
          const found = await target.look()
          if (view !== null && found.mark !== view.mark) for (const patient of patients()) patient.doubt(sinceMs)
          view = found
          sinceMs = beganMs
          blind = null
          onLook(found)
          return found
        } catch (error) {
          const words = messageOf(error)
          if (blind !== words) warn(`${target.name}: ${words}`)
          blind = words
          onLook(words)
          throw asFault(error)
        }
      },
    },
    view: () => view,
    blind: () => blind,
    activated(to) {
      if (view !== null) view = { ...view, running: { ...to, createdMs: 0 } }
    },
  }
}
