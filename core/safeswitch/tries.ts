import type { Clock } from '../clock.ts'
import { messageOf, retryOf } from '../fault.ts'
import type { Ref } from './journal.ts'
import type { Activation, Target } from './target.ts'

/** Tries of one act that answers "not now" or fails to be durable, with pauses that double. */
const TRIES = 5
const PAUSE_FIRST_MS = 200

/** Ended by `signal`, at the latest when a pause between two tries is over. */
export async function tryActivation(
  target: Target,
  to: Ref,
  deadlineMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Activation> {
  let last: Activation = { verdict: 'failed', exitCode: null, why: '' }
  for (let n = 0; n < TRIES; n += 1) {
    try {
      last = await target.activate({ ...to, createdMs: 0 }, deadlineMs, signal)
      if (last.verdict !== 'retry') return last
    } catch (error) {
      return { verdict: 'failed', exitCode: null, why: messageOf(error) }
    }
    await pause(clock, PAUSE_FIRST_MS * 2 ** n)
    if (signal.aborted) break
  }
  return { ...last, verdict: 'failed' }
}

/** Resolves to why it could not be settled, in words; null: it is. */
export async function trySettling(
  target: Target,
  to: Ref,
  good: readonly string[],
  clock: Clock,
): Promise<string | null> {
  let why = ''
  for (let n = 0; n < TRIES; n += 1) {
    try {
      await target.settle({ ...to, createdMs: 0 }, good)
      return null
    } catch (error) {
      why = messageOf(error)
      if (retryOf(error) === 'no') break
      await pause(clock, PAUSE_FIRST_MS * 2 ** n)
    }
  }
  return why
}

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => void clock.after(ms, resolve))
}
