import { tokenBucket } from '../api/token-bucket.ts'
import { Fault } from '../fault.ts'
import type { DeskOptions } from './desk-options.ts'
import type { Drafts, How } from './drafts.ts'
import { isLocal } from './identity.ts'
import { lookAt } from './look.ts'
import { MOST_OPEN, openCommands } from './memory.ts'
import type { Args, Needs, Projection } from './port.ts'
import type { Ended, Steps } from './steps.ts'
import type { Verb } from './words.ts'

export interface Order {
  readonly verb: Verb
  readonly args: Args
  /** What a button was offered against; null: what is now. */
  readonly seen: Projection | null
}

export interface Placed {
  readonly id: string
  /** Resolves when the command is over. */
  readonly ended: Promise<Ended>
}

/** So many orders from chats are taken: two a minute, and 200 at once after a rest. Each may be five entries. */
const RATE = { perS: 1 / 30, burst: 200 }

/** Makes commands of orders: durable before anything else is done about them. */
export function createOrdering(
  options: DeskOptions,
  tools: {
    readonly drafts: Drafts
    readonly steps: Steps
    readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
    /** Throws where the same was said before meanwhile, or the button is of no use any more. */
    readonly mustBeNew: (how: How) => void
  },
): (order: Order, how: How) => Promise<Placed> {
  const { memory, clock } = options
  const take = tokenBucket(clock, RATE)
  let made = 0

  function needsOf(verb: Verb, { who }: How): Needs {
    const rule = options.people().policy[verb]
    const approvals = rule?.approvals ?? 0
    // The host's own socket is guarded better than by a code.
    return { approvals, code: rule?.code === true && !(approvals === 0 && isLocal(who)) }
  }

  return async ({ verb, args, seen }, how) => {
    if (!isLocal(how.who)) {
      const waitMs = take()
      if (waitMs > 0)
        throw new Fault('request.rate', 'too many orders; the host is not bound by that', { retry: waitMs })
    }
    const looked = await lookAt(options.deeds, clock, verb, args)
    // What does not exist is a slip, not an order.
    if ('refused' in looked && /\.unknown$|^usage\./.test(looked.refused.code)) throw looked.refused
    return tools.inTurn(async () => {
      tools.mustBeNew(how)
      if (!isLocal(how.who) && openCommands(memory).length >= MOST_OPEN)
        throw new Fault('command.many', `${MOST_OPEN} commands are not over yet`, {
          hint: 'approve or deny some of them: commands lists them',
          retry: 5000,
        })
      made = Math.max(made, memory.made) + 1
      const id = `c${made}`
      const expiresMs = clock.wallMs() + (options.people().policy[verb]?.expireMs ?? 0)
      const now = 'now' in looked ? looked.now : null
      const what = { id, verb, args, needs: needsOf(verb, how), seen: seen ?? now, expiresMs }
      const ended = tools.steps.ended(id)
      try {
        await options.append(tools.drafts.requested(what, how))
      } catch (error) {
        const why = 'it was refused, since it could not be recorded in time'
        tools.steps.refuse(id, new Fault('ledger.degraded', why, { cause: error }))
        throw error
      }
      if ('refused' in looked) tools.steps.refuse(id, looked.refused)
      return { id, ended }
    })
  }
}
