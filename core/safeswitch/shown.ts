import type { GenerationStatus, TargetStatus } from '../api/switch-control.ts'
import type { TargetSpec } from '../config/spec.ts'
import { type Journal, plain } from './journal.ts'
import { quarantineOf, type TargetMemory } from './memory.ts'
import { PHASES } from './phases.ts'
import type { View } from './target.ts'
import { NOTHING_RUNS } from './trouble.ts'

/** What people are shown of a target. */
export interface Shown {
  status(): TargetStatus
  generations(): Promise<readonly GenerationStatus[]>
}

export interface ShownOf {
  readonly spec: TargetSpec
  readonly look: () => Promise<View>
  readonly journal: () => Journal
  readonly memory: () => TargetMemory
  /** What was seen last; null: nothing yet. */
  readonly view: () => View | null
  /** What is in the way, in words. */
  readonly trouble: () => string | null
}

export function shownOf({ spec, look, journal, memory, view, trouble }: ShownOf): Shown {
  const { name, kind } = spec

  function whyNot(): string | null {
    const { phase, at, good } = journal()
    const its = [view()?.running, ...good].find(each => each?.path === at)
    const held = memory().heldWhy ?? 'see its incident'
    if (phase === 'held')
      return `${held}${at === null ? '' : `; it stays on ${its?.generation ?? at}`} until somebody deploys or rolls back`
    return view() !== null && view()?.running == null ? NOTHING_RUNS : null
  }

  return {
    status() {
      const { phase, good } = journal()
      const running = plain(view()?.running)
      return {
        ...{ name, kind, state: PHASES[phase], current: running },
        knownGood: good.find(({ path }) => path !== running?.path) ?? good[0] ?? null,
        quarantined: memory().quarantined.map(({ path }) => path),
        why: trouble() ?? whyNot(),
      }
    },
    async generations() {
      const { generations, running } = await look()
      const { good } = journal()
      const isListed = running === null || generations.some(({ path }) => path === running.path)
      return (isListed ? generations : [running, ...generations]).map(({ generation, path, createdMs }) => ({
        ...{ target: name, generation, path, createdTs: new Date(createdMs).toISOString() },
        current: path === running?.path,
        knownGood: good.some(each => each.path === path),
        quarantined: quarantineOf(memory(), path) !== null,
        why: quarantineOf(memory(), path)?.why ?? null,
      }))
    },
  }
}
