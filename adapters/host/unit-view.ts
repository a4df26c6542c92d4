import type { Launch } from '../../core/heal/host.ts'

/** What systemd says of a unit, in one instant. */
export interface UnitView {
  /** `loaded`, `masked`, `not-found`, `bad-setting`, `error`. */
  readonly load: string
  readonly active: string
  readonly sub: string
  /** How the unit did: `success`, `exit-code`, `signal`, `core-dump`, `watchdog`, `timeout`, `oom-kill`, `start-limit-hit`, … */
  readonly result: string
  readonly mainPid: number
  /** Of ExecStartPre, ExecStopPost and their like. */
  readonly controlPid: number
  /** Names one run of the unit, 32 hex; '' when it never ran. */
  readonly run: string
  /** Of the last main process: 0 it runs, 1 exited, 2 killed, 3 dumped core; and its exit code or signal. */
  readonly exitKind: number
  readonly exitStatus: number
  /** Process id of the last main process. */
  readonly lastPid: number
  /** systemd's own count of its restarts: it falls back to 0 when somebody else starts the unit. */
  readonly restarts: number
  /** `Restart=`. */
  readonly policy: string
  /** `RestartPreventExitStatus=`: exit codes and signals with which it is to stay down. */
  readonly preventedCodes: readonly number[]
  readonly preventedSignals: readonly number[]
  /** `RestartForceExitStatus=`: those with which systemd restarts it, whatever `Restart=` says. */
  readonly forcedCodes: readonly number[]
  readonly forcedSignals: readonly number[]
  /** Timers, sockets and paths that start it. */
  readonly triggeredBy: readonly string[]
  /** `BindsTo=`. */
  readonly boundTo: readonly string[]
  /** `RestartSec=`, ms. */
  readonly restartMs: number
  /** `TimeoutStartSec=`, ms; Infinity: none. */
  readonly startMs: number
  /** False: `RefuseManualStart=`, `RefuseManualStop=`. */
  readonly canStart: boolean
  readonly canStop: boolean
  /** `Type=`. */
  readonly type: string
  /** Of the job that is under way; 0: none. */
  readonly job: number
  /** systemd keeps the most memory of a run (255 and newer). */
  readonly hasPeak: boolean
  /** Monotonic ms: when its main process was started; 0: there is none, as in a `Type=forking` without `PIDFile=`. */
  readonly mainMonoMs: number
  /** Monotonic ms: when it became active last. */
  readonly activeMonoMs: number
  /** Monotonic ms: when it ceased to be active last, whatever came then. */
  readonly activeExitMonoMs: number
  /** Whether its conditions (`Condition…=`) were met when systemd looked at them last, and when that was, monotonic ms. */
  readonly isConditionMet: boolean
  readonly conditionMonoMs: number
}

export const NO_UNIT: UnitView = {
  ...{ load: 'not-found', active: 'inactive', sub: 'dead', result: 'success', run: '', type: 'simple', policy: 'no' },
  ...{ mainPid: 0, controlPid: 0, lastPid: 0, exitKind: 0, exitStatus: 0, restarts: 0, job: 0, mainMonoMs: 0 },
  ...{
    restartMs: 100,
    startMs: 90_000,
    hasPeak: false,
    activeMonoMs: 0,
    activeExitMonoMs: 0,
    isConditionMet: false,
    conditionMonoMs: 0,
    canStart: true,
    canStop: true,
  },
  ...{ preventedCodes: [], preventedSignals: [], forcedCodes: [], forcedSignals: [], triggeredBy: [], boundTo: [] },
}

/** In the place of systemd's word, for a seat whose unit another one looks after. */
export const ELSEWHERE = {
  ...{ LoadState: 'elsewhere', ActiveState: 'inactive', SubState: 'dead', Result: 'success' },
  ...{ MainPID: 0, ControlPID: 0, Job: [0, '/'], InvocationID: Buffer.alloc(0) },
}

type Properties = Readonly<Record<string, unknown>>

/** The view after `properties` (some or all) have been told. */
export function viewWith(before: UnitView, properties: Properties): UnitView {
  const text = (name: string, old: string) => (name in properties ? String(properties[name]) : old)
  const flag = (name: string, old: boolean) => (name in properties ? properties[name] === true : old)
  const number = (name: string, old: number) => (name in properties ? Number(properties[name]) : old)
  const ms = (name: string, old: number) => {
    const us = number(name, Number.NaN)
    // 2^64 - 1 means: never.
    return Number.isNaN(us) ? old : us > 1e18 ? Number.POSITIVE_INFINITY : us / 1000
  }
  const list = <T>(value: unknown, old: readonly T[]) => (Array.isArray(value) ? (value as readonly T[]) : old)
  const [codes, signals] = list<unknown>(properties.RestartPreventExitStatus, [])
  const [forcedCodes, forcedSignals] = list<unknown>(properties.RestartForceExitStatus, [])
  return {
    load: text('LoadState', before.load),
    active: text('ActiveState', before.active),
    sub: text('SubState', before.sub),
    result: text('Result', before.result),
    mainPid: number('MainPID', before.mainPid),
    controlPid: number('ControlPID', before.controlPid),
    lastPid: number('ExecMainPID', before.lastPid),
    run: Buffer.isBuffer(properties.InvocationID) ? properties.InvocationID.toString('hex') : before.run,
    exitKind: number('ExecMainCode', before.exitKind),
    exitStatus: number('ExecMainStatus', before.exitStatus),
    restarts: number('NRestarts', before.restarts),
    policy: text('Restart', before.policy),
    restartMs: ms('RestartUSec', before.restartMs),
    startMs: ms('TimeoutStartUSec', before.startMs),
    canStart: flag('CanStart', before.canStart),
    canStop: flag('CanStop', before.canStop),
    type: text('Type', before.type),
    job: Array.isArray(properties.Job) ? Number(properties.Job[0]) : before.job,
    hasPeak: before.hasPeak || 'MemoryPeak' in properties,
    mainMonoMs: ms('ExecMainStartTimestampMonotonic', before.mainMonoMs),
    activeMonoMs: ms('ActiveEnterTimestampMonotonic', before.activeMonoMs),
    activeExitMonoMs: ms('ActiveExitTimestampMonotonic', before.activeExitMonoMs),
    isConditionMet: flag('ConditionResult', before.isConditionMet),
    conditionMonoMs: ms('ConditionTimestampMonotonic', before.conditionMonoMs),
    preventedCodes: list(codes, before.preventedCodes),
    preventedSignals: list(signals, before.preventedSignals),
    forcedCodes: list(forcedCodes, before.forcedCodes),
    forcedSignals: list(forcedSignals, before.forcedSignals),
    triggeredBy: list(properties.TriggeredBy, before.triggeredBy),
    boundTo: list(properties.BindsTo, before.boundTo),
  }
}

/** Monotonic ms: when the instance was started; 0: that is not known. */
export function startedMonoMs(view: UnitView): number {
  // While it is not up, this is still the time of the run before.
  return view.mainMonoMs > 0 || !isUp(view) ? view.mainMonoMs : view.activeMonoMs
}

/** What runs, for who supervises it. */
export function launchOf(view: UnitView): Launch {
  const startedMs = startedMonoMs(view)
  const started = startedMs > 0 ? { startedMonoMs: startedMs } : {}
  return { pid: view.mainPid || view.lastPid, standby: false, ...started }
}

/** It runs, as far as systemd knows: started and ready in its own terms. */
export function isUp(view: UnitView): boolean {
  return view.active === 'active' || isReloading(view)
}

export function isReloading({ active }: UnitView): boolean {
  return active === 'reloading' || active === 'refreshing'
}

/** Nothing of it runs. In the middle of a start systemd says so too, though there is a process already. */
export function isDown(view: UnitView): boolean {
  if (view.mainPid !== 0 || view.controlPid !== 0) return false
  return view.active === 'inactive' || view.active === 'failed' || awaitsRestart(view)
}

/**
 * What becomes of it only the next picture says: systemd is ending it, whoever wanted that, or calls it inactive though its job
 * is not over, as for an instant in a start and at the end of a stop.
 */
export function isBetween({ active, job }: UnitView): boolean {
  return active === 'deactivating' || (active === 'inactive' && job !== 0)
}

/** systemd is going to start it again by itself. */
export function awaitsRestart({ active, sub }: UnitView): boolean {
  return active === 'activating' && sub.startsWith('auto-restart')
}
