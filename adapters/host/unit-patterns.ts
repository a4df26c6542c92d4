/** Which units patterns name, and when that is to be asked again. */
export interface UnitPatterns {
  /** Those that run, have failed or are seated. */
  units(patterns: readonly string[]): Promise<readonly string[]>
  /** Whether systemd answered when it was asked last. */
  isKnown(): boolean
  /** From now on `changed` is called soon after systemd has come to know a unit, and at each look; null: no more. */
  onUnits(changed: (() => void) | null): void
  /** systemd has come to know a unit. */
  unitNew(): void
  /** Time to ask, for all that was missed. */
  look(): void
  isUsed(): boolean
}

interface Tools {
  /** Rows of `ListUnitsByPatterns`: name, description, load state, active state, … */
  readonly list: (patterns: readonly string[]) => Promise<unknown>
  /** Names of the units that are seated. */
  readonly seated: () => readonly string[]
  readonly warn: (text: string) => void
}

/** A unit that has just been loaded is started a little later, and often comes with others. */
const SOON_MS = 500
/** At a start systemd may not answer yet. */
const FIRST_TRIES = 50
const TRY_EVERY_MS = 100
/** heald's own units, which a wide pattern names too. */
const OWN = /^heald[-.]/

export function unitPatterns({ list, seated, warn }: Tools): UnitPatterns {
  let isKnown = true
  let changed: (() => void) | null = null
  let timer: NodeJS.Timeout | undefined

  async function find(patterns: readonly string[]): Promise<readonly string[]> {
    const rows = (await list(patterns)) as readonly (readonly unknown[])[]
    const known = new Set(seated())
    return rows
      .filter(([unit, , load, active]) => load === 'loaded' && (active !== 'inactive' || known.has(String(unit))))
      .map(([unit]) => String(unit))
      .filter(unit => !OWN.test(unit))
      .sort()
  }

  const self: UnitPatterns = {
    async units(patterns) {
      for (let left = FIRST_TRIES; left >= 0; left -= 1) {
        try {
          const found = await find(patterns)
          isKnown = true
          return found
        } catch (error) {
          if (left === 0) warn(`units can't be listed: ${error instanceof Error ? error.message : String(error)}`)
          else await new Promise(resolve => setTimeout(resolve, TRY_EVERY_MS))
        }
      }
      isKnown = false
      // What is known already goes on; the next look finds the rest.
      return seated()
    },
    isKnown: () => isKnown,
    onUnits(tell) {
      changed = tell
      // Some may have come since they were listed.
      self.unitNew()
    },
    unitNew() {
      if (changed === null) return
      clearTimeout(timer)
      timer = setTimeout(() => changed?.(), SOON_MS)
      timer.unref()
    },
    look: () => changed?.(),
    isUsed: () => changed !== null,
  }
  return self
}
