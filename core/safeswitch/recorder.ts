import type { SwitchSpec, TargetSpec } from '../config/spec.ts'
import { actorOf, type Data, type Draft } from '../entry.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import type { Patient } from '../heal/patient.ts'
import type { Order } from './decide.ts'
import { dataOf } from './entries.ts'
import { isAtRest, type Journal, plain, type Step } from './journal.ts'
import { placeOf, type TargetMemory } from './memory.ts'
import { isEnd } from './outcome.ts'
import type { SwitchTools } from './switch.ts'

export interface RecorderOptions {
  readonly spec: TargetSpec
  readonly journal: () => Journal
  readonly memory: () => TargetMemory
  readonly patients: () => readonly Patient[]
  readonly switchSpec: () => SwitchSpec
  /** Resolves when the entry is durable and remembered. */
  readonly append: (draft: Draft) => Promise<unknown>
  /** Resolves to whether there is room again for what is under way. */
  readonly spendReserve: () => Promise<boolean>
  /** Hands what is known of services to the ledger now: a rollback stands behind what it was for. */
  readonly flush: () => void
  readonly changes: (from: string, to: string) => Promise<readonly string[]>
  readonly warn: (text: string) => void
  readonly isReleased: () => boolean
}

/** Writes the steps of one target's switches into the ledger. */
export interface Recorder extends Pick<SwitchTools, 'record' | 'recordDeadMan'> {
  /** Who gives the order, and what its first entry says besides; nothing before or after that one does. The answer takes that back. */
  ask(verb: Asked, by: string, data: Data): () => void
  /** How many steps were recorded so far. */
  steps(): number
  /** The last step that led to rest, if one came after so many steps. */
  endSince(steps: number): Step | null
}

/** Orders of people: both may wait at once. */
type Asked = Exclude<Order['verb'], 'hold'>

interface Asker {
  readonly by: string
  readonly data: Data
}

type Trouble = ReturnType<Patient['inc']>

const DIFF_LINES = 40

export function createRecorder(options: RecorderOptions): Recorder {
  const { spec, journal } = options
  const askers = new Map<Asked, Asker>()
  let end: { readonly step: Step; readonly at: number } | null = null
  let steps = 0
  let trouble: Trouble = {}

  /** The incident of a service that this is about: its rollback ends a moment after the service is well again. */
  function troubleAt(kind: Draft['kind']): Trouble {
    if (!kind.startsWith('rollback.') && kind !== 'deadman.fired') return {}
    const sick = options.patients().find(patient => patient.inc().inc !== undefined)
    if (sick !== undefined || kind === 'rollback.started') trouble = sick?.inc() ?? {}
    return trouble
  }

  function append(kind: Draft['kind'], data: Data, about = troubleAt(kind), asker?: Asker): Promise<unknown> {
    const actor = asker === undefined ? {} : { actor: actorOf(asker.by) }
    return insist({ kind, ...about, ...actor, data: { ...data, target: spec.name } })
  }

  /** On a full disk nothing is begun, but what is under way has to come to its end. */
  async function insist(draft: Draft): Promise<unknown> {
    const isUnderWay = !isAtRest(journal())
    try {
      return await options.append(draft)
    } catch (error) {
      if (codeOf(error) !== 'ledger.degraded' || !isUnderWay || !(await options.spendReserve())) throw error
      return options.append(draft)
    }
  }

  function extras({ kind }: Step, asker?: Asker): Data {
    const place = placeOf(spec)
    if (kind === 'switch.armed') return { place, deadlineMs: spec.activationDeadlineMs, ...asker?.data }
    if (kind === 'switch.observed' || kind === 'rollback.started') return { place }
    return kind === 'switch.probation' ? { deadlineMs: options.switchSpec().probationMs } : {}
  }

  /** What follows from a step and holds nobody up. */
  async function follow(step: Step, before: Journal, about: Trouble): Promise<void> {
    const { to } = before
    if (to === null) return
    if (step.kind === 'switch.committed') await append('generation.good', { ...to, level: 'known-good' })
    if (step.kind !== 'rollback.verified') return
    const why = options.memory().rollbackWhy
    for (const blamed of before.blamed) {
      const diff = (await options.changes(to.path, blamed.path)).slice(0, DIFF_LINES)
      const data = { ...blamed, level: 'failed', why, ...(diff.length > 0 ? { diff } : {}) }
      await append('generation.quarantined', data, about)
    }
  }

  return {
    async record(step, more) {
      if (options.isReleased())
        throw new Fault('daemon.stopping', 'heald is ending; the switch goes on when it is back')
      const before = journal()
      options.flush()
      const ends = { from: plain(before.from), to: plain(before.to) }
      const verb = askedBy(step)
      const asker = verb === null ? undefined : askers.get(verb)
      const data = { ...ends, ...dataOf(spec.name, step), ...extras(step, asker), ...more }
      await append(step.kind, data, troubleAt(step.kind), asker)
      // Another order of the kind may have come meanwhile.
      if (verb !== null && askers.get(verb) === asker) askers.delete(verb)
      steps += 1
      if (isEnd(step)) end = { step, at: steps }
      if (step.kind === 'rollback.held') for (const patient of options.patients()) patient.escalate(step.why, 'held')
      const about = trouble
      if (isEnd(step)) trouble = {}
      void follow(step, before, about).catch((error: unknown) => options.warn(`not recorded: ${messageOf(error)}`))
    },
    recordDeadMan: async (kind, data) => void (await append(kind, data)),
    ask(verb, by, data) {
      const mine = { by, data }
      askers.set(verb, mine)
      return () => {
        if (askers.get(verb) === mine) askers.delete(verb)
      }
    },
    steps: () => steps,
    endSince: since => (end !== null && end.at > since ? end.step : null),
  }
}

/** Which order of somebody's has this as its first entry; null: none. */
function askedBy(step: Step): Asked | null {
  if (step.kind === 'switch.armed') return 'deploy'
  return step.kind === 'rollback.started' && step.cause === 'operator' ? 'rollback' : null
}
