import type { Clock } from '../core/clock.ts'

/**
 * Whether each channel works, from what it says of its connection and what comes of its requests. A trouble counts once it
 * has lasted, or at once when only a person can end it.
 */
export interface Health {
  onState(channel: string, state: { readonly isUp: boolean; readonly isFinal: boolean; readonly why: string }): void
  /** `why` null: a request was taken. `chat` null: it is the same for all of them. */
  onOutcome(channel: string, chat: string | null, why: string | null, isFinal: boolean): void
  /** The chats that are configured: nothing is asked of others any more. */
  keep(channel: string, chats: readonly string[]): void
  /** Says once more how each channel is: what was told was lost. */
  tellAgain(): void
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
  /** By chat, '' for all of them: one that is dead stays so while others work. */
  readonly requests: Map<string, Trouble>
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
    const known = channels.get(channel) ?? { connection: null, requests: new Map(), told: null, cancel: () => {} }
    channels.set(channel, known)
    return known
  }

  function look(channel: string, known: Known): void {
    known.cancel()
    const nowMs = clock.monoMs()
    const troubles = [known.connection, ...known.requests.values()].filter(trouble => trouble !== null)
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

  function trouble(last: Trouble | null | undefined, why: string, isFinal: boolean): Trouble {
    return { why, isFinal, sinceMs: last?.sinceMs ?? clock.monoMs() }
  }

  return {
    onState(channel, { isUp, isFinal, why }) {
      const known = of(channel)
      known.connection = isUp ? null : trouble(known.connection, why, isFinal)
      look(channel, known)
    },
    onOutcome(channel, chat, why, isFinal) {
      const known = of(channel)
      const { requests } = known
      if (why !== null) requests.set(chat ?? '', trouble(requests.get(chat ?? ''), why, isFinal))
      else for (const each of ['', chat ?? '']) requests.delete(each)
      look(channel, known)
    },
    keep(channel, chats) {
      const known = channels.get(channel)
      if (known === undefined) return
      const gone = [...known.requests.keys()].filter(chat => chat !== '' && !chats.includes(chat))
      for (const chat of gone) known.requests.delete(chat)
      if (gone.length > 0) look(channel, known)
    },
    tellAgain() {
      for (const [channel, known] of channels) {
        known.told = null
        look(channel, known)
      }
    },
    stop() {
      for (const { cancel } of channels.values()) cancel()
    },
  }
}
