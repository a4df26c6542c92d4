import { tokenBucket } from '../api/token-bucket.ts'
import type { ChainRef, Entry } from '../entry.ts'
import { codeOf, Fault } from '../fault.ts'
import { ZEROS } from '../ledger/line.ts'
import { inTurns } from '../turns.ts'
import { createApprovals, type Step } from './approvals.ts'
import { createDenials } from './denials.ts'
import type { DeskOptions } from './desk-options.ts'
import { createDrafts, type How } from './drafts.ts'
import { digestOf } from './entry-data.ts'
import { mustBeFresh } from './fresh.ts'
import { actorOfSpeaker, type Identity, identify, localIdentity, refusalOf } from './identity.ts'
import { type Button, ENDED, type Heard, missingOf } from './memory.ts'
import { createOffering } from './offering.ts'
import { commandOffers } from './offers.ts'
import { createOrdering, type Placed } from './ordering.ts'
import { parseOptions, parseText, type Spoken } from './parse.ts'
import type { Args, Ask, ChatCommands, CommandView, Reply } from './port.ts'
import { createSteps, UNRECORDED } from './steps.ts'
import { viewOf } from './view.ts'
import { isVerb, type Verb, type Word, wordSpec } from './words.ts'

/** Commands, from chats and from the host. Every error is a Fault. */
export interface CommandDesk extends ChatCommands {
  /** An order of the host. Resolves with what it led to, as the deed gives it; rejects with its own Fault. */
  order(verb: Verb, args: Args, by: string): Promise<unknown>
  /** The host's word on a command that waits; `as`: an operator at the host, who proves it by a code. */
  decide(step: Step, id: string, how: { by: string; as: string | null; code: string | null }): Promise<CommandView>
  /** The past is known: goes on with what an earlier daemon left. May be called again. */
  begin(): void
  /** Entries that have just become durable and are folded. */
  take(entries: readonly Entry[]): void
  release(): void
}

/** What operators may say in all chats together: 10 words a second, and 100 at once after a rest. */
const RATE = { perS: 10, burst: 100 }
/** Whoever heald does not know has to share less, and takes nothing from those whom it knows. */
const STRANGERS_RATE = { perS: 1, burst: 20 }
const LISTED_ENDED = 50

export function createCommandDesk(options: DeskOptions): CommandDesk {
  const { clock, memory, people, warn } = options
  const chain: ChainRef = { h: ZEROS }
  const drafts = createDrafts(chain)
  const inTurn = inTurns(async () => {})
  const takeKnown = tokenBucket(clock, RATE)
  const takeStranger = tokenBucket(clock, STRANGERS_RATE)
  const minting = options.mint === undefined ? {} : { mint: options.mint }
  const steps = createSteps({
    ...{ clock, memory, people, drafts, deeds: options.deeds, append: options.append, inTurn, warn },
    offersFor: (command, verdict) =>
      commandOffers(command, verdict, {
        againMs: clock.wallMs() + (people().policy[command.verb]?.expireMs ?? 0),
        ...minting,
      }),
  })
  const denials = createDenials({ clock, drafts, append: options.append, warn })
  const approvals = createApprovals({ ...options, drafts, denials, expect: steps.expect })
  const place = createOrdering(options, { drafts, steps, inTurn, mustBeNew })
  const offers = createOffering(options, { drafts, inTurn })

  async function ready(): Promise<void> {
    options.mustRecord()
    await known()
  }

  async function known(): Promise<void> {
    await options.whenReady()
    if (!options.isKnown())
      throw new Fault('command.not-yet', "the ledger's past could not be read, so nobody knows what was done already", {
        hint: 'see what heald said at its start, and "heald ledger verify"',
      })
  }

  const heard = (key: string): Heard | undefined => memory.keys.get(digestOf(key))

  /** Thrown where the same was said before. */
  class Again extends Error {}

  function mustBeNew({ key, button }: How): void {
    if (key !== null && heard(key) !== undefined) throw new Again()
    if (button !== null) buttonOf(button)
  }

  /** What was said is answered with how that stands by now. */
  function repeated({ id, why, seq }: Heard): Reply {
    if (id === null) throw new Fault('command.denied', why)
    const command = memory.byId.get(id)
    if (command !== undefined) return { reply: 'command', command: viewOf(command, people()), isAgain: true }
    throw new Fault('command.over', `that was ${id}, which is over for long`, { hint: `entry #${seq} of the ledger` })
  }

  function buttonOf(id: string): Button {
    const button = memory.buttons.get(id)
    const hint = 'use the newest buttons, or write the word'
    if (button === undefined || button.expiresMs <= clock.wallMs())
      throw new Fault('command.stale', 'that button is too old', { hint })
    if (button.usedFor === null) return button
    throw new Fault('command.stale', `that button was used already, for ${button.usedFor}`, { hint })
  }

  function understood({ said, code }: Ask): Spoken & { readonly button: Button | null } {
    if ('button' in said) {
      const button = buttonOf(said.button)
      const spec = wordSpec(button.offer.word)
      if (spec !== undefined) return { spec, args: button.offer.args, code, button }
      throw new Fault('command.stale', 'that button is of another version of heald')
    }
    const spoken = 'text' in said ? parseText(said.text) : parseOptions(said.word, said.args)
    return { ...spoken, code: code ?? spoken.code, button: null }
  }

  async function request(ask: Ask): Promise<Reply> {
    await known()
    const who = identify(people(), ask.from)
    const waitMs = who === null ? takeStranger() : takeKnown()
    if (waitMs > 0) throw new Fault('request.rate', 'too many words at once', { retry: waitMs })
    const before = heard(ask.key)
    if (before !== undefined) return repeated(before)
    try {
      return await answered(ask, who)
    } catch (error) {
      const now = error instanceof Again ? heard(ask.key) : undefined
      if (now === undefined) throw error
      return repeated(now)
    }
  }

  async function answered(ask: Ask, who: Identity | null): Promise<Reply> {
    const { from, key } = ask
    const unknown = 'nobody here is known by that account'
    let spoken: ReturnType<typeof understood>
    try {
      spoken = understood(ask)
    } catch (error) {
      if (who !== null) throw error
      throw new Fault('command.denied', unknown, { hint: HINT })
    }
    const { spec, args, code, button } = spoken
    const word = spec.word as Word
    const isOurChat = options.chats(from.platform).includes(from.chat)
    const refusal = refusalOf(spec, who, people(), { isOurChat })
    if (refusal !== null) {
      const by = who ?? { by: actorOfSpeaker(from), operator: null, via: from.platform }
      throw await inTurn(() => denials.deny({ ...by, word, args, key, id: null }, refusal, HINT))
    }
    // A dry run only says what an order would do: it is none.
    if (spec.does === 'reads' || who === null || args['dry-run'] === true)
      return { reply: 'answer', word, args, data: await options.read({ word, args, who, from }) }
    // What only reads is answered also while nothing can be recorded: then it matters most.
    options.mustRecord()
    const how: How = { who, key, button: button?.offer.button ?? null }
    if (isVerb(word)) mustBeFresh(ask.saidMs, clock.wallMs(), people().policy[word]?.expireMs ?? 0)
    if (isVerb(word)) return ordered({ verb: word, args, seen: button?.seen ?? null }, how, code, ask.waitMs)
    return decided(word as Step, String(args.id), how, code, ask.waitMs)
  }

  async function ordered(
    order: Parameters<typeof place>[0],
    how: How,
    code: string | null,
    waitMs: number,
  ): Promise<Reply> {
    const { id } = await place(order, how)
    await advanced(id)
    const command = memory.byId.get(id)
    // One who has given the code with the order is not asked for it again.
    if (command?.state === 'awaiting' && code !== null && missingOf(command).code && command.needs.approvals === 0)
      return decided('approve', id, { ...how, key: null, button: null }, code, waitMs)
    return shown(id, waitMs, false)
  }

  async function decided(step: Step, id: string, how: How, code: string | null, waitMs: number): Promise<Reply> {
    await aboutToWait(id)
    const given = await inTurn(async () => {
      mustBeNew(how)
      return approvals.give(step, id, how, code)
    })
    if (given === 'code') return { reply: 'code', word: step, args: { id }, command: view(id) }
    await advanced(id)
    return shown(id, waitMs, given === 'again')
  }

  /** One that was only just asked for, or is taken up again after a restart, is brought to where it waits. */
  async function aboutToWait(id: string): Promise<void> {
    if (memory.byId.get(id)?.state === 'requested') await advanced(id)
  }

  /** What can't be recorded yet is gone on with later; it is durable that it was asked for. */
  async function advanced(id: string): Promise<void> {
    try {
      await steps.advance(id)
    } catch (error) {
      if (!UNRECORDED.includes(codeOf(error))) throw error
    }
  }

  async function shown(id: string, waitMs: number, isAgain: boolean): Promise<Reply> {
    if (waitMs > 0 && isMoving(id)) {
      let cancel = () => {}
      const late = new Promise<void>(resolve => {
        cancel = clock.after(waitMs, resolve)
      })
      await Promise.race([steps.ended(id), late])
      cancel()
    }
    const command = memory.byId.get(id)
    if (command === undefined) throw new Fault('command.unknown', `there is no command ${id} any more`)
    return { reply: 'command', command: viewOf(command, people()), isAgain }
  }

  function isMoving(id: string): boolean {
    const state = memory.byId.get(id)?.state
    return state !== undefined && state !== 'awaiting' && !ENDED.has(state)
  }

  function view(id: string): CommandView | null {
    const command = memory.byId.get(id)
    return command === undefined ? null : viewOf(command, people())
  }

  function atHost(by: string, as: string | null): Identity {
    if (as === null) return localIdentity(by)
    const found = people().operators.find(({ id }) => id === as)
    if (found !== undefined) return { by, operator: as, role: found.role, via: 'cli' }
    throw new Fault('operator.unknown', `there is no operator ${JSON.stringify(as.slice(0, 100))}`, {
      hint: 'they stand under "operators" in heald.yaml',
    })
  }

  async function order(verb: Verb, args: Args, by: string): Promise<unknown> {
    await ready()
    const placed: Placed = await place({ verb, args, seen: null }, { who: localIdentity(by), key: null, button: null })
    await steps.advance(placed.id).catch((error: unknown) => {
      // Whoever is told that it was not done need not fear that it is done later.
      steps.refuse(placed.id, new Fault('ledger.degraded', 'it was refused, since it could not be recorded in time'))
      throw error
    })
    const waits = view(placed.id)
    if (waits?.state === 'awaiting') throw awaiting(waits)
    const ended = await placed.ended
    if ('fault' in ended) throw ended.fault
    return ended.raw
  }

  async function decide(
    step: Step,
    id: string,
    how: { by: string; as: string | null; code: string | null },
  ): Promise<CommandView> {
    await ready()
    const said: How = { who: atHost(how.by, how.as), key: null, button: null }
    await aboutToWait(id)
    const given = await inTurn(() => approvals.give(step, id, said, how.code))
    if (given === 'code')
      throw new Fault('usage.code', `${how.as} has to give a code`, { hint: `heald ${step} ${id} --as ${how.as}` })
    await advanced(id)
    const now = view(id)
    if (now === null) throw new Fault('command.unknown', `there is no command ${id} any more`)
    return now
  }

  return {
    request,
    order,
    decide,
    command: async id => view(id),
    async commands() {
      const all = [...memory.byId.values()].reverse()
      const ended = all.filter(({ state }) => ENDED.has(state)).slice(0, LISTED_ENDED)
      return [...all.filter(({ state }) => !ENDED.has(state)), ...ended].map(command => viewOf(command, people()))
    },
    async offers(about) {
      await ready()
      return offers(about)
    },
    complete: options.complete,
    begin() {
      chain.h = memory.head
      steps.begin()
    },
    take: steps.take,
    release: steps.release,
  }
}

const HINT = 'whoami says who heald takes you for, and what an admin needs to know you by'

function awaiting({ id, needs, line, approvers }: CommandView): Fault {
  const count = needs?.approvals ?? 0
  const what = count === 0 ? 'a one-time code' : `${count === 1 ? 'an approval' : `${count} approvals`} of others`
  const who = approvers.length === 0 ? '' : ` by ${approvers.map(({ operator }) => operator).join(', ')}`
  return new Fault('command.awaiting', `${id} (${line}) waits for ${what}${who}, and is done as soon as it has that`, {
    hint: `heald commands shows how it stands; heald deny ${id} withdraws it`,
  })
}
