/**
 * Life of an order whose heald ended in the middle of it. A switch may restart heald itself: each new heald, Node, bash or
 * Nix of a NixOS system does.
 *
 * 1. The next heald is waited for. It goes on with what stands in the ledger, and its steps are shown like those before.
 * 2. It is asked until the target is at rest.
 * 3. How the order ended is read from the entries since the order: the same that the first heald would have answered.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { stream } from '../api/client.ts'
import type { Status } from '../api/control.ts'
import type { GenerationRef, Switched } from '../api/switch-control.ts'
import { round } from '../clock.ts'
import type { Data } from '../entry.ts'
import { codeOf, Fault } from '../fault.ts'
import { stepOf } from '../safeswitch/entries.ts'
import type { Ref, Step } from '../safeswitch/journal.ts'
import { isEnd, outcomeOf } from '../safeswitch/outcome.ts'
import { askStatus } from './ask.ts'
import type { Context } from './command.ts'
import { entryIn, type Steps, showSteps } from './switch-steps.ts'

/** A NixOS system stops units, activates, and starts them again. After a stop by hand nobody comes. */
export const NO_HEALD_MS = 60_000
const LOOK_EVERY_MS = 300
const READ_MS = 10_000

export interface Interrupted {
  readonly verb: 'deploy' | 'rollback'
  readonly target: string
  /** From before the order. */
  readonly before: Status
  /** Seq behind the last step that was shown. */
  readonly shown: number
  /** Monotonic, ms. */
  readonly startedMs: number
  /** How long the order may take in all. */
  readonly deadlineMs: number
  /** How long no heald may answer. */
  readonly noHealdMs: number
}

/** Resolves to how the order ended. Faults: `daemon.unreachable` (no heald comes, or nothing of it was begun), `interrupted`. */
export async function endInNext(context: Context, order: Interrupted): Promise<Switched> {
  const { verb, target, before, startedMs, deadlineMs, noHealdMs } = order
  if (!context.json)
    context.err(
      `heald: it has ended in the middle of the switch of ${target}; waiting for the next one, ${noHealdMs / 1000} s at most\n`,
    )
  let [steps, shown, heardMs] = [undefined as Steps | undefined, order.shown, performance.now()]
  try {
    while (performance.now() < startedMs + deadlineMs) {
      await sleep(LOOK_EVERY_MS, undefined, { signal: context.signal })
      const seen = await look(context, order)
      if (seen === null) {
        if (performance.now() - heardMs > noHealdMs) break
        shown = (await steps?.stop()) ?? shown
        steps = undefined
        continue
      }
      heardMs = performance.now()
      if (!context.json) steps ??= showSteps(context, target, before, shown)
      const { told, current } = seen
      if (told === null) continue
      await steps?.finish()
      if (told.to === null) throw notBegun(target)
      const from = before.targets.find(({ name }) => name === target)?.current ?? null
      const { outcome, why } = outcomeOf(told.end, verb === 'deploy' ? told.rollbackWhy : null)
      return { target, outcome, from, to: told.to, current, why, tookMs: round(performance.now() - startedMs) }
    }
  } catch (error) {
    if (!context.signal.aborted) throw error
    throw new Fault('interrupted', 'interrupted while waiting for the next heald', { cause: error })
  } finally {
    await steps?.stop()
  }
  throw new Fault('daemon.unreachable', `heald ended, and no other came within ${noHealdMs / 1000} s`, {
    retry: 'now',
  })
}

function notBegun(target: string): Fault {
  return new Fault('daemon.unreachable', `heald ended before the switch of ${target} began: nothing was changed`, {
    hint: 'give the order again: the next heald runs',
  })
}

interface Seen {
  readonly current: GenerationRef | null
  /** Null: it is not at its end yet. */
  readonly told: Told | null
}

const ABSENT: ReadonlySet<string> = new Set(['daemon.unreachable', 'daemon.timeout', 'daemon.stopping'])

/** Null while there is no heald that answers. */
async function look(context: Context, order: Interrupted): Promise<Seen | null> {
  try {
    const { targets, ledger } = await askStatus(context)
    const found = targets.find(({ name }) => name === order.target)
    const current = found?.current ?? null
    if (found !== undefined && found.state !== 'idle' && found.state !== 'held') return { current, told: null }
    const told = await toldSince(context, order, ledger.size)
    return { current, told: told !== null && told.to !== null && told.end === null ? null : told }
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return null
    throw error
  }
}

interface Told {
  /** Where the order leads; null: its first step is not there. */
  readonly to: Ref | null
  /** The first step after it that led to rest. */
  readonly end: Step | null
  readonly rollbackWhy: string | null
}

/** What the entries since the order say of it; null: they could not all be read in time. */
async function toldSince(context: Context, order: Interrupted, size: number): Promise<Told | null> {
  let told: Told = { to: null, end: null, rollbackWhy: null }
  let nextSeq = order.before.ledger.size
  if (nextSeq >= size) return told
  const enough = AbortSignal.any([context.signal, AbortSignal.timeout(READ_MS)])
  for await (const line of stream(context.socket, `/v1/ledger/follow?from=${nextSeq}`, enough)) {
    const entry = entryIn(line)
    if (entry === null) continue
    nextSeq = entry.seq + 1
    const { kind, data } = entry
    const step = 'target' in data && data.target === order.target ? stepOf({ kind, data: data as Data }) : null
    if (step !== null) told = after(told, step, order.verb)
    if (nextSeq >= size) return told
  }
  return null
}

function after(told: Told, step: Step, verb: Interrupted['verb']): Told {
  if (told.end !== null) return told
  if (told.to !== null && isEnd(step)) return { ...told, end: step }
  if (step.kind === 'switch.armed' && verb === 'deploy') return { ...told, to: told.to ?? step.to }
  if (step.kind !== 'rollback.started') return told
  const isOrder = verb === 'rollback' && step.cause === 'operator'
  return { ...told, to: told.to ?? (isOrder ? step.to : null), rollbackWhy: step.why }
}
