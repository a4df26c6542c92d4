import type { Clock } from '../clock.ts'
import type { SecretSpec } from '../config/channel-spec.ts'
import type { PeopleSpec } from '../config/people-spec.ts'
import type { Draft } from '../entry.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import type { Attempt, Denials } from './denials.ts'
import type { Drafts, How } from './drafts.ts'
import { humanOf, type Identity, isLocal, isSameHuman, shortfallOf } from './identity.ts'
import { type Command, type CommandMemory, missingOf } from './memory.ts'
import { stepOffers } from './offers.ts'
import { acceptedStep, MOST_WRONG, secretFrom } from './one-time-code.ts'
import { counting } from './standing.ts'
import { UNRECORDED } from './steps.ts'

export interface ApprovalTools {
  readonly clock: Clock
  readonly memory: CommandMemory
  readonly drafts: Drafts
  readonly denials: Denials
  readonly people: () => PeopleSpec
  readonly append: (draft: Draft) => Promise<unknown>
  /** An entry about the command may come late. */
  readonly expect: (id: string) => void
  readonly readSecret: (secret: SecretSpec) => Promise<string>
  readonly mint?: () => string
}

export type Step = 'approve' | 'deny'

/** `code`: nothing was done, since the person's code is missing. `again`: the person had approved it already. */
export type Given = 'done' | 'code' | 'again'

/**
 * Takes what people say of others' commands: each human once, never one's own, with a code of their own where the policy
 * says so. Called in turn, one at a time. A Fault: `command.unknown`, `command.over`, `command.denied`, `totp.…`.
 */
export function createApprovals(tools: ApprovalTools): {
  give(step: Step, id: string, how: How, code: string | null): Promise<Given>
} {
  const { memory, drafts, denials } = tools

  /** What people say counts as soon as it is recorded, also when they were told that it may not be. */
  async function append(id: string, draft: Draft): Promise<void> {
    try {
      await tools.append(draft)
    } catch (error) {
      if (UNRECORDED.includes(codeOf(error))) tools.expect(id)
      throw error
    }
  }

  async function give(step: Step, id: string, how: How, code: string | null): Promise<Given> {
    const command = counting(waitingCommand(memory, id, tools.clock.wallMs()), tools.people())
    const { who } = how
    const attempt: Attempt = { ...who, word: step, args: {}, key: how.key, id }
    const isOwn = isSameHuman(who, command)
    const shortfall = shortfallOf(who, command.verb, tools.people().policy[command.verb]?.role ?? 'operator')
    if (shortfall !== null && !(step === 'deny' && isOwn))
      throw await denials.deny(attempt, shortfall, 'whoami says what you may do')
    const isForAnother = who.via === 'cli' && !isLocal(who)
    if (step === 'deny') {
      if (isForAnother)
        throw await denials.deny(attempt, `nobody turns ${id} down for ${who.operator}`, 'deny it as yourself')
      const why = isOwn ? `${who.operator} withdrew it` : `${who.operator} turned it down`
      await append(id, drafts.rejected(command, how, why))
      return 'done'
    }
    if (isOwn && command.needs.approvals > 0) {
      const name = who.operator === command.operator ? who.operator : humanOf(who)
      const why = `${name} asked for ${id}, so others have to approve it`
      throw await denials.deny(attempt, why, 'all your accounts count as one, and your login name at the host too')
    }
    if (command.approvals.some(each => isSameHuman(each, who))) return 'again'
    // Whoever approves for another shows that person's code, whether the command asks for one or not.
    const needsCode = isForAnother || (missingOf(command).code && !isLocal(who))
    const codeStep = needsCode ? await checked(who, attempt, code) : undefined
    if (codeStep === null) return 'code'
    await append(id, approved(command, how, codeStep))
    return 'done'
  }

  function approved(command: Command, how: How, codeStep: number | undefined): Draft {
    const { by, operator } = how.who
    const left = missingOf({ ...command, approvals: [...command.approvals, { operator, by, atMs: 0 }] })
    const { expiresMs, needs, id } = command
    const mint = tools.mint === undefined ? {} : { mint: tools.mint }
    const offers = left.approvals > 0 || left.code ? stepOffers(id, { expiresMs, code: needs.code, ...mint }) : []
    return drafts.approved(command, how, { ...(codeStep === undefined ? {} : { codeStep }), offers, left })
  }

  /** The time step of the code; null: there is none yet. */
  async function checked(who: Identity, attempt: Attempt, code: string | null): Promise<number | null> {
    const { operator } = who
    const totp = tools.people().operators.find(({ id }) => id === operator)?.totp ?? null
    const known = memory.codes.get(operator) ?? { step: 0, wrong: 0 }
    if (totp === null) {
      const why = `this needs a one-time code, and ${operator} has none set up`
      throw await denials.deny(attempt, why, `an admin runs "heald totp ${operator}" on the host`)
    }
    if (known.wrong >= MOST_WRONG) {
      const why = `the codes of ${operator} are locked after ${MOST_WRONG} wrong ones`
      throw await denials.deny(attempt, why, `an admin runs "heald unlock ${operator}" on the host`)
    }
    if (code === null) return null
    const step = acceptedStep(await secretOf(totp, operator), code, tools.clock.wallMs(), known.step)
    if (step !== null) return step
    const wrong = known.wrong + 1
    const left = MOST_WRONG - wrong
    const more = left === 0 ? 'they are locked now' : `${left} more and they are locked`
    throw await denials.denyCode(attempt, `that is not a code of ${operator}'s that may be used now; ${more}`, wrong)
  }

  async function secretOf(totp: SecretSpec, operator: string): Promise<Buffer> {
    let text: string
    try {
      text = await tools.readSecret(totp)
    } catch (cause) {
      throw new Fault('totp.unreadable', `the secret of ${operator}'s codes can't be read: ${messageOf(cause)}`, {
        hint: `run "heald totp ${operator}" on the host`,
        cause,
      })
    }
    return secretFrom(text)
  }

  return { give }
}

function waitingCommand(memory: CommandMemory, id: string, nowMs: number): Command {
  const command = memory.byId.get(id)
  if (command === undefined)
    throw new Fault('command.unknown', `there is no command ${id} that waits`, { hint: 'commands lists them' })
  if (command.state === 'awaiting' && nowMs < command.expiresMs) return command
  const state = command.state === 'awaiting' ? 'expired' : command.state
  throw new Fault('command.over', `${id} does not wait any more: ${state}`, { hint: 'commands lists those that do' })
}
