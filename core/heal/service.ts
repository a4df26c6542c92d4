import { isDeepStrictEqual } from 'node:util'
import type { ServiceStatus } from '../api/control.ts'
import type { ServiceSpec } from '../config/spec.ts'
import { actorOf } from '../entry.ts'
import { type Fault, messageOf } from '../fault.ts'
import { serviceActs } from './acts.ts'
import { type Answers, answersOf } from './answers.ts'
import { type Facts, isReady, newFacts, recalled } from './facts.ts'
import type { End, Outside, Seat } from './host.ts'
import { inBoot, type Remembered, ranOf } from './memory.ts'
import { newOutage } from './outage.ts'
import { outsideNews } from './outside.ts'
import { type Patient, patientOf } from './patient.ts'
import type { Report } from './probe/schedule.ts'
import { isSameRan } from './ran.ts'
import { type LoopAnswer, STAY_DOWN, serviceRecords } from './records.ts'
import { statusOf } from './service-status.ts'
import { type Event, SHOWN, step } from './state.ts'
import type { SupervisorOptions } from './supervise.ts'
import { type Beginning, takeUp } from './take-up.ts'

/** One service under supervision: feeds events to the state table and lets its answers be performed. */
export interface Service {
  readonly name: string
  spec(): ServiceSpec
  status(): ServiceStatus
  isReady(): boolean
  /** It is to run: it is not stopped for good, nor being stopped so. One that is held is wanted, too. */
  isWanted(): boolean
  /** Looks for an instance of an earlier daemon; `begin` watches it again. */
  adopt(): Promise<boolean>
  isAdopted(): boolean
  /** Takes up its work: watches what was adopted, or starts it unless it waits for others or is to stay down. */
  begin(): void
  /** Resolves when ready; rejects with a Fault when it fails instead. */
  start(by: string): Promise<void>
  restart(by: string): Promise<void>
  /** Resolves when nothing is left of it. `goingDown`: all services are stopped; the next daemon starts it again. */
  stop(by: string, goingDown?: boolean): Promise<void>
  /** Its unit is taken out of the configuration, and goes on. */
  letGo(): void
  /** Another description, from the configuration; what runs keeps the old one until its next start. */
  describe(spec: ServiceSpec): Promise<void>
  /** What runs was started as another description says. */
  isStale(spec: ServiceSpec): boolean
  dependencyReady(): void
  /**
   * What the ledger remembers from before this daemon became known only now. `isAwaited`: until now it was open whether
   * it is to stay down, so if it waits it takes up its work.
   */
  recall(from: Remembered, isAwaited: boolean): void
  onEnd(end: End): void
  /** What others do with it, where others may. */
  outside(): Outside
  /** The last verdict of its liveness probe. */
  liveness(): Report | null
  /** Held until the services it depends on are ready. */
  isWaiting(): boolean
  /** As a switch of its target sees it. */
  patient(): Patient
  /** Ends its incident by hand. */
  resolve(by: string): void
  release(): void
}

export type ServiceOptions = Omit<SupervisorOptions, 'host' | 'recorded' | 'isRemembered' | 'onLoop'> & {
  /** Writes about the service once what is to be done is done (`afterwards.ts`). */
  readonly later: (write: () => void) => void
  /** What the ledger remembers of it is known. */
  readonly isRemembered: () => boolean
  /** Names of dependencies that are not ready. */
  readonly waitingFor: (spec: ServiceSpec) => readonly string[]
  readonly onReady: () => void
  readonly onLoop: () => LoopAnswer | null
  /** Why a hung service is not restarted now (the check itself is suspected); null: restart it. */
  readonly whyWait: (service: string) => string | null
}

/** More events than this in one turn would be a mistake in the state table, not work. */
const MAX_EVENTS_A_TURN = 100

export function superviseService(options: ServiceOptions, first: ServiceSpec, seat: Seat): Service {
  const { clock, record } = options
  const { name } = first
  let memory = options.remembered.memory[name] ?? null
  const seatedMs = clock.wallMs()
  const facts = newFacts(first, memory, seatedMs)
  let restartsBefore = facts.restarts
  const outage = newOutage(name, record)
  outage.join(options.remembered.openIncidents(name), seatedMs)
  const queue: Event[] = []
  let isFeeding = false
  const { later } = options
  const waiters = new Set<() => void>()
  /** Made when first asked for: of hundreds of services most never are, and each would cost a kilobyte. */
  const made: { answers?: Answers; outside?: Outside; patient?: Patient } = {}
  const answers = () => {
    made.answers ??= answersOf(facts, seat, options.isRemembered)
    return made.answers
  }

  const generation = () => (facts.spec.target === undefined ? null : options.generationOf(facts.spec.target))

  const acts = serviceActs(facts, seat, {
    clock,
    random: options.random,
    warn: options.warn,
    whyWait: options.whyWait,
    feed,
    generation,
    isInTrouble: () => outage.id() !== null,
    onStable: (wasLooping, attempts) =>
      later(() => {
        const data = { downMs: outage.totalMs(), attempts }
        if (wasLooping) record({ kind: 'service.recovered', svc: name, ...outage.inc(), data })
        outage.resolve(`stable for ${facts.spec.restart.resetAfterMs / 1000} s`)
      }),
  })
  const records = serviceRecords(facts, { ...options, clock, record, outage, later })
  const perform = { ...acts.perform, ...records.perform }
  const beginning: Beginning = { feed, later, outage, records, clock, onEnd: end => service.onEnd(end) }

  function feed(event: Event): void {
    queue.push(event)
    if (isFeeding) return
    isFeeding = true
    try {
      for (let n = 0; n < MAX_EVENTS_A_TURN; n += 1) {
        const next = queue.shift()
        if (next === undefined) break
        const { to, actions } = step(facts.phase, next)
        if (SHOWN[to] !== SHOWN[facts.phase]) facts.sinceMs = clock.wallMs()
        facts.from = facts.phase
        facts.phase = to
        for (const action of actions) guarded(action, perform[action])
      }
    } finally {
      isFeeding = false
    }
    for (const look of [...waiters]) look()
  }

  /** What goes wrong with one service must never end the supervision of the others. */
  function guarded(what: string, run: () => void): void {
    try {
      run()
    } catch (error) {
      options.warn(`${name}: ${what} failed: ${messageOf(error)}`)
    }
  }

  /** Resolves when `answer` is true after some event; rejects with the Fault it gives. */
  function until(answer: () => boolean | Fault): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const given = answer()
        if (given === false) return
        waiters.delete(look)
        if (given === true) resolve()
        // What is in the way now is put into words only then; until that is written it is what was in the way before.
        else later(() => reject(faultOf(answer()) ?? given))
      }
      waiters.add(look)
      look()
    })
  }

  const faultOf = (given: boolean | Fault) => (typeof given === 'boolean' ? null : given)

  const service: Service = {
    name,
    spec: () => facts.spec,
    status: () => statusOf(facts, outage.id(), seat),
    isReady: () => isReady(facts),
    isWanted: () => facts.phase !== 'stopped' && facts.phase !== 'stopping',
    async adopt() {
      const before = inBoot(memory, options.boot)
      facts.adopted = await seat.adopt(before?.endedPid, before?.fell)
      return facts.adopted !== null
    },
    isAdopted: () => facts.adopted !== null,
    begin() {
      takeUp({ facts, seat, memory, boot: options.boot, missing: options.waitingFor(facts.spec) }, beginning)
    },
    async start(by) {
      answers().refuseWhenClosing()
      Object.assign(facts, { by, refusal: null } satisfies Partial<Facts>)
      seat.hurry?.()
      if (answers().cleared()) feed('wanted')
      else {
        await until(answers().cleared)
        // Whatever else came meanwhile is the later wish.
        if (facts.phase === 'backoff' || facts.phase === 'loopBackoff') feed('wanted')
      }
      await until(answers().becameReady)
    },
    async restart(by) {
      if (seat.refusesRestart !== undefined) await answers().refuseRestart()
      answers().refuseWhenClosing()
      Object.assign(facts, { by, refusal: null } satisfies Partial<Facts>)
      seat.hurry?.()
      // systemd knows a restart: others that need the unit are restarted with it, not stopped.
      feed(seat.stop === undefined ? 'stopAsked' : 'renewed')
      feed('wanted')
      await until(answers().becameReady)
    },
    async stop(by, goingDown = false) {
      // A unit belongs to systemd: that heald lets go of it is no reason to stop it.
      if (goingDown && facts.spec.unit !== undefined) return
      answers().refuseStop()
      if (facts.phase === 'stopped') return
      Object.assign(facts, { by, goingDown, refusal: null } satisfies Partial<Facts>)
      feed('stopAsked')
      await until(answers().stopped)
    },
    letGo: records.released,
    describe(next) {
      const isSame = isDeepStrictEqual(facts.spec.probes, next.probes)
      if (facts.spec.target !== next.target) facts.ran = null
      facts.spec = next
      if (!isSame) acts.rewatch()
      return seat.describe(next)
    },
    isStale: spec => !seat.runs(spec),
    dependencyReady() {
      if (service.isWaiting() && options.waitingFor(facts.spec).length === 0) feed('released')
    },
    recall(from, isAwaited) {
      const wasWell = outage.id() === null
      memory = from.memory[name] ?? null
      const { restarts } = recalled(memory)
      facts.restarts += restarts - restartsBefore
      restartsBefore = restarts
      if (facts.adopted !== null && memory?.runningPid === facts.pid) facts.ran = ranOf(memory)
      const isUnclear = facts.unclear !== null && facts.phase === 'stopped'
      const isToBegin = isUnclear || (isAwaited && service.isWaiting())
      outage.join(from.openIncidents(name), isToBegin ? clock.wallMs() : seatedMs)
      if (isToBegin) {
        Object.assign(facts, recalled(memory))
        service.begin()
      } else if (facts.phase === 'stopped') later(() => outage.resolve('stopped'))
      else if (facts.phase === 'ready' && wasWell) {
        records.foundWell()
        acts.perform.awaitStable()
      }
    },
    onEnd(end) {
      facts.end = end
      facts.leftDown = end.leftDown?.why ?? null
      facts.hasFallen = end.fellWith !== undefined
      feed(end.exitCode === STAY_DOWN || facts.leftDown !== null ? 'endedStayDown' : 'ended')
      acts.mainEnded()
    },
    outside() {
      made.outside ??= outsideNews(facts, {
        ...{ feed, perform, left: records.left, unseenExit: records.unseenExit, begin: () => service.begin() },
        isOther() {
          const now = generation()
          return now !== null && !isSameRan(now, facts.ran)
        },
      })
      return made.outside
    },
    liveness: () => facts.liveness,
    isWaiting: () => facts.phase === 'held' && facts.waiting,
    patient() {
      made.patient ??= patientOf(facts, { feed, outage, later, waiters })
      return made.patient
    },
    resolve: by => later(() => outage.resolve(`by hand, by ${by}`, actorOf(by))),
    release() {
      acts.release()
      seat.release()
    },
  }
  return service
}
