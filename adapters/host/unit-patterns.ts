/** Which units patterns name, as they come and go. */
export interface UnitPatterns {
  /** Those that run, have failed or are seated. Remembered: `onUnits` tells when there would be others. */
  units(patterns: readonly string[]): Promise<readonly string[]>
  /** Whether systemd answered when it was asked last. */
  isKnown(): boolean
  onUnits(changed: () => void): void
  /** systemd has come to know a unit. */
  unitNew(): void
  /** Asks whether there are others now. */
  look(): Promise<void>
  isUsed(): boolean
}

interface Tools {
  /** Rows of `ListUnitsByPatterns`: name, description, load state, active state, … */
  readonly list: (patterns: readonly string[]) => Promise<unknown>
  readonly isSeated: (unit: string) => boolean
  readonly warn: (text: string) => void
}

/** A unit that has just been loaded is started a little later, and often comes with others. */
const SOON_MS = 500
/** At a start systemd may not answer yet. */
const FIRST_TRIES = 50
const TRY_EVERY_MS = 100
/** heald's own units, which a wide pattern names too. */
const OWN = /^heald[-.]/

export function unitPatterns({ list, isSeated, warn }: Tools): UnitPatterns {
  let asked: readonly string[] = []
  let answer: readonly string[] = []
  let isKnown = true
  let changed: (() => void) | null = null
  let timer: NodeJS.Timeout | undefined

  async function find(patterns: readonly string[]): Promise<readonly string[]> {
    if (patterns.length === 0) return []
    const rows = (await list(patterns)) as readonly (readonly unknown[])[]
    return rows
      .filter(([unit, , load, active]) => load === 'loaded' && (active !== 'inactive' || isSeated(String(unit))))
      .map(([unit]) => String(unit))
      .filter(unit => !OWN.test(unit))
      .sort()
  }

  const self: UnitPatterns = {
    async units(patterns) {
      for (let left = FIRST_TRIES; ; left -= 1) {
        try {
          answer = await find(patterns)
          isKnown = true
        } catch (error) {
          if (left > 0) {
            await new Promise(resolve => setTimeout(resolve, TRY_EVERY_MS))
            continue
          }
          isKnown = false
          // What is known already goes on; the next look finds the rest.
          warn(`units can't be listed: ${error instanceof Error ? error.message : String(error)}`)
        }
        asked = patterns
        return answer
      }
    },
    isKnown: () => isKnown,
    onUnits(tell) {
      changed = tell
    },
    unitNew() {
      if (asked.length === 0) return
      clearTimeout(timer)
      timer = setTimeout(() => void self.look(), SOON_MS)
      timer.unref()
    },
    async look() {
      if (asked.length === 0 || changed === null) return
      const found = await find(asked).catch(() => answer)
      if (found.join('\n') !== answer.join('\n')) changed()
    },
    isUsed: () => asked.length > 0,
  }
  return self
}
