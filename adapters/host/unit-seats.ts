import { pathOf } from './systemd-bus.ts'
import type { SeatState } from './unit-bound.ts'
import type { UnitSeat } from './unit-seat.ts'
import { isUp } from './unit-view.ts'

/** All seats of units, found by what systemd calls theirs. */
export interface UnitSeats {
  all(): UnitSeat[]
  /** The one that looks after the unit at this object path. */
  at(path: string): UnitSeat | null
  /** Names of the service of `seat` and of the other one that looks after its unit by another name; null: it does so itself. */
  otherOf(seat: UnitSeat): { readonly own: string; readonly other: string } | null
  /** How the unit at this path does; null: it has no seat. */
  stateOf(path: string): SeatState | null
  /** When that fell, monotonic. */
  fallsMonoMs(path: string): readonly number[]
  add(service: string, seat: UnitSeat): void
  /** The seat of `service`, which is forgotten. */
  remove(service: string): UnitSeat | undefined
  /**
   * `id` is the unit's own name: signals and rows carry it also where the seat's is another one (`Alias=`), until systemd
   * reads its files anew. False: the seat was removed meanwhile.
   */
  isKnownAs(seat: UnitSeat, id: unknown): boolean
  /** The path of the unit that a seat looks after by this name; null: there is none, or it has not been told yet. */
  pathOf(unit: string): string | null
  /** systemd reads its files anew: names may be those of other units. */
  forgetNames(): void
}

export function unitSeats(): UnitSeats {
  const byService = new Map<string, UnitSeat>()
  const paths = new Map<UnitSeat, string>()
  const byPath = new Map<string, readonly UnitSeat[]>()
  /** Seats whose unit has told its own name, by the name that they have for it. */
  const named = new Map<string, UnitSeat>()

  function move(seat: UnitSeat, path: string | null): void {
    const old = paths.get(seat)
    if (old === path) return
    if (old !== undefined) {
      const others = (byPath.get(old) ?? []).filter(other => other !== seat)
      if (others.length > 0) byPath.set(old, others)
      else byPath.delete(old)
    }
    if (path === null) paths.delete(seat)
    else {
      paths.set(seat, path)
      byPath.set(path, [...(byPath.get(path) ?? []), seat])
    }
  }

  return {
    all: () => [...byService.values()],
    at: path => byPath.get(path)?.[0] ?? null,
    otherOf(seat) {
      const [first] = byPath.get(paths.get(seat) ?? '') ?? []
      if (first === undefined || first === seat) return null
      const nameOf = (of: UnitSeat) => [...byService].find(([, each]) => each === of)?.[0] ?? of.unit
      return { own: nameOf(seat), other: nameOf(first) }
    },
    stateOf(path) {
      const [seat] = byPath.get(path) ?? []
      if (seat === undefined) return null
      return seat.hasFallen() ? 'fallen' : isUp(seat.view()) ? 'up' : 'down'
    },
    fallsMonoMs: path => byPath.get(path)?.[0]?.fallsMonoMs() ?? [],
    add(service, seat) {
      byService.set(service, seat)
      move(seat, pathOf(seat.unit))
    },
    remove(service) {
      const seat = byService.get(service)
      byService.delete(service)
      if (seat === undefined) return seat
      move(seat, null)
      if (named.get(seat.unit) === seat) named.delete(seat.unit)
      return seat
    },
    isKnownAs(seat, id) {
      if (!paths.has(seat)) return false
      move(seat, pathOf(typeof id === 'string' && id !== '' ? id : seat.unit))
      named.set(seat.unit, seat)
      return true
    },
    pathOf(unit) {
      const seat = named.get(unit)
      return (seat && paths.get(seat)) ?? null
    },
    forgetNames: () => named.clear(),
  }
}
