import type { Incident } from '../incident/fold.ts'
import type { CommandControl } from './command-control.ts'
import type { LedgerControl } from './ledger-control.ts'
import type { ChannelStatus, NoticeControl } from './notice-control.ts'
import type { SwitchControl, TargetStatus } from './switch-control.ts'

export type ServiceState = 'starting' | 'ready' | 'unhealthy' | 'backoff' | 'looping' | 'stopping' | 'stopped' | 'held'

export interface ServiceStatus {
  readonly name: string
  readonly kind: 'process' | 'unit'
  /** The unit's own name, where it is one. */
  readonly unit?: string
  readonly state: ServiceState
  readonly pid: number | null
  /** Since when it is in this state, ISO 8601. */
  readonly sinceTs: string
  readonly restarts: number
  readonly attempt: number
  readonly generation: string | null
  readonly target: string | null
  readonly check: { readonly verdict: 'pass' | 'fail' | 'inconclusive' | 'none'; readonly error: string | null }
  /** Id of the open incident. */
  readonly incident: string | null
  /** Why it is held, looping or marked "restart pending", in words. */
  readonly why: string | null
}

export interface Status {
  readonly host: string
  readonly version: string
  /** Wall clock, ms. */
  readonly time: number
  readonly daemon: {
    readonly pid: number
    readonly startedTs: string
    readonly rssBytes: number
    /** Automatic changes are stopped; `frozenBy` says by whom, since when and why, in words. */
    readonly frozen: boolean
    readonly frozenBy: string | null
    readonly recording: 'ok' | 'degraded'
    readonly why: string | null
  }
  readonly ledger: {
    readonly size: number
    readonly head: string
    readonly receipt: string
    readonly checkpointSize: number | null
  }
  readonly services: readonly ServiceStatus[]
  readonly targets: readonly TargetStatus[]
  readonly incidents: { readonly open: number; readonly worst: 'info' | 'warning' | 'critical' | null }
  readonly channels: readonly ChannelStatus[]
  /** Commands that wait for somebody. */
  readonly commands: { readonly awaiting: number }
}

export interface Changes {
  readonly start: readonly string[]
  readonly stop: readonly string[]
  /** Units that are taken out: they go on, and are looked after no more. */
  readonly release: readonly string[]
  readonly restart: readonly string[]
  readonly keep: readonly string[]
  /** Changed, but still running as before until somebody restarts them. */
  readonly pending: readonly string[]
}

/** What the socket's server asks of the daemon. Errors are Faults. */
export interface Control extends SwitchControl, NoticeControl, LedgerControl, CommandControl {
  status(): Status
  incidents(): readonly Incident[]
  /** Resolves once the service reached the state asked for, or rejects. */
  act(
    verb: 'start' | 'stop' | 'restart',
    service: string,
    by: string,
  ): Promise<{ readonly state: ServiceState; readonly pid: number | null; readonly tookMs: number }>
  mark(verb: 'ack' | 'resolve', incident: string, by: string): Promise<Incident>
  reload(options: { readonly dryRun: boolean; readonly restart: boolean }): Promise<Changes>
  /** Stops services in reverse order of dependence, then the daemon. Resolves when the services are down. */
  down(by: string): Promise<{ readonly stopped: readonly string[] }>
}
