import type { Clock } from '../clock.ts'
import { asFault, Fault, messageOf } from '../fault.ts'
import type { Deeds } from './deeds.ts'
import type { Args, Projection } from './port.ts'
import { projectionOf } from './projection.ts'
import type { Verb } from './words.ts'

/** The facts of now; or why the order can't be given (any more). */
export type Looked = { readonly now: Projection | null } | { readonly refused: Fault }

const DEADLINE_MS = 10_000

/** Looks at what an order means now. Never rejects, and never takes longer than 10 s. */
export async function lookAt(deeds: Pick<Deeds, 'facts'>, clock: Clock, verb: Verb, args: Args): Promise<Looked> {
  let cancel = () => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(DEADLINE_MS, () =>
      reject(new Fault('command.late', `how things stand could not be seen within ${DEADLINE_MS / 1000} s`)),
    )
  })
  try {
    const facts = await Promise.race([deeds.facts(verb, args), late])
    return { now: facts === null ? null : projectionOf(facts) }
  } catch (error) {
    const fault = asFault(error)
    return { refused: fault instanceof Fault ? fault : new Fault('internal.facts', messageOf(error), { cause: error }) }
  } finally {
    cancel()
  }
}
