import type { TargetSpec } from '../config/spec.ts'
import type { Entry, Json } from '../entry.ts'
import { stepOf, targetOf } from './entries.ts'
import { fallsAfter } from './falls.ts'
import { emptyJournal, follow, isAtRest, type Journal, type Ref } from './journal.ts'
import type { Moment } from './moment.ts'

/** What the ledger remembers of one target. Plain data: it is a part of the snapshot. */
export interface TargetMemory {
  journal: Journal
  /** What is switched, as `placeOf` names it; null: no entry said. Another place of the same name is another target. */
  place: string | null
  /** Of the last step, 8 hex. */
  boot: string
  /** Paths that failed, and why; the oldest first. */
  quarantined: { readonly path: string; readonly generation: string; readonly why: string; readonly ts: string }[]
  /** The newest automatic rollbacks, the oldest first. */
  automatic: Moment[]
  /** Paths that were rolled back from automatically, once and for all; the oldest first. */
  tried: string[]
  /** How what runs at rest came to run, and when; null: nobody saw that. */
  arrived: { readonly by: 'commit' | 'rollback'; readonly at: Moment; readonly isAutomatic?: boolean } | null
  /** Path that an operator has rolled back from last: a second rollback does not lead to it again. */
  left: string | null
  /** What was not well before the switch under way, and does not count against it. */
  baseline: string[]
  /** Why the last rollback was begun, in words. */
  rollbackWhy: string
  /** Why it is held, in words. */
  heldWhy: string | null
  /** The quarantine that the last rollback led to: taken back when the cause turns out to be the environment. */
  lastBlamed: string[]
  /** How often heald has ended since the last step without having been told to. */
  falls: number
  /** What was said last about a target that can't be looked at; null: nothing, or that it is in order again. */
  trouble: Trouble | null
}

export interface Trouble {
  /** As `placeOf` names it, apart from the memory's own place: it proves nothing of that one's generations. */
  readonly place: string
  readonly why: string
}

export type TargetMemories = Record<string, TargetMemory>

const KEPT_PATHS = 200
/** As many as a budget may allow for a day. */
const KEPT_TIMES = 1000

export function newTargetMemory(): TargetMemory {
  return {
    ...{ journal: emptyJournal(), place: null, boot: '', quarantined: [], automatic: [], tried: [] },
    ...{ arrived: null, left: null, lastBlamed: [], baseline: [], heldWhy: null, rollbackWhy: '' },
    ...{ falls: 0, trouble: null },
  }
}

/** Of a snapshot, which may be of a version that knew less of a target. */
export function targetMemoriesFrom(json: object): TargetMemories {
  const found = Object.entries(json).filter(([, each]) => typeof each === 'object' && each !== null)
  return Object.fromEntries(found.map(([name, each]) => [name, { ...newTargetMemory(), ...each }]))
}

/** Names what a target switches: its generations are none of another place's. */
export function placeOf({ kind, path }: Pick<TargetSpec, 'kind' | 'path'>): string {
  return `${kind} ${path}`
}

/** What is known of the target of this name at this place. A place that is not told is the same as before. */
export function memoryOf(memories: TargetMemories, name: string, place?: Json): TargetMemory {
  const found = Object.hasOwn(memories, name) ? memories[name] : undefined
  const here = typeof place === 'string' ? place : null
  const isElsewhere = here !== null && found?.place != null && found.place !== here
  return found === undefined || isElsewhere ? newTargetMemory() : found
}

/** Takes one entry in, in place; entries that are about neither a target nor heald's own life change nothing. */
export function rememberTarget(memories: TargetMemories, entry: Entry): void {
  for (const of of Object.values(memories)) of.falls = fallsAfter(of.falls, of.journal, entry.kind)
  const name = targetOf(entry)
  if (name === null) return
  if (entry.kind.startsWith('target.')) rememberTrouble(memories, name, entry)
  const step = stepOf(entry)
  if (step === null) return
  const of = memoryOf(memories, name, entry.data.place)
  memories[name] = of
  if (typeof entry.data.place === 'string') of.place = entry.data.place
  const before = of.journal
  const at: Moment = { wallMs: Date.parse(entry.ts) || 0, monoMs: entry.mono / 1000, boot: entry.boot }
  of.journal = follow(before, step)
  of.boot = entry.boot
  of.falls = 0
  switch (step.kind) {
    case 'switch.observed':
      of.baseline = []
      break
    case 'switch.armed':
      of.baseline = textsOf(entry.data.baseline)
      break
    case 'switch.committed':
      of.arrived = { by: 'commit', at }
      of.left = null
      of.lastBlamed = []
      // Somebody insisted, and it proved well.
      of.quarantined = of.quarantined.filter(({ path }) => path !== before.to?.path)
      of.tried = of.tried.filter(path => path !== before.to?.path)
      break
    case 'rollback.started': {
      of.rollbackWhy = step.why
      // Whatever an earlier one blamed was proved guilty: things were well without it.
      of.lastBlamed = []
      if (isAtRest(before)) of.baseline = []
      const isOwn = step.cause === 'recovery' && before.phase === 'idle'
      const isAutomatic = step.cause === 'crashloop' || (step.cause === 'probation' && before.isObserved) || isOwn
      if (!isAutomatic) break
      of.automatic = [...of.automatic, at].slice(-KEPT_TIMES)
      if (step.from !== null) of.tried = [...new Set([...of.tried, step.from.path])].slice(-KEPT_PATHS)
      break
    }
    case 'rollback.verified':
      of.arrived = { by: 'rollback', at, isAutomatic: before.blamed.length > 0 }
      of.left = before.cause === 'operator' ? (before.from?.path ?? null) : null
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

function rememberTrouble(memories: TargetMemories, name: string, { kind, data: { place, why } }: Entry): void {
  const of = memoryOf(memories, name)
  memories[name] = of
  const isWhole = kind === 'target.trouble' && typeof place === 'string' && typeof why === 'string'
  of.trouble = isWhole ? { place, why } : null
}

function quarantine(of: TargetMemory, { path, generation }: Ref, why: string, ts: string): void {
  of.quarantined = [...of.quarantined.filter(each => each.path !== path), { path, generation, why, ts }].slice(
    -KEPT_PATHS,
  )
}

function textsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.slice(0, KEPT_PATHS).filter((each: Json) => typeof each === 'string') : []
}

export function quarantineOf({ quarantined }: TargetMemory, path: string): TargetMemory['quarantined'][number] | null {
  return quarantined.find(each => each.path === path) ?? null
}
