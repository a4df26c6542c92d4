import type { HostConfig } from './config/spec.ts'
import { messageOf } from './fault.ts'

interface Tools {
  readonly inTurn: (order: () => Promise<void>) => Promise<void>
  /** The configuration applied, with the units of now; null: they are the same. */
  readonly again: () => Promise<HostConfig | null>
  readonly apply: (next: HostConfig) => Promise<unknown>
  readonly warn: (text: string) => void
}

/**
 * Takes up units that have come, and lets go of those that are no more, by what patterns of the configuration applied name.
 * What is refused, as on a full disk, is tried again at the next call, and told of once.
 */
export function unitsTaker({ inTurn, again, apply, warn }: Tools): () => void {
  /** An order for it waits for its turn. */
  let isAsked = false
  let said = ''
  return () => {
    if (isAsked) return
    isAsked = true
    const taken = inTurn(async () => {
      isAsked = false
      const next = await again()
      if (next !== null) await apply(next)
      said = ''
    })
    taken.catch((error: unknown) => {
      const text = `units that came or went are not taken up: ${messageOf(error)}`
      if (text !== said) warn(text)
      said = text
    })
  }
}
