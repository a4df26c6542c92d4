import type { Clock } from '../clock.ts'
import type { ProbeSpec, SwitchSpec } from '../config/spec.ts'
import type { Health, Patient } from '../heal/patient.ts'
import { type Probes, startProbes } from '../heal/probe/schedule.ts'
import type { RunCheck } from '../heal/probe/verdict.ts'
import { isSameRan } from '../heal/ran.ts'
import type { Journal } from './journal.ts'
import type { Judgement } from './switch.ts'
import { proved, type Shown, soaked, verified, type Watched } from './verdict.ts'

/**
 * Life of a probation
 *
 * 1. Each service of the target that runs another generation, or one that can't be told, is started anew.
 * 2. The services and the target's own checks are watched for the soak time. A crash loop, a hang, or a start that never
 *    gets ready is the end of it at once; what failed before the switch already does not count.
 * 3. At its end each of them has to be well, with so many passes in a row. One that is not yet gets a little longer; one
 *    that has failed with the candidate, too seldom for a crash loop, has to be well for a while without a break. A check that
 *    could not be asked counts for nothing: it alone rolls nothing back. If all of them failed before, one has to be well:
 *    a generation that nothing speaks for is not known to be good.
 *
 * After a rollback the same is asked once: whether they get ready.
 */
export interface JudgeOptions {
  readonly patients: () => readonly Patient[]
  readonly checks: readonly ProbeSpec[]
  readonly runCheck: RunCheck
  /** Where checks that run a program run it. */
  readonly cwd: string
  readonly switchSpec: () => SwitchSpec
  readonly clock: Clock
  readonly random: () => number
  /** The activation itself restarts units that are others now, and no more of them. */
  readonly restartsUnits: boolean
}

export interface Judge {
  /** Names of what is not well right now. */
  baseline(): Promise<string[]>
  judge(journal: Journal, baseline: readonly string[], signal: AbortSignal): Promise<Judgement>
  /** Whether there is anything to ask: without it a generation can prove nothing. */
  hasChecks(): boolean
}

/** Services tell of each event; passes are looked for this often. */
const LOOK_EVERY_MS = 50
/** A service is given so long to get ready after a rollback at least. */
const VERIFY_MS = 60_000

export function createJudge(options: JudgeOptions): Judge {
  const { patients, checks, clock } = options

  /** Watches the target's own checks; they speak with one voice each, like services. */
  function watchChecks(onNews: () => void): { readonly watched: Watched[]; stop(): void } {
    const running: Probes[] = []
    const watched = checks.map((spec, at): Watched => {
      const health = {
        ...{ state: 'open' as Shown['state'], passes: 0, isInconclusive: false, why: 'no answer yet' },
        ...{ failed: null, refusal: null, readySinceMs: 0 },
      }
      const probes = startProbes(
        { startup: spec, liveness: spec },
        {
          clock,
          phase: options.random(),
          run: (check, timeoutMs, signal) => options.runCheck(check, timeoutMs, signal, { cwd: options.cwd }),
          onVerdict({ verdict, event }) {
            health.isInconclusive = verdict?.verdict === 'inconclusive'
            if (verdict?.verdict === 'pass') health.passes += 1
            if (verdict?.verdict === 'fail') health.passes = 0
            health.why = verdict?.error ?? ''
            if (event === 'readyPassed') health.state = 'ready'
            if (event === 'startupFailed' || event === 'hung') health.state = 'failed'
            onNews()
          },
        },
      )
      running.push(probes)
      return { name: nameOf(spec, at), health: () => health, passes: options.switchSpec().passes }
    })
    return {
      watched,
      stop() {
        for (const probes of running) probes.stop()
      },
    }
  }

  /** `isExcused`: that it asked to be left down, or was stopped, says nothing here. */
  function watchedOf(
    patient: Patient,
    isExcused: (patient: Patient, its: Health) => boolean,
    isOld: (patient: Patient) => boolean,
  ): Watched {
    const { liveness, readiness, startup } = patient.spec().probes
    const { passes } = options.switchSpec()
    const needed = liveness !== undefined || readiness !== undefined ? passes : startup === undefined ? 0 : 1
    const health = (): Shown => {
      const its = patient.health()
      // What ran before goes on, however well: that says nothing of what was to take its place.
      if (its.refusal !== null && isOld(patient))
        return { ...its, state: 'failed', why: `it was not restarted: ${its.refusal}` }
      if (its.state !== 'down' && its.state !== 'stopped') return its
      // One that was stopped may be started again meanwhile.
      return { ...its, state: isExcused(patient, its) ? 'stopped' : its.state === 'down' ? 'failed' : 'open' }
    }
    return { name: patient.name, health, passes: needed }
  }

  /** Starts services anew that run another generation; after a rollback also those that are not well. Answers which. */
  function renew({ phase, cause, from, to, good, isObserved }: Journal, baseline: readonly string[]): Set<Patient> {
    const renewed = new Set<Patient>()
    const isRollback = phase === 'rollingBack'
    const how = isRollback ? `rolled back to ${to?.generation}` : null
    for (const patient of patients()) {
      const ran = patient.ran()
      const { state } = patient.health()
      // What can't be told is no other one when it is looked at for the first time, and well: it must not prove another.
      const isFirst = isObserved && good.length === 0 && state === 'ready'
      const isOther = ran === null ? !isFirst : !isSameRan(ran, to)
      // A rollback that nobody's services prove would be no rollback: what failed is started anew in any case.
      const isSick = isRollback && cause !== 'recovery' && state !== 'ready'
      const isLetDown = cause === 'probation' && isSameRan(ran, from) && !baseline.includes(patient.name)
      if (how !== null && isLetDown) patient.revive(how, options.restartsUnits)
      else if (isOther || isSick) patient.renew(how, options.restartsUnits)
      else continue
      renewed.add(patient)
    }
    return renewed
  }

  async function judge(journal: Journal, baseline: readonly string[], signal: AbortSignal): Promise<Judgement> {
    const { to, phase, isObserved } = journal
    const isRollback = phase === 'rollingBack'
    const before = new Map(patients().map(patient => [patient, patient.health().state]))
    /** It can't be the candidate's doing. */
    const isExcused = (patient: Patient, { state, failed }: Health): boolean => {
      if (isRollback) return true
      if (state === 'stopped') return failed === null || before.get(patient) === 'stopped'
      return isObserved ? before.get(patient) === 'down' : !isSameRan(patient.ran(), to)
    }
    /**
     * It was to be restarted for this, and runs what it ran. In a rollback one that can't be told ran before the switch, and has
     * not been restarted since.
     */
    const isOld = (patient: Patient) =>
      renewed.has(patient) && !isSameRan(patient.ran(), to) && !(isRollback && patient.ran() === null)
    let renewed: ReadonlySet<Patient> = new Set()
    const startedMs = clock.monoMs()
    const { probationMs } = options.switchSpec()
    const news = Promise.withResolvers<Judgement>()
    const look = () => {
      const everyone = [...own.watched, ...patients().map(patient => watchedOf(patient, isExcused, isOld))]
      const all = everyone.filter(({ name }) => !baseline.includes(name))
      const nowMs = clock.monoMs()
      const elapsedMs = nowMs - startedMs
      const time = { elapsedMs, probationMs, nowMs }
      const judged = isRollback
        ? verified(all, elapsedMs, Math.max(VERIFY_MS, probationMs, ...startupsMs()))
        : all.length > 0
          ? soaked(all, time)
          : proved(everyone, time)
      if (judged !== null) news.resolve(judged)
    }
    const startupsMs = () => [...checks.map(({ startupMs }) => startupMs), ...patients().map(startupMsOf)]
    const own = watchChecks(() => look())
    let ends: (() => void)[] = []
    let cancel = () => {}
    const again = () => {
      look()
      cancel = clock.after(LOOK_EVERY_MS, again)
    }
    try {
      renewed = renew(journal, baseline)
      // Not before: one that has failed is not looked at until it was started anew.
      ends = patients().map(patient => patient.heed(look))
      again()
      signal.addEventListener('abort', () => news.resolve({ health: 'failed', why: 'called off' }), { once: true })
      return await news.promise
    } finally {
      cancel()
      own.stop()
      for (const end of ends) end()
    }
  }

  return {
    judge,
    hasChecks: () =>
      checks.length > 0 ||
      patients().some(patient => {
        const { state } = patient.health()
        return state !== 'stopped' && state !== 'down' && Object.keys(patient.spec().probes).length > 0
      }),
    async baseline() {
      const isSick = ({ state, isTroubled }: Health) =>
        state === 'failed' || state === 'down' || (state === 'open' && isTroubled)
      const sick = patients()
        .filter(patient => isSick(patient.health()))
        .map(({ name }) => name)
      const asked = await Promise.all(
        checks.map(async (spec, at) => {
          const { check, timeoutMs } = spec
          const { verdict } = await options.runCheck(check, timeoutMs, AbortSignal.timeout(timeoutMs + LOOK_EVERY_MS), {
            cwd: options.cwd,
          })
          return verdict === 'pass' ? [] : [nameOf(spec, at)]
        }),
      )
      return [...sick, ...asked.flat()]
    },
  }
}

function nameOf({ check: { kind } }: ProbeSpec, at: number): string {
  return `check ${at + 1} (${kind})`
}

/** How long a service that is started anew may take before that is a failure of its own. */
function startupMsOf(patient: Patient): number {
  const { stop, probes } = patient.spec()
  const { startupMs } = probes.startup ?? probes.readiness ?? probes.liveness ?? { startupMs: 0 }
  return stop.timeoutMs + startupMs
}
