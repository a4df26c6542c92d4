import assert from 'node:assert/strict'
import type { ServiceSpec } from '../../../core/config/spec.ts'
import type { Draft } from '../../../core/entry.ts'
import type { End, Seat } from '../../../core/heal/host.ts'
import type { LoopAnswer } from '../../../core/heal/records.ts'
import { type Service, superviseService } from '../../../core/heal/service.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { serviceSpec } from '../../fakes/patient.ts'

/** Without a check a service is ready after 100 ms. */
export const READY_MS = 150

/** A service on a seat that starts whatever it is told to, and a target that points at `r1`. */
export function makeWard(
  more: Partial<ServiceSpec> = {},
  waits: readonly string[] = [],
  onLoop: () => LoopAnswer | null = () => null,
) {
  const clock = fakeClock()
  const drafts: Draft[] = []
  let pid = 0
  let isAlive = false
  let generation = 'r1'
  let waitingFor = waits
  const seat: Seat = {
    adopt: async () => null,
    start() {
      pid += 1
      isAlive = true
      return { pid, standby: false }
    },
    arm: () => {},
    describe: async () => {},
    runs: () => true,
    signal: () => die('SIGTERM'),
    isEmpty: () => !isAlive,
    killTree: async () => die('SIGKILL'),
    account: () => null,
    release: () => {},
  }
  const service: Service = superviseService(
    {
      ...{ clock, random: () => 0.5, boot: '00000000-0000', warn: text => assert.fail(text) },
      record: draft => void drafts.push(draft),
      remembered: { memory: {}, openIncidents: () => [] },
      generationOf: () => ({ generation, path: `/srv/app/${generation}` }),
      later: write => write(),
      isRemembered: () => true,
      waitingFor: () => waitingFor,
      ...{ onReady: () => {}, onLoop, whyWait: () => null },
    },
    serviceSpec('web', { probes: {}, crashLoop: { failures: 3, withinMs: 60_000 }, ...more }),
    seat,
  )
  function ended(how: Partial<ReturnType<End['evidence']>>): void {
    isAlive = false
    const exitCode = how.exitCode === undefined ? {} : { exitCode: how.exitCode }
    const fellWith = how.fellWith === undefined ? {} : { fellWith: how.fellWith }
    service.onEnd({ ...exitCode, ...fellWith, evidence: () => ({ pid, exit: 'code', oom: false, tail: '', ...how }) })
  }
  function die(signal: NodeJS.Signals): void {
    if (isAlive) ended({ exit: 'signal', signal })
  }
  return {
    ...{ clock, service, patient: service.patient() },
    starts: () => pid,
    point(to: string) {
      generation = to
    },
    free() {
      waitingFor = []
    },
    crash: (exitCode = 1) => ended({ exitCode }),
    fall: (fellWith: string) => ended({ exit: 'unknown', result: 'dependency', fellWith }),
    told: (kind: string) => drafts.filter(draft => draft.kind === kind),
    async ready() {
      service.begin()
      await clock.advance(READY_MS)
      assert.equal(service.patient().health().state, 'ready')
    },
  }
}
