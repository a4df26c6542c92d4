import { join } from 'node:path'
import type { Changes, Control } from './api/control.ts'
import { ledgerControl } from './api/ledger-control.ts'
import { ROUTES } from './api/routes.ts'
import { type ApiServer, serve } from './api/server.ts'
import { bootId, type Clock } from './clock.ts'
import { awaitingIn } from './command/memory.ts'
import { commandsOnDemand } from './command/on-demand.ts'
import { mustBeReloadable, planReload } from './config/plan.ts'
import type { HostConfig, TargetSpec } from './config/spec.ts'
import { damageTeller, isDamageUnseen } from './damage.ts'
import type { Draft, Entry } from './entry.ts'
import { asFault, messageOf } from './fault.ts'
import { rememberedIn } from './folded.ts'
import type { ProcessHost } from './heal/host.ts'
import { orderedOn } from './heal/ordered.ts'
import { runCheck } from './heal/probe/run.ts'
import { createSupervisor } from './heal/supervise.ts'
import { allIncidents, openIncidents } from './incident/fold.ts'
import { marker } from './incident/mark.ts'
import { resolver } from './incident/resolve.ts'
import { lateReload } from './late-reload.ts'
import { followLines } from './ledger/follow.ts'
import { keptIn } from './ledger/kept.ts'
import { openLedger } from './ledger/open.ts'
import { signingKey } from './ledger/signing-key.ts'
import { noticesOnDemand } from './notice/on-demand.ts'
import { openHostIn } from './open-host.ts'
import { openPast, type Past } from './past.ts'
import type { OpenTarget } from './safeswitch/managed.ts'
import { safeSwitchOnDemand } from './safeswitch/on-demand.ts'
import { statusOf } from './status.ts'
import { inTurns, mustRecord as mustRecordIn } from './turns.ts'
import { unitsTaker } from './units-taker.ts'
import { wholeConfig } from './whole-config.ts'

/**
 * Life of a daemon
 *
 * 1. The ledger is opened: one writer a state folder, a second daemon is refused.
 * 2. What the ledger knows (open incidents, who is to stay down) is folded: snapshot and tail. Without a usable
 *    snapshot the services are supervised at once and everything is folded beside that.
 * 3. Services that still run are adopted, the others started in order of dependence.
 * 4. The socket opens: orders and questions come in.
 * 5. A signal ends the daemon only; the services keep running. `down` stops them first.
 */
export interface DaemonOptions {
  readonly state: string
  readonly socket: string
  readonly version: string
  readonly clock: Clock
  /** Reads and checks the configuration; a Fault when it is not good. */
  readonly loadConfig: () => Promise<HostConfig>
  readonly openHost: (state: string, warn: (text: string) => void) => ProcessHost
  /** Opens what is switched; `state` as above. */
  readonly openTarget: (state: string, spec: TargetSpec) => Promise<OpenTarget>
  /** Told of trouble that stops nothing. */
  readonly warn: (text: string) => void
  /** Looks a user up as the system does; resolves to why it can't be used. Left out: users are not known. */
  readonly findAccount?: (
    user: string,
  ) => Promise<{ readonly uid: number; readonly gid: number } | { readonly missing: string }>
  /** The program in the place of `heald bot`, and how long a confirmation of an escalation is waited for. */
  readonly forTests?: { readonly botArgv?: readonly string[]; readonly confirmMs?: number }
  /** Sees each batch of entries once it is durable. */
  readonly onEntries?: (entries: readonly Entry[]) => void
}

export interface Daemon extends Control {
  /** Resolves with the reason once `down` was asked for and everything is stopped. */
  readonly downed: Promise<string>
  /** Ends the daemon, bounded; services keep running. Safe to call twice. */
  end(reason: string): Promise<void>
}

const CLOSE_API_MS = 2000
const CLOSE_LEDGER_MS = 5000

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { state, clock, version, warn } = options
  const ledgerDir = join(state, 'ledger')
  const startedTs = new Date(clock.wallMs()).toISOString()
  const boot = bootId()
  let opened: ProcessHost | undefined
  const host = () => (opened ??= openHostIn(state, options.openHost, warn))
  const whole = wholeConfig(options, host)
  let config = await whole.read()
  let past: Past | undefined

  const ledger = await openLedger({
    dir: ledgerDir,
    host: config.host,
    version,
    clock,
    bootId: boot,
    ...(config.ledger.keep && { keep: config.ledger.keep }),
    ...{ redact: config.ledger.redact, fsync: config.ledger.fsync, checkpointEveryMs: config.ledger.checkpointEvery },
    ...{ snapshot: () => past?.snapshot(), onTrouble: warn },
  })
  try {
    return await supervised()
  } catch (error) {
    await ledger.close(CLOSE_LEDGER_MS)
    throw error
  }

  async function supervised(): Promise<Daemon> {
    past = await openPast(ledgerDir, () => ledger.head().size)
    const { folded, foldRest, recalled } = past
    let lastRecorded: Promise<unknown> = Promise.resolve()
    const record = (draft: Draft): void => {
      lastRecorded = ledger
        .append(draft)
        .then(entry => {
          if (draft.tail !== undefined && entry !== null) notices.noteTail(entry.seq, draft.tail)
        })
        .catch((error: unknown) => warn(`not recorded: ${draft.kind}: ${messageOf(error)}`))
    }
    /** Resolves when all that happened so far is durable: an order is answered only then. */
    async function recorded(): Promise<void> {
      supervisor.flush()
      await lastRecorded
    }
    const damage = damageTeller(folded, record, warn)
    /** Resolves when every service has been taken up, and the ledger's past is known. */
    const ready = Promise.withResolvers<void>()
    const append = (draft: Draft) => ledger.append(draft)
    const mustRecord = () => mustRecordIn(ledger.head())
    const follow = (from: number, signal: AbortSignal) => followLines(ledgerDir, from, signal, ledger)
    const safeSwitch = safeSwitchOnDemand({
      ...{ clock, random: Math.random, memories: folded.targets, runCheck, warn, boot: boot.slice(0, 8) },
      openTarget: spec => options.openTarget(state, spec),
      patientsOf: target => supervisor.patientsOf(target),
      ...{ append, spendReserve: ledger.spendReserve },
      flush: () => supervisor.flush(),
      isRecording: () => ledger.head().recording === 'ok',
      ...{ isDamaged: () => isDamageUnseen(folded), isFrozen: () => folded.commands.frozen !== null },
      whenReady: () => ready.promise,
    })
    const supervisor = createSupervisor({
      host: host(),
      ...{ clock, random: Math.random, record, recorded, boot, warn },
      remembered: rememberedIn(folded),
      isRemembered: past.knows,
      generationOf: safeSwitch.generationOf,
      onLoop: safeSwitch.onLoop,
    })
    const commands = commandsOnDemand({
      ...{ clock, state, socket: options.socket, append, warn, mustRecord },
      ...{ memory: folded.commands, incidents: folded.incidents, notices: folded.notices },
      ...{ config: () => config, status: () => daemon.status(), services: supervisor.statuses },
      isWanted: name => supervisor.service(name).isWanted(),
      act: orderedOn(supervisor, { clock, recorded }),
      mark: marker({
        ...{ incidents: folded.incidents, append },
        resolve: resolver({ supervisor, recorded, append, clock }),
      }),
      ...{ switches: safeSwitch, silences: () => notices },
      ...{ whenReady: () => ready.promise, isKnown: () => past?.isComplete() ?? false },
    })
    const notices = noticesOnDemand({
      ...{ clock, state, socket: options.socket, append, follow, warn },
      ...{ memory: folded.notices, incidents: folded.incidents },
      ...{ config: () => config, head: () => ledger.head(), status: () => daemon.status() },
      supervisor,
      checkpoints: { ...keptIn(ledgerDir), keyOf: note => signingKey(ledgerDir, note) },
      commands: commands.chat,
      mustRecord,
      findAccount: options.findAccount ?? (async user => ({ missing: `the user ${user} could not be looked up` })),
      whenReady: () => ready.promise,
      ...options.forTests,
    })
    ledger.onDurable(entries => {
      past?.follow(entries)
      damage.follow(entries)
      notices.take(entries)
      commands.take(entries)
      options.onEntries?.(entries)
    })
    const [adopted] = await Promise.all([supervisor.take(config), notices.apply(config)])
    await safeSwitch.take(config)
    /** Resolves when every service has been taken up; orders wait for it, questions don't. */
    let begun: Promise<void> = Promise.resolve()
    let api: ApiServer | null = null
    let ending: Promise<void> | null = null
    const { promise: downed, resolve: tellDowned } = Promise.withResolvers<string>()
    const inTurn = inTurns(() => begun)
    async function applyNext(next: HostConfig, how: Parameters<Control['reload']>[0]): Promise<Changes> {
      mustBeReloadable(config, next)
      const changes = planReload(config, next, { restart: how.restart, stale: supervisor.stale(next) })
      if (how.dryRun) return changes
      mustRecord()
      const endReserve = safeSwitch.reserve(next)
      let trouble: unknown = null
      const applied = supervisor.apply(next, changes, async () => {
        await ledger.append({ kind: 'config.applied', data: { sha256: next.sha256, changes: { ...changes } } })
        config = next
        // Before services start: each has to know which generation it runs.
        trouble = await safeSwitch.apply(next).then(() => null, asFault)
        await notices.apply(next)
      })
      await applied.finally(endReserve)
      watchUnits()
      safeSwitch.begin()
      if (trouble !== null) throw trouble
      return changes
    }
    const takeUnits = unitsTaker({
      ...{ inTurn, again: () => whole.again(config), warn },
      apply: next => applyNext(next, { dryRun: false, restart: false }),
    })
    const watchUnits = () => host().onUnits?.(config.units.length > 0 ? takeUnits : null)
    const late = lateReload({ clock, warn, inTurn, reload: how => daemon.reload(how) })

    const daemon: Daemon = {
      downed,
      status: () =>
        statusOf({
          ...{ host: config.host, version, timeMs: clock.wallMs(), startedTs },
          ...{ head: ledger.head(), checkpointSize: ledger.checkpointSize() },
          services: supervisor.statuses(),
          targets: safeSwitch.statuses(),
          channels: notices.channels(),
          ...{ open: openIncidents(folded.incidents), frozen: folded.commands.frozen },
          awaiting: awaitingIn(folded.commands),
        }),
      incidents: () => allIncidents(folded.incidents),
      silences: notices.silences,
      checkSilence: notices.checkSilence,
      ...commands.control,
      reload: how =>
        late.run(how, async () => {
          await ready.promise
          return applyNext(await whole.read(), how)
        }),
      ...ledgerControl(ledger, mustRecord),
      generations: safeSwitch.generations,
      changes: safeSwitch.changes,
      down: by =>
        inTurn(async () => {
          for (const each of [late, safeSwitch, notices, commands]) each.release()
          const stopped = await supervisor.stopAll(by)
          tellDowned(`down by ${by}`)
          return { stopped }
        }),
      end(reason) {
        ending ??= (async () => {
          await Promise.all([api?.close(CLOSE_API_MS), notices.close(CLOSE_API_MS)])
          for (const each of [late, commands, safeSwitch, notices, supervisor]) each.release()
          record({ kind: 'daemon.stopped', data: { reason } })
          await ledger.close(CLOSE_LEDGER_MS)
        })()
        return ending
      },
    }
    try {
      api = await serve({ socket: options.socket, routes: ROUTES, control: daemon, warn, follow })
    } catch (error) {
      supervisor.release()
      await notices.close(CLOSE_API_MS)
      throw error
    }
    const start = config.services.map(service => service.name).filter(name => !adopted.includes(name))
    const { sha256 } = config
    const stale = supervisor.stale(config)
    const keep = adopted.filter(name => !stale.includes(name))
    record({
      kind: 'daemon.started',
      data: { version, pid: process.pid, boot: boot.slice(0, 8), config: sha256, adopted },
    })
    record({
      kind: 'config.applied',
      data: { sha256, changes: { start, ...supervisor.takenOut(), restart: [], keep, pending: stale } },
    })
    begun = supervisor.begin()
    await begun
    foldRest()
      .then(damage.pastIsKnown)
      .catch((error: unknown) => warn(`the ledger's past could not be read: ${messageOf(error)}`))
      .then(async () => {
        const from = recalled()
        if (from !== null) await supervisor.recall(from)
      })
      .catch((error: unknown) => warn(`the ledger's past could not be taken up: ${messageOf(error)}`))
      .finally(() => {
        safeSwitch.begin()
        commands.begin()
        ready.resolve()
        watchUnits()
        // By a past that is not known, what has been done already would be done again and again.
        if (past?.isComplete()) notices.begin()
      })
    return daemon
  }
}
