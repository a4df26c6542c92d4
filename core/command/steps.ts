import type { Clock } from '../clock.ts'
import type { PeopleSpec } from '../config/people-spec.ts'
import type { Data, Draft, Entry } from '../entry.ts'
import { asFault, codeOf, Fault, messageOf } from '../fault.ts'
import { alarm, soonestOf } from '../notice/alarm.ts'
import type { Deeds, Done } from './deeds.ts'
import { type Drafts, json } from './drafts.ts'
import type { BoundOffer } from './entry-data.ts'
import { lookAt } from './look.ts'
import { type Command, type CommandMemory, ENDED, openCommands } from './memory.ts'
import { nextOf, type Verdict, verdictOf } from './next.ts'

export interface StepTools {
  readonly clock: Clock
  readonly memory: CommandMemory
  readonly drafts: Drafts
  readonly deeds: Deeds
  readonly people: () => PeopleSpec
  /** Resolves when the entry is durable and remembered. */
  readonly append: (draft: Draft) => Promise<unknown>
  /** Looks and the entries that follow from them go one at a time. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
  /** Buttons of a command that waits, and of one whose state had changed. */
  readonly offersFor: (command: Command, verdict: Verdict) => readonly BoundOffer[]
  readonly warn: (text: string) => void
}

/** How a command ended, for whoever waits for it in this process. */
export type Ended = { readonly raw: unknown } | { readonly fault: unknown }

export interface Steps {
  /** Takes a command as far as it goes without people. Resolves when it waits, has started or is over; all of it durable. */
  advance(id: string): Promise<void>
  /** Resolves when it is over. */
  ended(id: string): Promise<Ended>
  /** Whoever asked is told that it is not done: so it must not be done, also when it was recorded after all. */
  refuse(id: string, fault: Fault): void
  /** What somebody said of it may yet be recorded: it is gone on with as soon as that is. */
  expect(id: string): void
  /** Goes on with what an earlier daemon left. */
  begin(): void
  /** Entries that have just become durable and are remembered. */
  take(entries: readonly Entry[]): void
  release(): void
}

/** Codes of what could not be recorded in time; it may be all the same, now or later. */
export const UNRECORDED = ['ledger.degraded', 'ledger.busy', 'ledger.stalled']

const AGAIN_MS = 5000

export function createSteps(tools: StepTools): Steps {
  const { clock, memory, drafts, deeds, inTurn } = tools
  /** One step at a time of each command. */
  const moving = new Map<string, Promise<void>>()
  const running = new Set<string>()
  /** Started by an earlier daemon. */
  const before = new Set<string>()
  const refused = new Map<string, Fault>()
  /** An entry about them may come late, with nobody left who waits for it. */
  const expected = new Set<string>()
  const waiting = new Map<string, PromiseWithResolvers<Ended>>()
  let isReleased = false
  let hasBegun = false
  const timer = alarm(clock, look)

  async function advance(id: string): Promise<void> {
    const mine = (moving.get(id) ?? Promise.resolve()).catch(() => {}).then(() => move(id))
    moving.set(id, mine)
    try {
      await mine
    } catch (error) {
      again()
      throw error
    } finally {
      if (moving.get(id) === mine) moving.delete(id)
      setTimer()
    }
  }

  async function move(id: string): Promise<void> {
    while (!isReleased) {
      const command = memory.byId.get(id)
      if (command === undefined) return
      const next = nextOf(command, clock.wallMs())
      if (next === 'over') return settle(command)
      const fault = refused.get(id)
      if (fault !== undefined) {
        await step(command, drafts.step('command.failed', command, { why: fault.message, code: fault.code }))
        answer(id, { fault })
        continue
      }
      if (next === 'wait') return
      if (next === 'run') return started(command)
      if (next === 'expire') {
        const why = command.state === 'awaiting' ? 'nobody approved it in time' : 'it could not start in time'
        await step(command, drafts.step('command.expired', command, { why }))
        continue
      }
      await judged(command)
    }
  }

  async function judged(command: Command): Promise<void> {
    const { id, verb, args } = command
    const looked = await lookAt(deeds, clock, verb, args)
    const verdict = verdictOf(command, looked, tools.people())
    if (verdict.verdict === 'start') return step(command, drafts.step('command.started', command), command.expiresMs)
    if (verdict.verdict === 'await') return step(command, drafts.awaiting(command, tools.offersFor(command, verdict)))
    await step(command, drafts.step('command.failed', command, failure(command, verdict)))
    if ('refused' in looked) answer(id, { fault: looked.refused })
  }

  function failure(command: Command, verdict: Extract<Verdict, { verdict: 'fail' }>): Data {
    const { why, code, changedTo } = verdict
    if (changedTo === null) return { why, code }
    return { why, code, changedTo: json(changedTo), offers: json(tools.offersFor(command, verdict)) }
  }

  function answer(id: string, ended: Ended): void {
    waiting.get(id)?.resolve(ended)
    waiting.delete(id)
  }

  /** Writes the entry if the command stands where it stood when that was decided. */
  function step({ id, state, seq }: Command, draft: Draft, beforeMs = Number.POSITIVE_INFINITY): Promise<void> {
    return inTurn(async () => {
      const now = memory.byId.get(id)
      if (now?.state === state && now.seq === seq && clock.wallMs() < beforeMs) await tools.append(draft)
    })
  }

  async function started(command: Command): Promise<void> {
    const { id } = command
    if (running.has(id)) return
    if (!before.has(id)) {
      running.add(id)
      void run(command)
      return
    }
    if (!hasBegun) return
    const found = deeds.found(command)
    if (found === null) return
    running.add(id)
    await tell(command, { isGood: found.isGood, why: `heald was ended while it ran; ${found.why}` }).finally(() =>
      running.delete(id),
    )
  }

  async function run(command: Command): Promise<void> {
    let ended: Ended
    let told: Pick<Done, 'isGood' | 'why'> & { readonly more?: Data }
    try {
      const { raw, isGood, why, result } = await deeds.perform(command)
      ended = { raw }
      told = { isGood, why, more: { result } }
    } catch (error) {
      const failed = await failedBy(asFault(error), command)
      ended = { fault: failed.fault }
      told = { isGood: false, why: messageOf(failed.fault), more: failed.data }
    }
    // What goes on by itself is not over because this daemon is; the next one says what came of it.
    if (isReleased) return
    await tell(command, told, () => answer(command.id, ended))
    running.delete(command.id)
    answer(command.id, ended)
  }

  /** What the very start of it saw to have changed is answered like what was seen to before. */
  async function failedBy(fault: unknown, command: Command): Promise<{ fault: unknown; data: Data }> {
    if (codeOf(fault) !== 'switch.changed') return { fault, data: { code: codeOf(fault) } }
    const [code, why] = ['command.changed', messageOf(fault)]
    const looked = await lookAt(deeds, clock, command.verb, command.args)
    const changedTo = 'now' in looked ? looked.now : null
    const data = failure(command, { verdict: 'fail', code, why, changedTo })
    return { fault: new Fault(code, why, { cause: fault, hint: 'look at it as it is now, and ask again' }), data }
  }

  /** Writes how it ended; again and again while nothing can be recorded. */
  async function tell(
    command: Command,
    { isGood, why, more = {} }: Pick<Done, 'isGood' | 'why'> & { readonly more?: Data },
    onLate: () => void = () => {},
  ): Promise<void> {
    const kind = isGood ? 'command.succeeded' : 'command.failed'
    const draft = drafts.step(kind, command, { ...more, ...(why === null ? {} : { why }) })
    for (let first = true; !isReleased; first = false) {
      try {
        return await inTurn(async () => {
          if (memory.byId.get(command.id)?.state === 'started') await tools.append(draft)
        })
      } catch (error) {
        // Whoever waits gets to know what was done all the same.
        if (first) onLate()
        warn(command.id, error)
        await new Promise<void>(resolve => void clock.after(AGAIN_MS, resolve))
      }
    }
  }

  function settle(command: Command): void {
    refused.delete(command.id)
    expected.delete(command.id)
    before.delete(command.id)
    if (running.has(command.id)) return
    answer(command.id, { fault: faultOf(command) })
  }

  /** What is tried again and again is told once. */
  let said = ''
  function warn(id: string, error: unknown): void {
    const text = `${id} can't go on yet: ${messageOf(error)}`
    if (text !== said) tools.warn(text)
    said = text
  }

  function look(): void {
    for (const { id } of openCommands(memory))
      advance(id).catch((error: unknown) => tools.warn(`${id}: ${messageOf(error)}`))
    setTimer()
  }

  function setTimer(): void {
    if (isReleased) return
    const nowMs = clock.wallMs()
    // What is due and could not be written is tried again after a pause of its own.
    const due = openCommands(memory).filter(({ state, expiresMs }) => state !== 'started' && expiresMs > nowMs)
    timer.set(soonestOf(due.map(({ expiresMs }) => expiresMs)))
  }

  let cancelAgain: (() => void) | null = null
  function again(): void {
    if (isReleased) return
    cancelAgain ??= clock.after(AGAIN_MS, () => {
      cancelAgain = null
      look()
    })
  }

  function expect(id: string): void {
    expected.add(id)
    again()
  }

  function goOn(id: string): void {
    advance(id).catch(error => warn(id, error))
  }

  return {
    advance,
    ended(id) {
      const command = memory.byId.get(id)
      if (command !== undefined && ENDED.has(command.state)) return Promise.resolve({ fault: faultOf(command) })
      const mine = waiting.get(id) ?? Promise.withResolvers<Ended>()
      waiting.set(id, mine)
      return mine.promise
    },
    refuse(id, fault) {
      refused.set(id, fault)
      expect(id)
    },
    expect,
    begin() {
      if (!hasBegun) for (const id of memory.started) before.add(id)
      hasBegun = true
      look()
    },
    take(entries) {
      if (!hasBegun) return
      for (const { kind, data } of entries)
        if (kind.startsWith('command.') && expected.has(String(data.id))) goOn(String(data.id))
      if (before.size === 0) return
      const news = entries.some(({ kind }) => /^(switch|rollback|service|incident|silence|freeze)\./.test(kind))
      if (news) for (const id of before) goOn(id)
    },
    release() {
      isReleased = true
      timer.set(null)
      cancelAgain?.()
    },
  }
}

/** Why a command that was not run is over. */
function faultOf({ id, state, why, changedTo }: Command): Fault {
  const code = changedTo === null ? `command.${state}` : 'command.changed'
  return new Fault(code, `${id}: ${why ?? state}`)
}
