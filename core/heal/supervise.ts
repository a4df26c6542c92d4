import { setImmediate } from 'node:timers/promises'
import type { Changes, ServiceStatus } from '../api/control.ts'
import type { Clock } from '../clock.ts'
import { BOT } from '../config/bot-name.ts'
import type { HostConfig, ServiceSpec } from '../config/spec.ts'
import type { Draft } from '../entry.ts'
import { Fault, messageOf } from '../fault.ts'
import { newAfterwards } from './afterwards.ts'
import type { ProcessHost } from './host.ts'
import type { Remembered } from './memory.ts'
import { startingOrder } from './order.ts'
import { handedOn, NOBODY } from './outside.ts'
import type { Patient } from './patient.ts'
import type { Ran } from './ran.ts'
import type { LoopAnswer } from './records.ts'
import { type Service, superviseService } from './service.ts'
import { judgeHang, noteReady, type Suspicion, type Watched } from './suspect.ts'
import { takenOut } from './taken-out.ts'

/**
 * Life of a crash
 *
 * 1. The host reports an end (`host.ts`), or a probe that the service hangs (`probe/`), whose tree is then killed.
 * 2. `service.ts` lets the state table answer (`state.ts`) and acts at once: the standby gets its byte.
 * 3. In the same turn the evidence is taken, put into words (`diagnosis.ts`) and handed to the ledger. Nothing waits
 *    for the disk.
 * 4. The probe passes: `service.recovered` says how long it was down. Not ready, or dead again: backoff, and from the
 *    third failure on (counted in time spent ready) slow restarts and an incident for people.
 */
export interface SupervisorOptions {
  readonly host: ProcessHost
  readonly clock: Clock
  readonly random: () => number
  /** Hands an entry to the ledger; returns at once. */
  readonly record: (draft: Draft) => void
  /** Resolves once all that was handed over so far is durable; never rejects. */
  readonly recorded: () => Promise<void>
  /** What the ledger remembers of services from before this daemon. */
  readonly remembered: Remembered
  /** False while it may still turn out that the service is to stay down. */
  readonly isRemembered: (service: string) => boolean
  /** The kernel's id of this boot. */
  readonly boot: string
  /** Told of trouble that stops nothing. */
  readonly warn: (text: string) => void
  /** The generation that a target points at; null when that is not known. */
  readonly generationOf: (target: string) => Ran | null
  /** A service crash-loops: what is done about it beside slow restarts; null: it belongs to no target. */
  readonly onLoop: (service: ServiceSpec) => LoopAnswer | null
}

export interface Supervisor {
  /** Takes the first configuration and finds what runs already; resolves with its names. Nothing is started yet. */
  take(config: HostConfig): Promise<readonly string[]>
  /** Takes up what was found and starts the rest in order of dependence. */
  begin(): Promise<void>
  /** What left the configuration while no daemon ran. */
  takenOut(): Pick<Changes, 'stop' | 'release'>
  /** Names of running services that were started as something else than `config` says. */
  stale(config: HostConfig): readonly string[]
  /** Applies a later configuration by the plan made of it; `commit` is called once nothing can fail any more. */
  apply(config: HostConfig, plan: Changes, commit: () => Promise<void>): Promise<void>
  service(name: string): Service
  /** Those whose `target` it is, in order of dependence. */
  patientsOf(target: string): readonly Patient[]
  /** What was not remembered at the start is now: each service, one a turn, takes its part up. */
  recall(from: Remembered): Promise<void>
  statuses(): ServiceStatus[]
  /** Stops all in reverse order of dependence. Resolves with the names when everything is down. */
  stopAll(by: string): Promise<string[]>
  /** Hands all that is known to the ledger now. */
  flush(): void
  /** Lets go of all: services keep running. */
  release(): void
}

/** What a service waits for that the newest entries don't speak of. */
const THE_PAST = 'the ledger to be read: it may be meant to stay stopped'

/** At most so many seats are prepared at once at a start: each may look up a user or fork. */
const SEATS_AT_ONCE = 16

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { host } = options
  const services = new Map<string, Service>()
  const afterwards = newAfterwards(options.clock, error => options.warn(`not recorded: ${messageOf(error)}`))
  /** Services of which it is not known yet whether they are to stay down. */
  const unknown = new Set<string>()
  let isReleased = false
  let suspicion: Suspicion = {}
  const isReady = (name: string) => services.get(name)?.isReady() ?? true

  async function seatService(spec: ServiceSpec): Promise<Service> {
    let deliver: Service | undefined
    const outside = spec.unit === undefined ? NOBODY : handedOn(() => deliver?.outside())
    const seat = await host.seat(spec, ended => deliver?.onEnd(ended), outside)
    if (!options.isRemembered(spec.name)) unknown.add(spec.name)
    const service = superviseService(
      {
        ...options,
        later: afterwards.later,
        isRemembered: () => !unknown.has(spec.name),
        waitingFor: current => [
          ...(unknown.has(current.name) ? [THE_PAST] : []),
          ...current.dependsOn.filter(name => !isReady(name)),
        ],
        onLoop: () => options.onLoop(service.spec()),
        onReady: () => {
          suspicion = noteReady(suspicion, spec.name, options.clock.monoMs())
          for (const other of services.values()) if (other.isWaiting()) other.dependencyReady()
        },
        whyWait: name => {
          const picture = [...services.values()].flatMap(watched)
          const judgement = judgeHang(suspicion, name, picture, options.clock.monoMs())
          suspicion = judgement.suspicion
          return judgement.act === 'wait' ? judgement.why : null
        },
      },
      spec,
      seat,
    )
    deliver = service
    return service
  }

  const gone = takenOut({
    host,
    record: options.record,
    recorded: options.recorded,
    boot: options.boot.slice(0, 8),
    wallMs: options.clock.wallMs,
    configured: () => new Map([...services.values()].map(service => [service.name, service.spec().unit ?? null])),
  })

  async function forget(service: Service): Promise<void> {
    services.delete(service.name)
    service.release()
    await host.remove(service.name)
  }

  return {
    async take(config) {
      const byName = new Map(config.services.map(spec => [spec.name, spec]))
      const order = startingOrder(config.services)
      for (let at = 0; at < order.length; at += SEATS_AT_ONCE) {
        const specs = order.slice(at, at + SEATS_AT_ONCE).flatMap(name => byName.get(name) ?? [])
        const seated = await Promise.all(specs.map(seatService))
        for (const service of seated) services.set(service.name, service)
      }
      const adopted: string[] = []
      await Promise.all(
        [...services.values()].map(async service => (await service.adopt()) && adopted.push(service.name)),
      )
      return adopted
    },

    async begin() {
      const [found, rest] = [[], []] as [Service[], Service[]]
      for (const service of services.values()) (service.isAdopted() ? found : rest).push(service)
      for (const service of found) service.begin()
      // First, for it may hold a port that another one needs.
      await gone.end(options.remembered)
      // One a turn: each start may fork, and what runs is healed meanwhile.
      for (const service of rest) {
        service.begin()
        await setImmediate()
      }
    },

    takenOut: () => gone.changes(options.remembered),

    stale: config =>
      config.services.filter(spec => services.get(spec.name)?.isStale(spec) === true).map(spec => spec.name),

    async apply(config, plan, commit) {
      const byName = new Map(config.services.map(spec => [spec.name, spec]))
      const added = await Promise.all(plan.start.flatMap(name => byName.get(name) ?? []).map(seatService))
      await commit()
      for (const name of plan.stop) {
        const service = services.get(name)
        if (service === undefined) continue
        await service.stop('heald', true)
        await forget(service)
      }
      for (const name of plan.release) {
        const service = services.get(name)
        if (service === undefined) continue
        service.letGo()
        await forget(service)
      }
      await Promise.all(config.services.map(spec => services.get(spec.name)?.describe(spec)))
      for (const service of added) {
        services.set(service.name, service)
        await service.adopt()
      }
      for (const service of added) service.begin()
      for (const name of plan.restart)
        void services
          .get(name)
          ?.restart('heald')
          .catch((error: unknown) => options.warn(messageOf(error)))
      // A dependency that is gone holds nobody up.
      for (const service of services.values()) if (service.isWaiting()) service.dependencyReady()
    },

    service(name) {
      const service = services.get(name)
      if (service !== undefined) return service
      throw new Fault('service.unknown', `there is no service named ${name}`, {
        hint:
          services.size === 0 ? 'no services are configured' : `the services are: ${[...services.keys()].join(', ')}`,
      })
    },

    patientsOf(target) {
      const specs = [...services.values()].map(service => service.spec()).filter(spec => spec.target === target)
      return startingOrder(specs).flatMap(name => services.get(name)?.patient() ?? [])
    },

    async recall(from) {
      gone.recall(from)
      // One a turn, as in `begin`. Until its turn each one waits, whatever else gets ready meanwhile.
      for (const service of services.values()) {
        if (isReleased) return
        service.recall(from, unknown.delete(service.name))
        await setImmediate()
      }
    },

    statuses: () => [...services.values()].map(service => service.status()),

    async stopAll(by) {
      const order = startingOrder([...services.values()].map(service => service.spec())).reverse()
      const units = new Set(order.filter(name => services.get(name)?.spec().unit !== undefined))
      // The bot is the last to stop, so that it can tell of the others.
      const before = (name: string) => [...(services.get(name)?.spec().dependsOn ?? []), ...(name === BOT ? [] : [BOT])]
      for (const level of levels(order, before)) {
        await Promise.all(level.map(name => services.get(name)?.stop(by, true)))
      }
      for (const service of services.values()) service.release()
      services.clear()
      await Promise.all(order.map(name => host.remove(name)))
      return order.filter(name => !units.has(name))
    },

    flush: afterwards.flush,

    release() {
      isReleased = true
      for (const service of services.values()) service.release()
      afterwards.flush()
    },
  }
}

/** What the suspicion needs to know of a service; nothing when it has no liveness check or does not run. */
function watched(service: Service): Watched[] {
  const { liveness } = service.spec().probes
  if (liveness === undefined || !service.isReady()) return []
  const report = service.liveness()
  return [
    {
      service: service.name,
      checkKind: liveness.check.kind,
      misses: report?.misses ?? 0,
      failingSinceMs: report?.failingSinceMs ?? null,
      everyMs: liveness.everyMs,
      startupMs: liveness.startupMs,
    },
  ]
}

/** Groups names, given in stopping order, so that each group can stop together: dependants always before. */
function levels(stopping: readonly string[], dependsOn: (name: string) => readonly string[]): string[][] {
  const depth = new Map<string, number>()
  for (const name of stopping) {
    const own = depth.get(name) ?? 0
    for (const dependency of dependsOn(name)) depth.set(dependency, Math.max(depth.get(dependency) ?? 0, own + 1))
    depth.set(name, own)
  }
  const groups: string[][] = []
  for (const name of stopping) {
    const at = depth.get(name) ?? 0
    groups[at] ??= []
    groups[at]?.push(name)
  }
  return groups.filter(group => group !== undefined)
}
