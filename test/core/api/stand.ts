import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { CommandControl } from '../../../core/api/command-control.ts'
import type { Control, ServiceState, Status } from '../../../core/api/control.ts'
import type { SilenceStatus } from '../../../core/api/notice-control.ts'
import { ROUTES } from '../../../core/api/routes.ts'
import { type ApiServer, type Limits, serve } from '../../../core/api/server.ts'
import { unknownTarget } from '../../../core/api/switch-routes.ts'
import type { CommandView } from '../../../core/command/port.ts'
import { Fault } from '../../../core/fault.ts'
import { allIncidents, applyEntry, emptyIncidents, findIncident } from '../../../core/incident/fold.ts'
import { unknownIncident } from '../../../core/incident/mark.ts'
import type { SwitchStand } from './switch-stand.ts'

export const SILENCE: SilenceStatus = {
  ...{ id: 'silence-1', match: { services: ['agent*'], severity: null, kinds: null } },
  ...{ fromTs: '2026-08-21T11:00:00.000Z', untilTs: '2026-08-21T13:00:00.000Z', by: 'local:admin', why: 'new disk' },
}

/** A daemon that only remembers: services and incidents in memory behind the real server. */
export interface Stand {
  readonly state: string
  readonly socket: string
  /** What was asked of it: `start agent local:admin`. */
  readonly asked: string[]
  /** Changes a service's state, as healing would. */
  become(service: string, state: ServiceState): void
  degrade(why: string): void
  readonly server: ApiServer
}

/** Commands of a daemon that only remembers what was asked of it. */
function commandControl(asked: string[]): CommandControl {
  return {
    commands: async () => [COMMAND],
    async decide(step, id, { by, as, code }) {
      if (id !== COMMAND.id) throw new Fault('command.unknown', `there is no command ${id} that waits`)
      asked.push(`${step} ${id} ${by} as ${as} ${code === null ? 'without a code' : `with ${code}`}`)
      return { ...COMMAND, state: step === 'approve' ? 'started' : 'rejected' }
    },
    async freeze(why, by) {
      asked.push(`freeze ${by} ${why}`.trim())
      return { frozen: true }
    },
    async unfreeze(by) {
      asked.push(`unfreeze ${by}`)
      return { frozen: false }
    },
    async unlock(operator, by) {
      asked.push(`unlock ${operator} ${by}`)
      return { operator }
    },
    whoami: async by => ({
      ...{ by, operator: 'local:admin', role: 'admin', words: ['status', 'rollback'], codes: 'not needed', line: null },
    }),
    oncall: async () => [{ operator: 'alice', role: 'admin', telegram: ['1001'], discord: [], slack: ['U01'] }],
  }
}

export const COMMAND: CommandView = {
  ...{ id: 'c17', verb: 'rollback', args: { target: 'web' }, line: 'rollback web', state: 'awaiting' },
  ...{ by: 'telegram:1001', operator: 'alice', via: 'telegram', seen: null, changedTo: null, why: null, result: null },
  ...{ requestedTs: '2026-08-21T11:08:00.000Z', expiresTs: '2026-08-21T11:18:00.000Z', approvals: [], offers: [] },
  needs: { approvals: 1, code: true },
  approvers: [{ operator: 'bob', role: 'operator', telegram: [], discord: ['42'], slack: [] }],
  ...{ receipt: '#1042·abcdefghijklmnopqrstuvwxyz', seq: 1042 },
}

export interface StandOptions {
  readonly limits?: Partial<Limits>
  readonly follow?: (fromSeq: number, signal: AbortSignal) => AsyncIterable<string>
  readonly onStatus?: () => void
  /** Left out: there are no targets. */
  readonly switches?: SwitchStand
  /** The folder of one that has ended: this is the next. Left out: a new one. */
  readonly state?: string
  /** Called when an order to act arrives, before it is done. */
  readonly onAct?: () => Promise<void>
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'heald-'))
  // A process that has just ended may have left a file between two looks.
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

export async function stand(t: TestContext, options: StandOptions = {}): Promise<Stand> {
  const state = options.state ?? temporaryFolder(t)
  const socket = join(state, 'heald.sock')
  const asked: string[] = []
  const states = new Map<string, ServiceState>([
    ['agent', 'ready'],
    ['db', 'stopped'],
  ])
  let why: string | null = null
  const incidents = emptyIncidents()
  applyEntry(incidents, {
    seq: 41,
    ts: '2026-08-21T11:08:30.123Z',
    kind: 'incident.opened',
    svc: 'agent',
    inc: 'agent-41',
    data: { severity: 'critical', cause: 'agent was killed by SIGKILL' },
  })

  const status = (): Status => ({
    host: 'web-1',
    version: '0.1.0',
    time: Date.now(),
    daemon: {
      pid: 4242,
      startedTs: '2026-08-21T11:00:00.000Z',
      rssBytes: 75_000_000,
      frozen: false,
      frozenBy: null,
      recording: why === null ? 'ok' : 'degraded',
      why,
    },
    ledger: {
      size: options.switches?.size() ?? 1234,
      head: 'ab'.repeat(32),
      receipt: '#1233·abcdefghijklmnopqrstuvwxyz',
      checkpointSize: null,
    },
    services: [...states].map(([name, its]) => ({
      name,
      kind: 'process',
      state: its,
      pid: its === 'ready' ? 77 : null,
      sinceTs: '2026-08-21T11:05:00.000Z',
      restarts: 1,
      attempt: 0,
      generation: options.switches?.generationOf(name) ?? null,
      target: options.switches?.targetOf(name) ?? null,
      check: its === 'unhealthy' ? { verdict: 'fail', error: 'HTTP 500 \x1b[2J' } : { verdict: 'pass', error: null },
      incident: null,
      why: null,
    })),
    targets: options.switches?.targets() ?? [],
    incidents: { open: 1, worst: 'critical' },
    channels: [],
    commands: { awaiting: 0 },
  })

  const control: Control = {
    status: () => {
      options.onStatus?.()
      return status()
    },
    incidents: () => allIncidents(incidents),
    ...commandControl(asked),
    checkpoint: async () => ({ note: 'a note', size: 1 }),
    findLines: async query => {
      asked.push(`find ${JSON.stringify(query)}`)
      return { lines: [], next: null, bad: [] }
    },
    rotateKey: async by => {
      asked.push(`keygen ${by}`)
      return { epoch: 1, vkey: 'a+b+c', seq: 1, receipt: '#1·abc' }
    },
    async prune({ upTo, archive, by }) {
      asked.push(`prune ${upTo} ${archive?.folder ?? 'without archive'} ${by}`)
      return { upTo, seq: 9, segments: 1 }
    },
    async erase(seq, by) {
      asked.push(`erase ${seq} ${by}`)
      return { seq: 9, bytes: 10 }
    },
    async act(verb, service, by) {
      await options.onAct?.()
      asked.push(`${verb} ${service} ${by}`)
      if (why !== null)
        throw new Fault('ledger.degraded', `orders are refused: ${why}`, { hint: 'free some space', retry: 1000 })
      states.set(service, verb === 'stop' ? 'stopped' : 'ready')
      return { state: verb === 'stop' ? 'stopped' : 'ready', pid: verb === 'stop' ? null : 78, tookMs: 12.5 }
    },
    async mark(verb, id, by) {
      if (findIncident(incidents, id) === undefined) throw unknownIncident(id)
      asked.push(`${verb} ${id} ${by}`)
      const kind = verb === 'ack' ? 'incident.acked' : 'incident.resolved'
      applyEntry(incidents, { seq: 99, ts: '2026-08-21T11:09:30.000Z', kind, inc: id, data: { by, how: `by ${by}` } })
      const [first] = allIncidents(incidents)
      if (first === undefined) throw new Error('there is always one')
      return first
    },
    async reload({ dryRun, restart }) {
      asked.push(`reload ${dryRun} ${restart}`)
      return { start: ['new'], stop: [], release: [], restart: [], keep: ['db'], pending: ['agent'] }
    },
    changes: async (target, from, to) => options.switches?.control.changes(target, from, to) ?? [],
    generations: async target => options.switches?.control.generations(target) ?? [],
    async deploy(target, order, by) {
      asked.push(`deploy ${target} ${JSON.stringify(order)} ${by}`)
      return options.switches?.control.deploy(target, order, by) ?? Promise.reject(unknownTarget(target, true))
    },
    async rollback(target, order, by) {
      asked.push(`rollback ${target} ${JSON.stringify(order)} ${by}`)
      return options.switches?.control.rollback(target, order, by) ?? Promise.reject(unknownTarget(target, true))
    },
    silences: () => [SILENCE],
    checkSilence: async () => {},
    async silence(order, by) {
      asked.push(`silence ${JSON.stringify(order)} ${by}`)
      return SILENCE
    },
    async unsilence(id, by) {
      asked.push(`unsilence ${id} ${by}`)
      return SILENCE
    },
    async down(by) {
      asked.push(`down ${by}`)
      setImmediate(() => void server.close(1000))
      return { stopped: ['agent'] }
    },
  }
  const follow = options.follow ?? options.switches?.follow ?? noLines
  const server = await serve({
    socket,
    routes: ROUTES,
    control,
    follow,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  t.after(() => server.close(100))
  return {
    state,
    socket,
    asked,
    server,
    become: (service, its) => void states.set(service, its),
    degrade: reason => {
      why = reason
    },
  }
}

async function* noLines(): AsyncGenerator<string> {}
