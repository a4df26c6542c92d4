import type { Clock } from '../core/clock.ts'

/**
 * Whether each channel works, from what it says of its connection and what comes of its requests. A trouble counts once it
 * has lasted, or at once when only a person can end it.
 */
export interface Health {
  onState(channel: string, state: { readonly isUp: boolean; readonly isFinal: boolean; readonly why: string }): void
  /** `why` null: a request was taken. */
  onOutcome(channel: string, why: string | null, isFinal: boolean): void
  stop(): void
}

const LASTING_MS = 15_000

interface Trouble {
  readonly why: string
  readonly isFinal: boolean
  readonly sinceMs: number
}

interface Known {
  connection: Trouble | null
  requests: Trouble | null
  /** Null: nothing was told yet. */
  told: string | null
  cancel: () => void
}

/** `tell` with null: it works. Told once for each change. */
export function createHealth(
  clock: Clock,
  tell: (channel: string, trouble: { readonly why: string; readonly isFinal: boolean } | null) => void,
): Health {
  const channels = new Map<string, Known>()

  function of(channel: string): Known {
    const known = channels.get(channel) ?? { connection: null, requests: null, told: null, cancel: () => {} }
    channels.set(channel, known)
    return known
  }

  function look(channel: string, known: Known): void {
    known.cancel()
    const nowMs = clock.monoMs()
    const troubles = [known.connection, known.requests].filter(trouble => trouble !== null)
    const counted = troubles.find(({ isFinal, sinceMs }) => isFinal || nowMs - sinceMs >= LASTING_MS)
    if (counted === undefined && troubles.length > 0) {
      known.cancel = clock.after(LASTING_MS, () => look(channel, known))
      return
    }
    const state = counted === undefined ? '' : `${counted.isFinal} ${counted.why}`
    if (state === known.told) return
    known.told = state
    tell(channel, counted ?? null)
  }

  function trouble(last: Trouble | null, why: string, isFinal: boolean): Trouble {
    return { why, isFinal, sinceMs: last?.sinceMs ?? clock.monoMs() }
  }

  return {
    onState(channel, { isUp, isFinal, why }) {
      const known = of(channel)
      known.connection = isUp ? null : trouble(known.connection, why, isFinal)
      look(channel, known)
    },
    onOutcome(channel, why, isFinal) {
      const known = of(channel)
      known.requests = why === null ? null : trouble(known.requests, why, isFinal)
      look(channel, known)
    },
    stop() {
      for (const { cancel } of channels.values()) cancel()
    },
  }
}
