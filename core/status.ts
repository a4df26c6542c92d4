import type { ServiceStatus, Status } from './api/control.ts'
import type { ChannelStatus } from './api/notice-control.ts'
import type { TargetStatus } from './api/switch-control.ts'
import type { Incident } from './incident/fold.ts'
import type { Head } from './ledger/ledger.ts'
import { receiptOf } from './ledger/receipt.ts'

/** What the status is made of. */
export interface StatusParts {
  readonly host: string
  readonly version: string
  readonly timeMs: number
  readonly startedTs: string
  readonly head: Head
  readonly checkpointSize: number | null
  readonly services: readonly ServiceStatus[]
  readonly targets: readonly TargetStatus[]
  readonly channels: readonly ChannelStatus[]
  /** Incidents that are not resolved. */
  readonly open: readonly Incident[]
  /** Commands that wait for somebody. */
  readonly awaiting: number
  readonly frozen: { readonly by: string; readonly why: string; readonly sinceTs: string } | null
}

/** The answer to `heald status`. */
export function statusOf({
  host,
  version,
  timeMs,
  startedTs,
  head,
  checkpointSize,
  services,
  targets,
  channels,
  open,
  awaiting,
  frozen,
}: StatusParts): Status {
  const severities = open.map(incident => incident.severity)
  const worst = (['critical', 'warning', 'info'] as const).find(severity => severities.includes(severity)) ?? null
  return {
    host,
    version,
    time: timeMs,
    daemon: {
      pid: process.pid,
      startedTs,
      rssBytes: process.memoryUsage.rss(),
      frozen: frozen !== null,
      frozenBy: frozen === null ? null : frozenText(frozen),
      recording: head.recording,
      why: head.why ?? null,
    },
    ledger: {
      size: head.size,
      head: head.h,
      receipt: head.size === 0 ? '' : receiptOf(head.size - 1, head.h),
      checkpointSize,
    },
    services,
    targets,
    incidents: { open: open.length, worst },
    channels,
    commands: { awaiting },
  }
}

function frozenText({ by, why, sinceTs }: NonNullable<StatusParts['frozen']>): string {
  return `by ${by} since ${sinceTs}${why === '' ? '' : `: ${why}`}`
}
