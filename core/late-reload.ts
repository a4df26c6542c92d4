import type { Control } from './api/control.ts'
import type { Clock } from './clock.ts'
import { codeOf, messageOf } from './fault.ts'

type How = Parameters<Control['reload']>[0]

export interface LateReload {
  /** Carries a reload out in its turn. One that is refused because of a switch is asked for again until that is over. */
  run<T>(how: How, order: () => Promise<T>): Promise<T>
  /** Nothing is asked for again. */
  release(): void
}

export interface LateReloadTools {
  readonly clock: Clock
  readonly warn: (text: string) => void
  readonly inTurn: <T>(order: () => Promise<T>) => Promise<T>
  /** Reloads by way of `run`. */
  readonly reload: (how: How) => Promise<unknown>
}

const AGAIN_MS = 5000

/**
 * Where a switch brings a new configuration of the very target that is switched, nobody else would ask again. The file is
 * taken as it is by then, and no services are restarted for it.
 */
export function lateReload({ clock, warn, inTurn, reload }: LateReloadTools): LateReload {
  let cancel = () => {}
  let isReleased = false

  function again(): void {
    reload({ dryRun: false, restart: false }).catch((error: unknown) => {
      if (codeOf(error) !== 'switch.busy')
        warn(`the configuration was not applied after the switch: ${messageOf(error)}`)
    })
  }

  return {
    async run({ dryRun }, order) {
      try {
        const done = await inTurn(order)
        if (!dryRun) cancel()
        return done
      } catch (error) {
        if (codeOf(error) === 'switch.busy' && !dryRun && !isReleased) {
          cancel()
          cancel = clock.after(AGAIN_MS, again)
        }
        throw error
      }
    },
    release() {
      isReleased = true
      cancel()
    },
  }
}
