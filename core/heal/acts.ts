import type { Clock } from '../clock.ts'
import { messageOf } from '../fault.ts'
import { delayMs } from './backoff.ts'
import { newLoop, onFailure, onReady, onStable, onUnready } from './crashloop.ts'
import type { Facts } from './facts.ts'
import type { Seat } from './host.ts'
import { runCheck } from './probe/run.ts'
import { type Probes, type Report, startProbes } from './probe/schedule.ts'
import { isSameRan, type Ran } from './ran.ts'
import type { Action, Event } from './state.ts'

type Act = Exclude<Action, `record${string}`>

export interface ActTools {
  readonly clock: Clock
  readonly random: () => number
  readonly feed: (event: Event) => void
  readonly warn: (text: string) => void
  /** Why a hung service is not restarted now (the check itself is suspected); null: restart it. */
  readonly whyWait: (service: string) => string | null
  /** The generation of its target that a start runs now. */
  readonly generation: () => Ran | null
  /** An incident is open: it ends once the service is stable. */
  readonly isInTrouble: () => boolean
  /** The service has been stable for its time. `wasLooping`: that ended a crash loop of so many `attempts`. */
  readonly onStable: (wasLooping: boolean, attempts: number) => void
}

export interface Acts {
  readonly perform: Readonly<Record<Act, () => void>>
  /** The instance's main process has ended: a stop under way goes on to what is left of the tree. */
  mainEnded(): void
  /** The checks were described anew: what runs is asked by the new ones from now on. */
  rewatch(): void
  /** Stops probes and timers. */
  release(): void
}

const KILL_TREE_MS = 5000
const KILL_AGAIN_MS = 1000
/** Beyond the time after which the host itself was to start it. */
const OWN_RESTART_SLACK_MS = 30_000

/** What is done to the service and its timers. What is written about it stands in `records.ts`. */
export function serviceActs(facts: Facts, seat: Seat, tools: ActTools): Acts {
  const { clock, feed } = tools
  const loop = newLoop()
  let probes: Probes | null = null
  let cancelRestart = () => {}
  let cancelStable = () => {}
  let cancelGrace = () => {}
  let killRest: (() => void) | null = null

  /** Kills what is left until nothing is; then feeds `treeEmpty`. */
  function emptyTree(): void {
    if (seat.isEmpty()) {
      feed('treeEmpty')
      return
    }
    seat.killTree(KILL_TREE_MS).then(
      () => feed('treeEmpty'),
      (error: unknown) => {
        tools.warn(`${facts.name}: ${messageOf(error)}; trying again`)
        clock.after(KILL_AGAIN_MS, emptyTree)
      },
    )
  }

  function onVerdict(report: Report): void {
    facts.report = report
    const verdict = report.verdict?.verdict
    if (verdict === 'pass') facts.passes += 1
    else if (verdict === 'fail') facts.passes = 0
    if (report.probe === 'liveness') facts.liveness = report
    // It passes again, so it no longer waits for a canary.
    if (report.probe === 'liveness' && report.misses === 0 && facts.phase === 'ready') facts.why = null
    if (report.event === null) return
    if (report.event === 'hung') {
      facts.why = tools.whyWait(facts.name)
      if (facts.why !== null) return
    }
    feed(report.event)
  }

  const perform: Record<Act, () => void> = {
    start() {
      const ran = tools.generation()
      const launch = seat.start()
      Object.assign(facts, {
        pid: launch?.pid || null,
        standby: launch?.standby ?? false,
        startedMs: launch?.startedMonoMs ?? clock.monoMs(),
        adopted: null,
        isStopTold: false,
        isUp: false,
        killed: {},
        report: null,
        liveness: null,
        passes: 0,
        ran,
        hasFailed: facts.hasFailed && isSameRan(ran, facts.ran),
        why: facts.phase === 'loopRunning' ? facts.why : null,
        waiting: false,
      } satisfies Partial<Facts>)
      seat.arm()
      if (launch !== null) feed('launched')
    },
    stopTree() {
      if (facts.isKept && seat.restartsItself?.()?.runs) {
        feed('treeEmpty')
        return
      }
      if (facts.pid === null) {
        seat.stop?.(false)
        emptyTree()
        return
      }
      const { stop } = facts.spec
      facts.killed = { killedBy: 'operator' }
      killRest = () => {
        killRest = null
        cancelGrace()
        emptyTree()
      }
      cancelGrace = clock.after(stop.timeoutMs, () => {
        facts.killed = { killedBy: 'stop timeout', stop }
        killRest?.()
      })
      if (seat.stop === undefined) seat.signal(stop.signal)
      else seat.stop(facts.phase === 'restarting')
    },
    callOff() {
      cancelGrace()
      killRest = null
      facts.killed = {}
    },
    forbidRestart: () => seat.stop?.(false),
    killTree: emptyTree,
    scheduleRestart() {
      cancelRestart()
      facts.restarts += 1
      const own = seat.restartsItself?.() ?? null
      facts.restartsItself = own !== null
      if (own !== null) {
        facts.delayMs = own.delayMs
        if (own.runs) feed('backoffOver')
        // The news that it runs comes first; this is for a host that forgot.
        else cancelRestart = clock.after(own.delayMs + OWN_RESTART_SLACK_MS, () => feed('backoffOver'))
        return
      }
      // In a loop: as slowly as backoff ever gets.
      const attempt = facts.phase === 'loopBackoff' ? Number.MAX_SAFE_INTEGER : facts.attempt + facts.falls - 1
      facts.delayMs = delayMs(attempt, facts.spec.restart, tools.random())
      if (facts.delayMs === 0) feed('backoffOver')
      else cancelRestart = clock.after(facts.delayMs, () => feed('backoffOver'))
    },
    cancelRestart: () => cancelRestart(),
    watch() {
      const { spec } = facts
      probes = startProbes(spec.probes, {
        clock,
        run: (check, timeoutMs, signal) => {
          const account = seat.account()
          if (account !== null && 'missing' in account) {
            // Never with the daemon's own rights instead.
            if (check.kind === 'exec')
              return Promise.resolve({ verdict: 'inconclusive', error: account.missing, tookMs: 0 })
            return runCheck(check, timeoutMs, signal)
          }
          return runCheck(check, timeoutMs, signal, { cwd: spec.cwd, ...(account === null ? {} : { account }) })
        },
        onVerdict,
        phase: tools.random(),
      })
    },
    unwatch() {
      probes?.stop()
      probes = null
      cancelStable()
    },
    awaitStable() {
      onReady(loop, clock.monoMs())
      cancelStable()
      // Nothing to forget: a service that never failed needs no timer.
      if (facts.attempt + facts.falls === 0 && !tools.isInTrouble()) return
      cancelStable = clock.after(facts.spec.restart.resetAfterMs, () => feed('stable'))
    },
    cancelStable() {
      onUnready(loop, clock.monoMs())
      cancelStable()
    },
    countFailure() {
      if (facts.hasFallen) {
        facts.falls += 1
        onUnready(loop, clock.monoMs())
        return
      }
      facts.attempt += 1
      facts.hasFailed = true
      if (onFailure(loop, clock.monoMs(), facts.spec.crashLoop).looping) feed('loopDetected')
    },
    resetCounts() {
      const attempts = facts.attempt
      facts.attempt = 0
      facts.falls = 0
      facts.unwell = null
      onStable(loop)
      if (facts.phase !== 'ready') return
      facts.why = null
      tools.onStable(facts.from === 'loopRunning', attempts)
    },
  }

  return {
    perform,
    rewatch() {
      if (probes === null) return
      probes.stop()
      perform.watch()
      if (facts.isUp) probes.ready()
    },
    mainEnded: () => killRest?.(),
    release() {
      probes?.stop()
      cancelRestart()
      cancelStable()
      cancelGrace()
    },
  }
}
