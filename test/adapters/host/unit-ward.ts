import assert from 'node:assert/strict'
import type { SeatState } from '../../../adapters/host/unit-bound.ts'
import { unitSeat } from '../../../adapters/host/unit-seat.ts'
import type { ServiceSpec } from '../../../core/config/spec.ts'
import type { Draft } from '../../../core/entry.ts'
import type { Remembered } from '../../../core/heal/memory.ts'
import { handedOn } from '../../../core/heal/outside.ts'
import type { Ran } from '../../../core/heal/ran.ts'
import { type Service, superviseService } from '../../../core/heal/service.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { serviceSpec } from '../../fakes/patient.ts'
import { seatTools } from './seat-tools.ts'

export const BEFORE = 7
export const LOADED = { LoadState: 'loaded', Result: 'success', Restart: 'always', NRestarts: 1 }
export const RUNS = {
  ...LOADED,
  ...{ ActiveState: 'active', SubState: 'running', MainPID: 8, Job: [0, '/'], InvocationID: run(2) },
}
export const HAS_FAILED = {
  ...{ ActiveState: 'failed', SubState: 'failed', Result: 'exit-code', MainPID: 0, Job: [0, '/'] },
}
export const IS_DOWN = { ActiveState: 'inactive', SubState: 'dead', MainPID: 0, Job: [0, '/'] }
export const INCIDENT = {
  ...{ id: 'web-3', cause: 'fell', openedTs: new Date(0).toISOString(), attempts: 1 },
  severity: 'warning',
} as const
export const MEMORY = { wanted: true, restarts: 0, why: null, stayDown: false, runningPid: BEFORE, boot: '00000000' }
const RESTART = { firstMs: 1000, baseMs: 1000, capMs: 1000, resetAfterMs: 1000 }

export function run(n: number): Buffer {
  return Buffer.alloc(16, n)
}

export const PAST: Remembered = { memory: { web: MEMORY }, openIncidents: () => [INCIDENT] }

interface WardOptions {
  readonly answer?: (member: string) => unknown
  readonly warnings?: string[]
  readonly stateOf?: () => SeatState
  readonly isRemembered?: false
  readonly waitingFor?: readonly string[]
  readonly spec?: Partial<ServiceSpec>
  readonly generationOf?: () => Ran | null
  readonly later?: (write: () => void) => void
}

/**
 * A unit as a service that ran when the daemon before this one ended, in an incident. `of`: what single properties systemd
 * answers with; `answer`: what it says to a call of the manager; `warnings`: where they go, which are a failure
 * else; `stateOf`: how another unit does; `isRemembered`: whether all of the ledger is read; `waitingFor`: services that are
 * not ready; `generationOf`: that its target points at; `later`: how what is written is put off.
 */
export function unitWard(remembered = PAST, of: Readonly<Record<string, unknown>> = {}, more: WardOptions = {}) {
  const drafts: Draft[] = []
  const calls: string[] = []
  const clock = fakeClock()
  let service: Service | undefined
  const outside = { ...handedOn(() => service?.outside()), left: () => {} }
  const warn = (text: string) => void (more.warnings?.push(text) ?? assert.fail(text))
  const seat = unitSeat(
    'web.service',
    { ...seatTools(calls, of, more.answer), warn, ...(more.stateOf && { stateOf: more.stateOf }) },
    end => service?.onEnd(end),
    outside,
  )
  service = superviseService(
    {
      ...{ clock, random: () => 0.5, boot: '00000000-0000', warn },
      record: draft => void drafts.push(draft),
      remembered,
      generationOf: more.generationOf ?? (() => null),
      later: more.later ?? (write => write()),
      isRemembered: () => more.isRemembered !== false,
      waitingFor: () => more.waitingFor ?? [],
      ...{ onReady: () => {}, onLoop: () => null, whyWait: () => null },
    },
    serviceSpec('web', { unit: 'web.service', probes: {}, restart: RESTART, ...more.spec }),
    seat,
  )
  const kinds = () => drafts.map(({ kind, data }) => ('pid' in data ? `${kind} ${data.pid}` : kind))
  return { ...{ service, seat, drafts, calls, kinds, clock } }
}
