import { type Clock, round } from '../clock.ts'
import { actorOf, type Data, type Draft, type Kind } from '../entry.ts'
import { diagnose } from './diagnosis.ts'
import type { Facts, Killed } from './facts.ts'
import type { End, Remains } from './host.ts'
import type { Outage } from './outage.ts'
import type { Action } from './state.ts'
import { NOT_CONFIGURED } from './taken-out.ts'

type RecordAction = Extract<Action, `record${string}`>

export interface RecordTools {
  readonly clock: Clock
  readonly record: (draft: Draft) => void
  readonly outage: Outage
  /** Runs `write` a little later, in order: entries never hold up a restart. */
  readonly later: (write: () => void) => void
  readonly onReady: () => void
  /**
   * It crash-loops: what is done about it beside slow restarts, or why nothing is; null: nothing could be. Asked again
   * with each further failure as long as the answer may pass.
   */
  readonly onLoop: () => LoopAnswer | null
}

export interface LoopAnswer {
  readonly verdict: 'rollback' | 'slow restarts'
  /** In words. */
  readonly why: string
  /** It may be answered otherwise in a while. */
  readonly isPassing?: true
}

/** Exit code by which a service asks to be left down. */
export const STAY_DOWN = 125

export interface Records {
  readonly perform: Readonly<Record<RecordAction, () => void>>
  /** An instance ended while no daemon looked, and something runs again in its place. */
  unseenExit(pid: number): void
  /** What came after the news of an instance's end. */
  left(pid: number, remains: Remains): void
  /** heald looks after it no more, and leaves it as it is. */
  released(): void
  /** It is well, in an incident that became known only now: the same rule as when it got ready. */
  foundWell(): void
}

/** What is written about a service. Facts are read at once, entries are written afterwards. */
export function serviceRecords(facts: Facts, tools: RecordTools): Records {
  const { clock, outage, later } = tools
  const { name } = facts
  /** To the crash loop at hand. */
  let loopAnswer: LoopAnswer | null = null
  /** It got ready in its crash loop: its recovery is told once it is well, also where it was started anew by then. */
  let isOwed = false
  /** The instance that ended last, and the incident of its end. */
  let lastEnd: { readonly pid: number; readonly inc: ReturnType<Outage['inc']> } | null = null

  function write(kind: Kind, data: Data, more: Pick<Draft, 'actor' | 'tail'> = {}): void {
    tools.record({ kind, svc: name, ...outage.inc(), ...more, data })
  }

  /** The first failure or fall in a while ends with its recovery; repeated ones only once the service is stable. */
  function resolveFirst(times: number, how: string): void {
    if (times <= 1 && outage.attemptsBefore() <= 1) outage.resolve(how)
  }

  function failedCheck(killedBy: 'liveness' | 'startup', kind: Kind, words: string): void {
    const check = checkOf(facts, clock.monoMs())
    const { probes } = facts.spec
    const startupMs = (probes.startup ?? probes.readiness ?? probes.liveness)?.startupMs ?? 0
    const hang = { misses: check.misses, forMs: check.sinceMs, error: check.error }
    facts.killed = { killedBy, hang, startup: { startupMs, error: check.error } }
    facts.lastTrouble = `${words}: ${check.error}`
    facts.unwell = facts.lastTrouble
    outage.down(facts.report?.failingSinceMs ?? clock.monoMs())
    later(() => {
      outage.open(severityOf(facts), facts.lastTrouble)
      write(kind, check)
    })
  }

  /** What is done about a crash loop; told where that is something else than slow restarts, and the first time. */
  function tellLoop(isFirst: boolean): void {
    const { failures, withinMs } = facts.spec.crashLoop
    const words = `${failures} failures within ${withinMs / 1000} s of being ready`
    loopAnswer = tools.onLoop()
    const verdict = loopAnswer?.verdict ?? 'slow restarts'
    const next = verdict === 'rollback' ? `it is rolled back (${loopAnswer?.why})` : 'slow restarts go on'
    const not = loopAnswer?.verdict === 'slow restarts' ? `; not rolled back: ${loopAnswer.why}` : ''
    facts.why = `crash loop: ${words}; ${next}${not}`
    if (!isFirst && verdict === 'slow restarts') return
    later(() => {
      write('crashloop.detected', { failures, withinMs, verdict, why: `${facts.lastTrouble}${not}` })
      outage.escalate(`crash loop: ${words}; last: ${facts.lastTrouble}`, 'crash loop')
    })
  }

  function writeExit(end: End, uptimeMs: number, wanted: boolean, killed: Killed): void {
    const { tail, ...evidence } = end.evidence()
    const { unit } = facts.spec
    const { memoryBytes } = facts.spec.limits
    const limit = memoryBytes === undefined ? {} : { memoryLimitBytes: memoryBytes }
    const diagnosis = diagnose({ ended: { ...evidence, tail }, wantedStop: wanted, uptimeMs, ...killed, ...limit })
    if (!wanted) facts.lastTrouble = diagnosis
    // A failed check has opened the incident already; one that asks to stay down is no trouble.
    const isDone = unit === undefined ? evidence.exitCode === STAY_DOWN : end.leftDown?.isTrouble === false
    const isTrouble = !wanted && killed.killedBy === undefined && !isDone
    if (isTrouble) outage.open(severityOf(facts), diagnosis)
    const { launchError: _, fellWith: _with, ...known } = evidence
    lastEnd = { pid: evidence.pid, inc: outage.inc() }
    write('service.exited', { ...known, uptimeMs, wanted, diagnosis }, tail === '' ? {} : { tail })
  }

  const perform: Records['perform'] = {
    recordStarted() {
      const { adopted, attempt, falls, standby, ran } = facts
      const pid = facts.pid ?? 0
      const generation = ran === null ? {} : { generation: ran.generation }
      const path = ran?.path == null ? {} : { generationPath: ran.path }
      const { unit } = facts.spec
      const as = unit === undefined ? {} : { unit }
      // A first start may be an operator's order; those after a failure are heald's own.
      const actor = attempt + falls === 0 ? askedBy(facts.by) : {}
      if (adopted === null)
        later(() => write('service.started', { pid, attempt, standby, ...generation, ...path, ...as }, actor))
      else later(() => write('service.adopted', { pid, startTime: adopted.startTime, ...as }))
    },
    recordReady() {
      const nowMs = clock.monoMs()
      const { attempt, falls, phase, adopted } = facts
      const data = { pid: facts.pid ?? 0, readyMs: round(nowMs - facts.startedMs) }
      facts.isUp = true
      facts.readySinceMs = nowMs
      // Without a check, all that is known is that it has lived on since it was launched.
      const { startup, readiness, liveness } = facts.spec.probes
      const isChecked = startup !== undefined || readiness !== undefined || liveness !== undefined
      const downMs = outage.up(isChecked ? nowMs : facts.startedMs)
      const recoveredMs = downMs ?? (isOwed && outage.id() !== null ? outage.totalMs() : null)
      isOwed = phase === 'loopRunning' && (isOwed || downMs !== null)
      const how = facts.how ?? howReady(adopted)
      facts.how = null
      later(() => {
        if (adopted === null) write('service.ready', data)
        // In a crash loop, being ready is not yet being well.
        if (phase === 'loopRunning') return
        if (recoveredMs !== null) write('service.recovered', { downMs: recoveredMs, attempts: attempt })
        resolveFirst(attempt + falls, how)
      })
      // Behind our own entry, so that the ledger shows dependants starting after what they waited for.
      later(tools.onReady)
    },
    recordUnhealthy() {
      const check = checkOf(facts, clock.monoMs())
      outage.down(clock.monoMs())
      later(() => {
        outage.open(severityOf(facts), `runs but is not ready: ${check.error}`)
        write('service.unhealthy', check)
      })
    },
    recordHealthy() {
      const nowMs = clock.monoMs()
      const downMs = outage.up(nowMs) ?? 0
      const { attempt, falls } = facts
      facts.readySinceMs = nowMs
      later(() => {
        write('service.recovered', { downMs, attempts: attempt })
        resolveFirst(attempt + falls, 'ready again')
      })
      tools.onReady()
    },
    recordHung: () => failedCheck('liveness', 'service.hung', 'hangs'),
    recordStartupFailed: () => failedCheck('startup', 'service.unhealthy', 'did not get ready in time'),
    recordExit() {
      const { end, from, killed } = facts
      facts.end = null
      facts.pid = null
      facts.isUp = false
      if (end === null) return
      const nowMs = clock.monoMs()
      const uptimeMs = round(nowMs - facts.startedMs)
      const wanted = from === 'stopping' || from === 'restarting' || from === 'holding'
      if (!wanted) outage.down(nowMs)
      later(() => writeExit(end, uptimeMs, wanted, killed))
      // One more failure of the loop; they come slowly.
      const isInLoop = facts.phase === 'loopClearing' && (from === 'loopRunning' || from === 'loopClearing')
      if (isInLoop && !facts.hasFallen && loopAnswer?.isPassing) tellLoop(false)
    },
    recordRestarting() {
      const { attempt, delayMs, restartsItself } = facts
      const by = restartsItself ? { by: 'systemd' } : {}
      later(() => write('service.restarting', { attempt, delayMs, cause: facts.lastTrouble, ...by }))
    },
    recordStopped() {
      const { by, goingDown, isStopTold } = facts
      facts.isStopTold = facts.phase !== 'stopped'
      if (isStopTold) return
      facts.attempt = 0
      facts.why = by === 'heald' ? null : `stopped ${by === 'outside' ? 'outside heald' : `by ${by}`}`
      later(() => {
        outage.up(clock.monoMs())
        outage.resolve('stopped')
        write('service.stopped', goingDown ? { by, goingDown } : { by }, askedBy(by))
      })
    },
    recordHeld() {
      const stayDown = facts.phase === 'holding'
      facts.waiting = !stayDown
      if (stayDown) facts.why = facts.leftDown ?? `it exited with code ${STAY_DOWN}, which asks to be left down`
      const { why } = facts
      const { waitsFor } = facts
      later(() => write('service.held', stayDown ? { why, stayDown } : { why, waitsFor }))
    },
    recordLoop: () => tellLoop(true),
  }

  return {
    perform,
    foundWell() {
      const { attempt, falls, adopted } = facts
      later(() => resolveFirst(attempt + falls, howReady(adopted)))
    },
    released() {
      const { pid, spec } = facts
      later(() => {
        write('service.released', { unit: spec.unit, ...(pid !== null && { pid }), why: NOT_CONFIGURED })
        outage.up(clock.monoMs())
        outage.resolve(NOT_CONFIGURED)
      })
    },
    left: (pid, { tail, ...memory }) =>
      later(() => {
        const inc = lastEnd?.pid === pid ? lastEnd.inc : {}
        const words = tail === '' ? {} : { tail }
        tools.record({ kind: 'service.logged', svc: name, ...inc, data: { pid, ...memory }, ...words })
      }),
    unseenExit(pid) {
      const end: End = { evidence: () => ({ pid, exit: 'unknown', oom: false, tail: '' }) }
      later(() => writeExit(end, 0, false, { away: true }))
    },
  }
}

function howReady(adopted: Facts['adopted']): string {
  return adopted === null ? 'restarted' : 'found running'
}

/** Who asked for it; nothing where it was heald itself. */
function askedBy(by: string): Pick<Draft, 'actor'> {
  return by === 'heald' ? {} : { actor: actorOf(by) }
}

function severityOf(facts: Facts): 'critical' | 'warning' {
  return facts.spec.critical ? 'critical' : 'warning'
}

/** The fields of `service.hung` and `service.unhealthy`. */
function checkOf({ report, spec }: Facts, nowMs: number) {
  const since = report?.failingSinceMs
  const kind = report === null ? undefined : (spec.probes[report.probe] ?? spec.probes.liveness)?.check.kind
  return {
    check: report === null ? 'none' : `${report.probe}${kind === undefined ? '' : ` (${kind})`}`,
    verdict: report?.verdict?.verdict ?? 'fail',
    misses: report?.misses ?? 0,
    error: report?.verdict?.error ?? 'no answer',
    sinceMs: since == null ? 0 : round(nowMs - since),
  }
}
