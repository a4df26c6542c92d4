import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type {
  GenerationRef,
  GenerationStatus,
  SwitchControl,
  Switched,
  TargetState,
  TargetStatus,
} from '../../../core/api/switch-control.ts'
import { unknownTarget } from '../../../core/api/switch-routes.ts'
import type { Data, Kind } from '../../../core/entry.ts'
import { Fault } from '../../../core/fault.ts'
import { followLines } from '../../../core/ledger/follow.ts'
import { folder, opened } from '../ledger/stand.ts'

/**
 * SafeSwitch without anything being switched: target `web` (of service `agent`) with releases 4 to 9, and `tools`. Each
 * step is an entry of a real ledger. Release 8 fails on probation, release 9 ends in a hold, release 5 is quarantined.
 */
export interface SwitchStand {
  readonly control: SwitchControl
  targets(): readonly TargetStatus[]
  generationOf(service: string): string | null
  targetOf(service: string): string | null
  /** Changes a target's state, as a failed rollback would. */
  become(state: TargetState, why: string | null): void
  /** How many entries are durable. */
  size(): number
  follow(fromSeq: number, signal: AbortSignal): AsyncIterable<string>
  record(kind: Kind, data: Data, svc?: string): Promise<void>
}

export interface SwitchStandOptions {
  readonly probationMs?: number
  /** Called once a step is durable, before the next one. */
  readonly onStep?: (kind: Kind) => Promise<void> | void
}

const ROOT = '/srv/web/releases'
const refTo = (n: number): GenerationRef => ({ generation: `release-${n}`, path: `${ROOT}/release-${n}` })
const TOOLS: GenerationRef = { generation: '12', path: '/nix/store/abc-tools' }

export async function switchStand(t: TestContext, options: SwitchStandOptions = {}): Promise<SwitchStand> {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  let [current, good, state] = [refTo(6), refTo(6), 'idle' as TargetState]
  let why: string | null = null
  const quarantined = new Set([refTo(5).path])

  async function record(kind: Kind, data: Data, svc?: string): Promise<void> {
    await ledger.append({ kind, data, ...(svc === undefined ? {} : { svc }) })
    await options.onStep?.(kind)
  }

  const data = (from: GenerationRef | null, to: GenerationRef | null, more: Data = {}): Data => ({
    target: 'web',
    from: from === null ? null : { ...from },
    to: to === null ? null : { ...to },
    ...more,
  })

  function found(ref: string): GenerationRef {
    const n = [4, 5, 6, 7, 8, 9].find(each => [refTo(each).generation, refTo(each).path].includes(ref))
    if (n !== undefined) return refTo(n)
    // The kinds of targets say it by the same code.
    throw new Fault('target.unknown', `web has no generation ${ref}`, { hint: 'the newest are release-9, release-8' })
  }

  const ended = (outcome: Switched['outcome'], from: GenerationRef | null, to: GenerationRef, why: string | null) => ({
    target: 'web',
    outcome,
    from,
    to,
    current,
    why,
    tookMs: 2100,
  })

  async function back(from: GenerationRef, to: GenerationRef, cause: string, why: string): Promise<void> {
    state = 'rolling-back'
    await record('rollback.started', data(from, to, { cause, why }))
    current = to
    await record('rollback.activated', data(from, to, { cause, tookMs: 40 }))
    await record('rollback.verified', data(from, to, { cause, tookMs: 90 }))
    state = 'idle'
  }

  const control: SwitchControl = {
    async generations(target) {
      const web = [9, 8, 7, 6, 5, 4].map(refTo).map(
        (ref, n): GenerationStatus => ({
          ...ref,
          target: 'web',
          createdTs: new Date(Date.UTC(2026, 7, 21 - n, 11)).toISOString(),
          current: ref.path === current.path,
          knownGood: ref.path === good.path || ref.generation === 'release-4',
          quarantined: quarantined.has(ref.path),
          why: quarantined.has(ref.path) ? 'its services crash-looped 3 times within 1 m \x1b[2J' : null,
        }),
      )
      const marks = { current: true, knownGood: true, quarantined: false, why: null }
      const tools = [{ ...TOOLS, target: 'tools', createdTs: '2026-08-20T11:00:00.000Z', ...marks }]
      return target === 'web' ? web : target === 'tools' ? tools : [...web, ...tools]
    },
    changes: async (_target, from, to) => [`from ${from} to ${to}`],
    async deploy(target, { ref, force, unchecked }) {
      if (target !== 'web') throw unknownTarget(target, true)
      const to = found(ref)
      const from = current
      if (state !== 'idle')
        throw new Fault('switch.busy', `web is being switched already (${state})`, { hint: 'wait for its end' })
      if (quarantined.has(to.path) && !force)
        throw new Fault('switch.quarantined', `${to.generation} has failed before`, {
          hint: 'deploy it again with --force',
        })
      if (to.path === current.path) return ended('nothing to do', from, to, null)
      state = 'armed'
      await record('switch.armed', data(from, to, { deadlineMs: 300_000, ...(unchecked ? { unchecked } : {}) }))
      state = 'switching'
      await record('switch.activating', data(from, to, { deadlineMs: 60_000 }))
      if (to.generation === 'release-4') {
        state = 'idle'
        await record('switch.failed', data(from, to, { why: 'its folder is not whole' }))
        return ended('failed', from, to, 'its folder is not whole')
      }
      current = to
      state = 'probation'
      await record('service.ready', { pid: 79, readyMs: 30 }, 'agent')
      await record('service.ready', { pid: 80, readyMs: 30 }, 'db')
      await record('deadman.armed', { target: 'tools', id: 'other' })
      await record('switch.probation', data(from, to, { deadlineMs: options.probationMs ?? 500, verdict: 'done' }))
      if (to.generation === 'release-8') {
        await back(to, from, 'probation', 'agent fails its check')
        quarantined.add(to.path)
        await record('generation.quarantined', { target: 'web', ...to, why: 'agent fails its check' })
        return ended('rolled back', from, to, 'agent fails its check')
      }
      if (to.generation === 'release-9') {
        state = 'held'
        why = 'its activation failed twice'
        await record('rollback.held', data(to, from, { why, current: { ...to } }))
        return ended('held', from, to, why)
      }
      state = 'committing'
      await record('switch.committing', data(from, to))
      good = to
      state = 'idle'
      await record('switch.committed', data(from, to, { tookMs: 2100 }))
      return ended('committed', from, to, null)
    },
    async rollback(target, { to: ref, dryRun }) {
      if (target !== 'web') throw unknownTarget(target, true)
      const to = ref === null ? refTo(4) : found(ref)
      const from = current
      if (dryRun) return ended('planned', from, to, null)
      if (to.path === current.path) return ended('nothing to do', from, to, null)
      await back(from, to, 'operator', 'asked for')
      return ended('rolled back', from, to, null)
    },
  }

  return {
    control,
    targets: () => [
      { name: 'web', kind: 'releases', state, current, knownGood: good, quarantined: [...quarantined], why },
      {
        name: 'tools',
        kind: 'nix-profile',
        state: 'idle',
        current: TOOLS,
        knownGood: null,
        quarantined: [],
        why: null,
      },
    ],
    generationOf: service => (service === 'agent' ? current.generation : null),
    targetOf: service => (service === 'agent' ? 'web' : null),
    become(next, reason) {
      state = next
      why = reason
    },
    size: () => ledger.head().size,
    follow: (from, signal) => followLines(dir, from, signal, ledger),
    record,
  }
}
