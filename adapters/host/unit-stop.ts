import { BusError } from './bus-call.ts'
import type { SystemdBus } from './systemd-bus.ts'
import { wordsOf } from './unit-evidence.ts'
import { awaitsRestart, isDown, type UnitView } from './unit-view.ts'

/** A stop of ours: asked for, perhaps again when nobody heard it, and over when a picture shows that it works, or has come to nothing. */
export interface UnitStop {
  /** Has it stopped. */
  begin(): void
  /** It has ended, or is to run. Safe to call at any time. */
  end(): void
  /** A new picture has been taken. */
  look(): void
  /** systemd has re-executed itself: it may know nothing of what it was asked for. */
  systemdIsNew(): void
}

export interface StopTools {
  readonly unit: string
  readonly bus: SystemdBus
  readonly view: () => UnitView
  readonly refresh: () => Promise<void>
  /** It came to nothing, and the unit is as it was: systemd refuses it, in words; null: somebody's start has taken its place. */
  readonly failed: (refusal: string | null) => void
}

/** While systemd can't be asked. */
const AGAIN_MS = 200

interface Order {
  state: 'asking' | 'unheard' | 'heard'
}

export function unitStop({ unit, bus, view, refresh, failed }: StopTools): UnitStop {
  let order: Order | null = null

  function ask(mine: Order): void {
    mine.state = 'asking'
    bus.manager('StopUnit', 'ss', [unit, 'replace']).then(
      () => {
        mine.state = 'heard'
      },
      (error: unknown) => {
        if (order !== mine) return
        if (!(error instanceof BusError && error.isUnheard)) return fail(wordsOf(error))
        mine.state = 'unheard'
        lookSoon(mine)
      },
    )
  }

  /** The next picture shows whether it was heard after all. */
  function lookSoon(mine: Order): void {
    const again = async () => {
      if (order !== mine || mine.state !== 'unheard') return
      if (bus.isUp()) await refresh()
      if (mine.state === 'unheard') lookSoon(mine)
    }
    setTimeout(again, AGAIN_MS).unref()
  }

  function fail(refusal: string | null): void {
    self.end()
    failed(refusal)
  }

  const self: UnitStop = {
    begin() {
      order = { state: 'asking' }
      ask(order)
    },
    end() {
      order = null
    },
    look() {
      const now = view()
      // With a job it is ours, or one that ours waits for or has to follow.
      const isStopping = now.job !== 0 || now.active === 'deactivating' || (isDown(now) && !awaitsRestart(now))
      if (order === null || isStopping || order.state === 'asking') return
      if (order.state === 'unheard') ask(order)
      else fail(null)
    },
    systemdIsNew() {
      if (order?.state === 'heard') order.state = 'unheard'
    },
  }
  return self
}
