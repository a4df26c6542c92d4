import type { Clock } from '../clock.ts'
import type { Facts } from './facts.ts'
import type { End, Seat } from './host.ts'
import { inBoot, ranOf, type ServiceMemory } from './memory.ts'
import type { Outage } from './outage.ts'
import type { Records } from './records.ts'
import type { Event } from './state.ts'

/** What a service finds when its daemon begins. */
export interface Found {
  readonly facts: Facts
  readonly seat: Seat
  readonly memory: ServiceMemory | null
  /** The kernel's id of this boot. */
  readonly boot: string
  /** Names of services it has to wait for. */
  readonly missing: readonly string[]
}

export interface Beginning {
  readonly feed: (event: Event) => void
  readonly later: (write: () => void) => void
  readonly outage: Outage
  readonly records: Records
  readonly clock: Clock
  readonly onEnd: (end: End) => void
}

const ENDED_BEFORE = 'it ended before this heald came'

/** Watches what was adopted, accounts for what has gone, or starts it, unless it is to wait or to stay down. */
export function takeUp({ facts, seat, memory, boot, missing }: Found, beginning: Beginning): void {
  const { feed, later, outage, records, clock, onEnd } = beginning
  // News of it came first: it is at work.
  if (facts.phase !== 'stopped' && facts.phase !== 'held') return
  const { adopted } = facts
  const before = inBoot(memory, boot)
  /** The instance whose end the daemon before this one did not record, in this boot. */
  const ranBefore = before?.runningPid ?? null
  const rests = adopted === null ? (seat.rests?.() ?? null) : null
  const fell = before?.fell === true
  /** The daemon before this one saw it fall and was to start it again: systemd was not. */
  const isOwed = rests?.isIdle === true && (before?.owes === true || fell)
  /** Its end is recorded, and the host still ends what is left of it. */
  const isEnding = before?.endedPid != null && seat.rests !== undefined && !seat.isEmpty()
  /** The wish is of an earlier boot, whose own end stops units too: in this one it was started, and has failed. */
  const isOvertaken = before === null && adopted === null && seat.rests !== undefined && rests === null
  const isUnwanted = memory?.wanted === false && !isOvertaken
  facts.unclear = null
  if (isOvertaken && facts.phase === 'held') facts.phase = 'stopped'
  if (adopted !== null) {
    // Its stop was under way when the daemon before this one ended: the table stops what runs though held. Where others
    // may start it too, one of them has, also what was to be left down.
    if (seat.rests !== undefined) Object.assign(facts, { phase: 'stopped', why: null } satisfies Partial<Facts>)
    else if (memory?.wanted === false) facts.phase = 'held'
    // The daemon before this one restarted it and ended before that was recorded.
    if (ranBefore !== null && ranBefore !== adopted.pid) records.unseenExit(ranBefore)
    const ran = memory !== null && ranBefore === adopted.pid ? ranOf(memory) : null
    Object.assign(facts, { pid: adopted.pid || null, startedMs: adopted.startedMonoMs, ran } satisfies Partial<Facts>)
    const { end } = facts
    feed('launched')
    // It ended between being found and now.
    if (end !== null) onEnd(end)
    seat.arm()
  } else if (isUnwanted) {
    // Whoever stopped it ended its incident; one that is open all the same would be for ever.
    if (memory?.stayDown !== true) later(() => outage.resolve('stopped'))
  } else if (rests !== null && !isOwed) {
    // What the ledger knows of it may come late.
    if (!rests.isKnown || memory === null) facts.unclear = { ranBefore }
    else if (ranBefore !== null) {
      // It was stopped while no daemon looked.
      Object.assign(facts, { by: 'outside', pid: null } satisfies Partial<Facts>)
      records.perform.recordStopped()
    } else if (rests.isIdle) later(() => outage.resolve('stopped'))
    facts.why = rests.why
  } else if (isEnding) {
    Object.assign(facts, { phase: 'starting', why: null, lastTrouble: ENDED_BEFORE } satisfies Partial<Facts>)
    facts.hasFallen = fell
    outage.down(clock.monoMs())
    feed('ended')
  } else if (ranBefore !== null) {
    // It ran when the daemon before this one ended, and is gone.
    facts.phase = 'starting'
    facts.why = null
    facts.startedMs = clock.monoMs()
    facts.killed = { away: true }
    onEnd({ evidence: () => ({ pid: ranBefore, exit: 'unknown', oom: false, tail: '' }) })
  } else if (missing.length > 0) {
    facts.why = `waits for ${missing.join(', ')}`
    facts.waitsFor = missing
    feed('held')
  } else feed('wanted')
}
