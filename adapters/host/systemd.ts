import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { End, Outside, ProcessHost } from '../../core/heal/host.ts'
import { openJournal } from './journal.ts'
import type { KernelLog } from './kernel-log.ts'
import { type BusEvents, openSystemdBus, pathOf, type SystemdBus } from './systemd-bus.ts'
import { unitPatterns } from './unit-patterns.ts'
import { type UnitSeat, unitSeat } from './unit-seat.ts'
import { unitSeats } from './unit-seats.ts'
import { ELSEWHERE, isUp } from './unit-view.ts'

/*
 * Life of the units' host
 *
 * 1. The bus is dialled when the first unit is seated.
 * 2. Whenever it is up (again), and when systemd has read its files anew: all seats' properties are read. Whatever
 *    happened meanwhile is told by the difference.
 * 3. Then each change comes by itself. A look at all states and runs every half minute is the safety net, and finds out
 *    whether the bus still answers.
 */

const LOOK_EVERY_MS = 30_000
/** Of a whole host's properties, so many are asked for at once: each answer takes systemd 1 ms. */
const READS_AT_ONCE = 16

export interface UnitHost extends Required<Pick<ProcessHost, 'remove' | 'units' | 'knowsUnits' | 'onUnits'>> {
  seat(name: string, unit: string, onEnd: (end: End) => void, outside: Outside): Promise<UnitSeat>
}

/** Others in the place of systemd's, for tests. */
interface Places {
  readonly openBus?: typeof openSystemdBus
  /** Where systemd leaves the name of each unit's run, for journald: read without asking it. */
  readonly runs?: string
}

export function createUnitHost(
  warn: (text: string) => void,
  kernelLog: KernelLog,
  { openBus = openSystemdBus, runs = '/run/systemd/units' }: Places = {},
): UnitHost {
  const seats = unitSeats()
  const journal = openJournal()
  let bus: SystemdBus | null = null
  let timer: NodeJS.Timeout | undefined
  let reading: Promise<void> | null = null
  let isAskedAgain = false
  let isDown = false

  const events: BusEvents = {
    renewed() {
      for (const seat of seats.all()) seat.systemdIsNew()
    },
    up() {
      if (isDown) warn('systemd answers again')
      isDown = false
      seats.forgetNames()
      void readAll()
    },
    down(why) {
      isDown = true
      warn(`the connection to systemd is gone (${why}); dialling again`)
    },
    changed(path, properties, isLast) {
      seats.at(path)?.take(properties, isLast)
    },
    jobRemoved(unit, job, result) {
      seats.at(pathOf(unit))?.jobRemoved(job, result)
    },
    reloaded() {
      seats.forgetNames()
      void readAll()
    },
    unitNew: () => patterns.unitNew(),
  }

  const patterns = unitPatterns({
    list: wanted => open().manager('ListUnitsByPatterns', 'asas', [[], wanted]),
    pathNow: async unit => seats.pathOf(unit) ?? open().manager('GetUnit', 's', [unit]),
    seated: () => seats.all().map(seat => seat.unit),
    warn,
  })

  function open(): SystemdBus {
    if (bus !== null) return bus
    bus = openBus(events)
    timer = setInterval(() => void lookAtAll(), LOOK_EVERY_MS)
    timer.unref()
    return bus
  }

  async function read(seat: UnitSeat): Promise<void> {
    try {
      await open().properties(pathOf(seat.unit), properties => {
        if (seats.isKnownAs(seat, properties.Id)) seat.take(isElsewhere(seat) ? ELSEWHERE : properties, true)
      })
    } catch {
      // No connection: `up` reads it again.
    }
  }

  /** Another service names the same unit by another name. Two that heal it would fight. */
  function isElsewhere(seat: UnitSeat): boolean {
    const names = seats.otherOf(seat)
    if (names === null) return false
    const { own, other } = names
    if (seat.view().load !== ELSEWHERE.LoadState)
      warn(`${own} and ${other} are one unit, which is looked after as ${other}: remove one of the two services`)
    return true
  }

  /** Reads all seats; asked while it reads, it reads once more after that. */
  function readAll(): Promise<void> {
    isAskedAgain = reading !== null
    reading ??= (async () => {
      do {
        isAskedAgain = false
        const waiting = seats.all()
        const work = async () => {
          for (let seat = waiting.shift(); seat !== undefined; seat = waiting.shift()) await read(seat)
        }
        await Promise.all(Array.from({ length: READS_AT_ONCE }, work))
      } while (isAskedAgain)
    })().finally(() => {
      reading = null
    })
    return reading
  }

  /** One cheap question for all of them; only what differs from the picture is read. */
  async function lookAtAll(): Promise<void> {
    if (bus === null || !bus.isUp()) return
    patterns.look()
    const asked = seats.all()
    try {
      const rows = (await bus.manager('ListUnitsByNames', 'as', [asked.map(seat => seat.unit)])) as unknown[][]
      for (const row of rows) {
        const [unit, , load, active, sub] = row as string[]
        const seat = seats.at(pathOf(unit ?? ''))
        if (seat === null) continue
        const view = seat.view()
        const isAsListed = view.load === load && view.active === active && view.sub === sub
        if (!isAsListed || (isUp(view) && view.run !== (runOf(unit ?? '') ?? view.run))) await read(seat)
      }
    } catch (error) {
      bus.renew(error instanceof Error ? error.message : String(error))
    }
  }

  function runOf(unit: string): string | null {
    try {
      return readlinkSync(join(runs, `invocation:${unit}`))
    } catch {
      return null
    }
  }

  function hangUpIfUnused(): void {
    if (seats.all().length > 0 || patterns.isUsed()) return
    clearInterval(timer)
    bus?.close()
    bus = null
  }

  return {
    units: patterns.units,
    knowsUnits: patterns.isKnown,
    onUnits(changed) {
      patterns.onUnits(changed)
      hangUpIfUnused()
    },
    async seat(name, unit, onEnd, outside) {
      const seat: UnitSeat = unitSeat(
        unit,
        {
          ...{ bus: open(), kernelLog, warn, refresh: () => read(seat), tail: journal.tail },
          stateOf: other => seats.stateOf(pathOf(other)),
          fallsMonoMs: other => seats.fallsMonoMs(pathOf(other)),
        },
        onEnd,
        outside,
      )
      seats.add(name, seat)
      return seat
    },
    async remove(name) {
      const seat = seats.remove(name)
      if (seat === undefined) return
      seat.release()
      // One of another service may look after its unit now.
      for (const other of seats.all()) if (other.view().load === ELSEWHERE.LoadState) void read(other)
      hangUpIfUnused()
    },
  }
}
