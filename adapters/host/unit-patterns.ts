import { BusError } from './bus-call.ts'
import { pathOf } from './systemd-bus.ts'

/** Which units patterns name, and when that is to be asked again. */
export interface UnitPatterns {
  /**
   * Those that run, have failed or are seated; one that has another name among `named` by that. What systemd can't load any
   * more is named only where it is seated: people have to know.
   */
  units(patterns: readonly string[], named: readonly string[]): Promise<readonly string[]>
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
  /** The object path, by its own name, of a unit that is seated, or that systemd has loaded. Rejects where neither is so. */
  readonly pathNow: (unit: string) => Promise<unknown>
  /** Names of the units that are seated. */
  readonly seated: () => readonly string[]
  readonly warn: (text: string) => void
}

/** A unit that has just been loaded is started a little later, and often comes with others. */
const SOON_MS = 500
/** At a start systemd may not answer yet. */
const FIRST_TRIES = 50
const TRY_EVERY_MS = 100
/** A unit that does not run is no more then. */
const GONE: readonly string[] = ['not-found', 'masked']
/** heald's own units, which a wide pattern names too. */
const OWN = /^heald[-.]/

export function unitPatterns({ list, pathNow, seated, warn }: Tools): UnitPatterns {
  /** Units that were left out under their own name. */
  const said = new Set<string>()
  let isKnown = true
  let changed: (() => void) | null = null
  let timer: NodeJS.Timeout | undefined

  async function find(patterns: readonly string[], named: readonly string[]): Promise<readonly string[]> {
    const rows = (await list(patterns)) as readonly (readonly unknown[])[]
    const known = new Set(seated())
    const found = rows
      .filter(([unit, , load, active]) => {
        if (!known.has(String(unit))) return load === 'loaded' && active !== 'inactive'
        return active !== 'inactive' || !GONE.includes(String(load))
      })
      .map(([unit]) => String(unit))
      .filter(unit => !OWN.test(unit))
    const others = await otherNames(found, named)
    return found.map(unit => others.get(unit) ?? unit).sort()
  }

  /** Of those that have another name (`Alias=`) among `named`: that. */
  async function otherNames(found: readonly string[], named: readonly string[]): Promise<Map<string, string>> {
    const byPath = new Map(found.map(unit => [pathOf(unit), unit]))
    const others = new Map<string, string>()
    const ask = async (name: string) => {
      const unit = byPath.get(String(await pathNow(name).catch(nothingLoaded)))
      if (unit === undefined) return
      others.set(unit, name)
      if (!said.has(unit))
        warn(`${unit}, which a pattern names, is ${name} in the configuration: it is looked after as that`)
      said.add(unit)
    }
    await Promise.all(named.filter(name => !found.includes(name)).map(ask))
    return others
  }

  const self: UnitPatterns = {
    async units(patterns, named) {
      for (let left = FIRST_TRIES; left >= 0; left -= 1) {
        try {
          const found = await find(patterns, named)
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

function nothingLoaded(error: unknown): null {
  if (error instanceof BusError && !error.isUnheard) return null
  throw error
}
