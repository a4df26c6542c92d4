import { tokenBucket } from '../api/token-bucket.ts'
import type { Clock } from '../clock.ts'
import { actorOf, type Data, type Draft } from '../entry.ts'
import { Fault } from '../fault.ts'
import type { Drafts } from './drafts.ts'

/** Somebody tried what they may not. */
export interface Attempt {
  readonly by: string
  readonly operator: string | null
  readonly via: string
  readonly word: string
  /** Without codes. */
  readonly args: Data
  readonly key: string | null
  /** The command it was about; null: it would have been a new one. */
  readonly id: string | null
}

export interface Denials {
  /** Records the try and answers with the Fault that says why. */
  deny(attempt: Attempt, why: string, hint: string): Promise<Fault>
  /** The same for a wrong code, which is always recorded: so many in a row lock the operator's codes. */
  denyCode(attempt: Attempt, why: string, wrongCodes: number): Promise<Fault>
}

/** So many are entries, whoever tries how often: one each two minutes, and 30 at once after a rest. */
const RATE = { perS: 1 / 120, burst: 30 }
const LONGEST_VALUE = 200
/** It may be a one-time code, typed where something else belongs. */
const CODE = /^\d{6}$/

export function createDenials({
  clock,
  drafts,
  append,
  warn,
}: {
  readonly clock: Clock
  readonly drafts: Drafts
  readonly append: (draft: Draft) => Promise<unknown>
  readonly warn: (text: string) => void
}): Denials {
  const take = tokenBucket(clock, RATE)
  /** Of which there is no entry; the next one says how many. */
  let suppressed = 0

  function dataOf({ by, operator, via, word, args, key, id }: Attempt, why: string): Data {
    const kept = Object.entries(args)
      .filter(([, value]) => typeof value !== 'string' || !CODE.test(value))
      .map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, LONGEST_VALUE).toWellFormed() : value])
    return {
      ...{ verb: word, args: Object.fromEntries(kept), via, by, why },
      ...(operator === null ? {} : { operator }),
      ...(key === null ? {} : { dedupeKey: key }),
      ...(id === null ? {} : { id }),
      ...(suppressed === 0 ? {} : { suppressed }),
    }
  }

  return {
    async deny(attempt, why, hint) {
      if (take() > 0) suppressed += 1
      else {
        const draft = drafts.denied(dataOf(attempt, why), actorOf(attempt.by))
        suppressed = 0
        // What may not be done is not done, also when nobody can write that down.
        await append(draft).catch((error: unknown) => warn(`a denied try could not be recorded: ${String(error)}`))
      }
      return new Fault('command.denied', why, { hint })
    },
    async denyCode(attempt, why, wrongCodes) {
      await append(drafts.denied({ ...dataOf(attempt, why), wrongCodes }, actorOf(attempt.by)))
      return new Fault('command.denied', why, { hint: 'wait for the next code of your app, and write that' })
    },
  }
}
