/*
 * Life of a run of a unit, as its seat sees it. Pure.
 *
 * 1. `begun`: it runs, and the supervisor knows its instance.
 * 2. `stopAsked` or `stopOrdered`: somebody else, or heald, has it stopped. The first of them counts as the wish.
 * 3. `ended`: its end is told. What is left of it (`rest`) systemd still ends: that may take as long as a stop may, and
 *    somebody may still ask for the stop of that.
 * 4. `restGone`: nothing of it is left.
 */

export interface Instance {
  readonly pid: number
  /** What systemd calls the run. */
  readonly run: string
}

export interface Life {
  /** The instance that the supervisor knows of; null: none runs. */
  readonly instance: Instance | null
  /** A stop of it that is under way, since when, and whether heald ordered it. */
  readonly stop: { readonly sinceMs: number; readonly isOurs: boolean } | null
  /** Since when systemd ends what is left of a run whose end was told. */
  readonly rest: { readonly sinceMs: number; readonly of: Instance } | null
  /** It has ended unasked, is not left down, and does not run again yet. */
  readonly hasFallen: boolean
}

export const NO_LIFE: Life = { instance: null, stop: null, rest: null, hasFallen: false }

export function begun(life: Life, instance: Instance): Life {
  return { ...life, instance, stop: null, hasFallen: false }
}

/** Somebody else has it stopped. Times are monotonic, ms. */
export function stopAsked(life: Life, nowMs: number): Life {
  return { ...life, stop: life.stop ?? { sinceMs: nowMs, isOurs: false }, hasFallen: false }
}

export function stopOrdered(life: Life, nowMs: number): Life {
  return { ...life, stop: { sinceMs: nowMs, isOurs: true }, hasFallen: false }
}

/** systemd does not take the order. */
export function stopRefused(life: Life): Life {
  return { ...life, stop: null }
}

/** `restSinceMs`: systemd still ends the rest of `of`, since then; null: nothing is left. */
export function ended(life: Life, of: Instance, isLeftDown: boolean, restSinceMs: number | null): Life {
  return {
    instance: null,
    stop: null,
    rest: restSinceMs === null ? life.rest : { sinceMs: restSinceMs, of },
    hasFallen: life.stop === null && !isLeftDown,
  }
}

export function restGone(life: Life): Life {
  return { ...life, rest: null }
}
