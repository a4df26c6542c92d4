import type { Entry } from '../entry.ts'
import type { OpenBefore } from './outage.ts'
import { type Ran, ranFrom } from './ran.ts'

/** What must be known of a service after a restart of the daemon: a fold over the ledger's entries. */
export interface ServiceMemory {
  /** False after an operator's stop, or an exit that asked to stay down: a new daemon leaves it stopped. */
  wanted: boolean
  /** Restarts after failures, ever. */
  restarts: number
  /** Why it is not wanted, in words. */
  why: string | null
  /** It asked to be left down itself. */
  stayDown: boolean
  /** The instance that ran last, until its end was recorded; a later daemon must account for it. */
  runningPid: number | null
  /** The instance that ended last, where that is recorded and none has run since; missing in snapshots of older versions. */
  endedPid?: number | null
  /** It fell with the unit that it is bound to, and has not run since; missing in snapshots of older versions. */
  fell?: boolean
  /** Boot in which the last one ran, 8 hex. */
  boot: string
  /** heald itself was to start it again, and has not yet; missing in snapshots of older versions. */
  owes?: boolean
  /** The unit that it was when it ran last, and heald has not let go of it. */
  unit?: string
  /** The generation that it was started with; missing in snapshots of older versions. */
  generation?: string | null
  /** Its path; missing as well in entries of older versions. */
  generationPath?: string | null
}

export type Memory = Record<string, ServiceMemory>

/** All that the ledger remembers of services. */
export interface Remembered {
  readonly memory: Readonly<Memory>
  /** The incidents of a service that nobody has resolved, oldest first. */
  openIncidents(service: string): readonly OpenBefore[]
}

/** What tells of the next start, or that there is none. */
const OWING: ReadonlySet<string> = new Set([
  ...[
    'service.restarting',
    'service.started',
    'service.adopted',
    'service.stopped',
    'service.held',
    'service.released',
  ],
])

export function remember(memory: Memory, entry: Entry): void {
  if (entry.svc === undefined) return
  memory[entry.svc] ??= { wanted: true, restarts: 0, why: null, stayDown: false, runningPid: null, boot: '' }
  const of = memory[entry.svc]
  if (of === undefined) return
  if (OWING.has(entry.kind)) of.owes = entry.kind === 'service.restarting' && entry.data.by !== 'systemd'
  switch (entry.kind) {
    case 'service.started':
      noteRan(of, ranFrom(entry.data.generation, entry.data.generationPath))
      ran(of, entry)
      break
    case 'service.adopted':
      // An instance whose start was never written down: a daemon ended just after it.
      if (entry.data.pid !== of.runningPid) noteRan(of, null)
      ran(of, entry)
      break
    case 'service.exited':
      of.runningPid = null
      // A start that came to nothing had no process, and says nothing of the run before it.
      if (entry.data.pid === 0) break
      of.endedPid = typeof entry.data.pid === 'number' ? entry.data.pid : null
      of.fell = entry.data.result === 'dependency'
      break
    case 'service.restarting':
      of.restarts += 1
      Object.assign(of, { wanted: true, why: null, stayDown: false } satisfies Partial<ServiceMemory>)
      break
    case 'service.stopped':
      of.fell = false
      // Of one that has left the configuration nothing else tells its end.
      if (of.runningPid !== null && entry.data.pid === of.runningPid) of.runningPid = null
      // The daemon's own stops (configuration, `heald down`) are not a wish about this service.
      if (entry.data.by !== 'heald' && entry.data.goingDown !== true) {
        of.wanted = false
        of.why = entry.data.by === 'outside' ? 'stopped outside heald' : `stopped by ${String(entry.data.by)}`
      }
      break
    case 'service.released':
      of.runningPid = null
      delete of.unit
      break
    case 'service.held':
      if (entry.data.stayDown === true) {
        of.wanted = false
        of.why = String(entry.data.why)
        of.stayDown = true
      }
      break
  }
}

/** What it says of the processes of this boot. */
export function inBoot(memory: ServiceMemory | null, boot: string): ServiceMemory | null {
  return memory?.boot === boot.slice(0, 8) ? memory : null
}

/** The generation that the instance which ran last was started with, as far as is known. */
export function ranOf({ generation, generationPath }: ServiceMemory): Ran | null {
  return ranFrom(generation, generationPath)
}

function noteRan(of: ServiceMemory, ran: Ran | null): void {
  of.generation = ran?.generation ?? null
  of.generationPath = ran?.path ?? null
}

function ran(of: ServiceMemory, { data, boot }: Entry): void {
  of.wanted = true
  of.why = null
  of.stayDown = false
  of.runningPid = typeof data.pid === 'number' ? data.pid : null
  of.endedPid = null
  of.fell = false
  of.boot = boot
  if (typeof data.unit === 'string') of.unit = data.unit
  else delete of.unit
}
