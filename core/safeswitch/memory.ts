import type { Entry, Json } from '../entry.ts'
import { stepOf, targetOf } from './entries.ts'
import { emptyJournal, follow, type Journal, type Ref } from './journal.ts'

/** What the ledger remembers of one target. Plain data: it is a part of the snapshot. */
export interface TargetMemory {
  journal: Journal
  /** Of the last step, 8 hex. */
  boot: string
  /** Wall clock of the last step. */
  stepMs: number
  /** Paths that failed, and why; the oldest first. */
  quarantined: { readonly path: string; readonly generation: string; readonly why: string; readonly ts: string }[]
  /** Wall clock of the newest automatic rollbacks, the oldest first. */
  automaticMs: number[]
  /** Paths that were rolled back from automatically, once and for all; the oldest first. */
  tried: string[]
  /** How what runs at rest came to run, and when (wall clock); null: nobody saw that. */
  arrived: { readonly by: 'commit' | 'rollback'; readonly ms: number } | null
  /** What was not well before the switch under way, and does not count against it. */
  baseline: string[]
  /** Why the last rollback was begun, in words. */
  rollbackWhy: string
  /** Why it is held, in words. */
  heldWhy: string | null
  /** The quarantine that the last rollback led to: taken back when the cause turns out to be the environment. */
  lastBlamed: string[]
}

export type TargetMemories = Record<string, TargetMemory>

const KEPT_PATHS = 200
const KEPT_TIMES = 50
const DAY_MS = 86_400_000

export function newTargetMemory(): TargetMemory {
  return {
    ...{ journal: emptyJournal(), boot: '', stepMs: 0, quarantined: [], automaticMs: [], tried: [] },
    ...{ arrived: null, lastBlamed: [], baseline: [], heldWhy: null, rollbackWhy: '' },
  }
}

/** Takes one entry in, in place; entries that are about no target change nothing. */
export function rememberTarget(memories: TargetMemories, entry: Entry): void {
  const name = targetOf(entry)
  if (name === null) return
  const memory = Object.hasOwn(memories, name) ? memories[name] : undefined
  const of = memory ?? newTargetMemory()
  if (memory === undefined) memories[name] = of
  const step = stepOf(entry)
  if (step === null) return
  const before = of.journal
  const ms = Date.parse(entry.ts) || 0
  of.journal = follow(before, step)
  of.boot = entry.boot
  of.stepMs = ms
  switch (step.kind) {
    case 'switch.observed':
      of.baseline = []
      break
    case 'switch.armed':
      of.baseline = textsOf(entry.data.baseline)
      break
    case 'switch.committed':
      of.arrived = { by: 'commit', ms }
      of.lastBlamed = []
      // Somebody insisted, and it proved well.
      of.quarantined = of.quarantined.filter(({ path }) => path !== before.to?.path)
      of.tried = of.tried.filter(path => path !== before.to?.path)
      break
    case 'rollback.started': {
      of.rollbackWhy = step.why
      if (before.phase === 'idle' || before.phase === 'held') of.baseline = []
      const isAutomatic = step.cause === 'crashloop' || (step.cause === 'probation' && before.isObserved)
      if (!isAutomatic) break
      of.automaticMs = [...of.automaticMs.filter(at => at > ms - DAY_MS && at <= ms), ms].slice(-KEPT_TIMES)
      if (step.from !== null) of.tried = [...new Set([...of.tried, step.from.path])].slice(-KEPT_PATHS)
      break
    }
    case 'rollback.verified':
      of.arrived = { by: 'rollback', ms }
      of.lastBlamed = before.blamed.map(({ path }) => path)
      for (const blamed of before.blamed) quarantine(of, blamed, of.rollbackWhy, entry.ts)
      break
    case 'rollback.held':
      of.heldWhy = step.why
      if (step.verdict !== 'environment') break
      of.quarantined = of.quarantined.filter(({ path }) => !of.lastBlamed.includes(path))
      of.lastBlamed = []
      break
  }
}

function quarantine(of: TargetMemory, { path, generation }: Ref, why: string, ts: string): void {
  of.quarantined = [...of.quarantined.filter(each => each.path !== path), { path, generation, why, ts }].slice(
    -KEPT_PATHS,
  )
}

function textsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.slice(0, KEPT_PATHS).filter((each: Json) => typeof each === 'string') : []
}

export function isQuarantined({ quarantined }: TargetMemory, path: string): boolean {
  return quarantined.some(each => each.path === path)
}
