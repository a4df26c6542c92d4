import { tokenBucket } from '../core/api/token-bucket.ts'
import type { Clock } from '../core/clock.ts'
import { PLATFORMS, type Platform, type Reply } from '../core/command/port.ts'
import { asFault, Fault, messageOf } from '../core/fault.ts'
import type { Channel, Word } from './channel.ts'
import type { Answer, Showing } from './commands/answer.ts'
import { refusal } from './commands/command.ts'
import { answerOf } from './commands/table.ts'
import type { CoreLink } from './core-link.ts'
import { fit } from './fit.ts'
import { createLinks, type Links } from './links.ts'
import type { Place } from './render.ts'
import { askOf, type Spoken, spokenIn } from './spoken.ts'

/**
 * Life of a word
 *
 * 1. An adapter hands it over. What only reads is let go at once; an order is held until core has it, so that a platform
 *    that sends again what nobody confirms does so after a kill.
 * 2. Core is asked, with nothing but what the platform said of the person. Where it can't be reached it is asked again for
 *    some seconds, under the same key, so that nothing is done twice.
 * 3. What it answers is put into a message, and shown to whom asked. Of an order that goes on, the card tells the rest.
 */
export interface Dispatch {
  /** Resolves when the word is core's affair, or answered. Rejects only after the end: it was not taken. */
  hear(word: Word): Promise<void>
  /** Resolves when what was heard is answered, or after `withinMs`. */
  close(withinMs: number): Promise<void>
}

export interface DispatchOptions {
  readonly link: Pick<CoreLink, 'request'>
  readonly clock: Clock
  readonly place: Place
  readonly channel: (platform: string) => Channel | undefined
  /** The last lines that a service wrote may be shown. */
  readonly hasLogs: () => boolean
  /** Resolves when it is the chat's turn for a post that does not come from the outbox. */
  readonly turn: (channel: string, chat: string) => Promise<void>
  /** An order was given, or moved on, in this chat. */
  readonly onCommand: (id: string, channel: string, chat: string) => void
  /** A button was pressed that core does not take any more. */
  readonly onStale: (button: string) => void
  readonly warn: (text: string) => void
}

/** What an order's answer waits for: most are over by then, and it can be told what came of them. */
const OUTCOME_MS = 400
const ORDER_MS = 30_000
/** Longer than core gives any question but one. */
const QUESTION_MS = 60_000
const VERIFY_MS = 620_000
/**
 * What takes longer than a moment is shown to be under way, again and again: a platform shows that for some seconds. Of a
 * word on Telegram nothing else tells that it was heard, which is to be seen within a second.
 */
const MOMENT_MS = 500
const SHOWN_BUSY_MS = 4500
/** So long core is asked again when it can't be reached. */
const PATIENCE_MS = 8000
const AGAIN_MS = 400
const MOST_AT_ONCE = 40
const TRIES = 3
const LONGEST_PAUSE_MS = 10_000
/** What those who may not are answered, so that nobody makes the bot fill a chat: one each half minute, five at once. */
const REFUSALS = { perS: 1 / 30, burst: 5 }
const MOST_STRANGERS = 1000

export function createDispatch(options: DispatchOptions): Dispatch {
  const { link, clock, place, warn } = options
  const links: Links = createLinks()
  const running = new Set<Promise<void>>()
  const refused = new Map<string, () => number>()
  let isClosed = false
  let said = ''

  async function hear(word: Word): Promise<void> {
    const platform = PLATFORMS.find(each => each === word.platform)
    if (platform === undefined) return
    if (isClosed) throw new Fault('bot.closed', 'the bot is ending, so this was not taken', { hint: 'say it again' })
    const spoken = spokenIn(word, links)
    const { promise: taken, resolve: take } = Promise.withResolvers<void>()
    const endBusy = showBusy(word)
    const done = handle(word, platform, spoken, take)
      .catch((error: unknown) => warn(`${word.platform}: a word could not be answered: ${messageOf(error)}`))
      .finally(() => {
        endBusy()
        take()
        running.delete(done)
      })
    running.add(done)
    if (!spoken.isReading) await taken
  }

  function showBusy({ showBusy: show }: Word): () => void {
    if (show === null) return () => {}
    let cancel = clock.after(MOMENT_MS, again)
    function again(): void {
      show?.()
      cancel = clock.after(SHOWN_BUSY_MS, again)
    }
    return () => cancel()
  }

  async function handle(word: Word, platform: Platform, spoken: Spoken, take: () => void): Promise<void> {
    const { line, page } = spoken
    const showing: Showing = {
      ...{ place, nowMs: clock.wallMs(), platform, line, page, links, hasLogs: options.hasLogs() },
    }
    if (running.size >= MOST_AT_ONCE) {
      const busy = new Fault('bot.busy', 'too much was said at once, and this was not heard', { hint: 'say it again' })
      return show(word, refusal(busy, showing), false)
    }
    // It is void as soon as it was used, but nobody has to see it.
    if (spoken.hasCode) void word.hide()
    const reply = await asked(word, spoken)
    take()
    if (reply instanceof Fault) return refuse(word, reply, showing)
    if (reply.reply === 'command') options.onCommand(reply.command.id, word.platform, word.chat)
    if (reply.reply === 'code' && word.askCode !== null) {
      const title = `Approve ${String(reply.args.id)}`
      if (await word.askCode({ button: links.say(`approve ${String(reply.args.id)}`), title })) return
    }
    await show(word, drawn(reply, showing), spoken.isInPlace)
  }

  /** Core's answer, or its Fault. */
  async function asked(word: Word, spoken: Spoken): Promise<Reply | Fault> {
    const ask = askOf(word, spoken, spoken.isReading ? 0 : OUTCOME_MS)
    const timeoutMs = !spoken.isReading ? ORDER_MS : spoken.line.startsWith('verify') ? VERIFY_MS : QUESTION_MS
    const untilMs = clock.monoMs() + PATIENCE_MS
    for (;;) {
      try {
        const reply = await link.request(ask, timeoutMs)
        said = ''
        return reply
      } catch (error) {
        const fault = asFault(error)
        if (!(fault instanceof Fault)) throw error
        const isAway =
          /^daemon\.(unreachable|stopping|timeout|answer)$/.test(fault.code) || fault.code === 'command.not-yet'
        if (!isAway) return fault
        if (fault.message !== said) warn(`a word can't be handed over: ${fault.message}`)
        said = fault.message
        if (clock.monoMs() >= untilMs || isClosed) return unreached(fault, place.host)
        await pause(AGAIN_MS)
      }
    }
  }

  async function refuse(word: Word, fault: Fault, showing: Showing): Promise<void> {
    if (fault.code === 'command.stale' && word.button !== null) options.onStale(word.button)
    if (fault.code === 'command.denied' && !mayAnswer(word)) return
    await show(word, refusal(fault, showing), false)
  }

  /** Whoever may not is told so, but not without end. */
  function mayAnswer({ platform, user }: Word): boolean {
    const name = `${platform} ${user}`
    const take = refused.get(name) ?? tokenBucket(clock, REFUSALS)
    refused.delete(name)
    refused.set(name, take)
    const [oldest] = refused.keys()
    if (refused.size > MOST_STRANGERS && oldest !== undefined) refused.delete(oldest)
    return take() === 0
  }

  function drawn(reply: Reply, showing: Showing): Answer {
    try {
      return answerOf(reply, showing)
    } catch (error) {
      warn(`an answer could not be drawn: ${messageOf(error)}`)
      const why = 'what heald answered can’t be shown'
      return refusal(
        new Fault('bot.answer', why, { hint: 'is the bot of another version than heald? restart it' }),
        showing,
      )
    }
  }

  async function show(word: Word, { message, file }: Answer, isInPlace: boolean): Promise<void> {
    const channel = options.channel(word.platform)
    const fitting = channel === undefined ? message : fit(message, each => channel.fits(each))
    const how = { isInPlace, ...(file === undefined ? {} : { file }) }
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (word.isPaced) await options.turn(word.platform, word.chat)
      const againMs = await word.reply(fitting, how)
      if (againMs === null || isClosed) return
      await pause(Math.min(againMs, LONGEST_PAUSE_MS))
    }
    warn(`${word.platform}: an answer to ${word.name} could not be shown: it is asked to wait`)
  }

  function pause(ms: number): Promise<void> {
    return new Promise(resolve => void clock.after(ms, resolve))
  }

  return {
    hear,
    async close(withinMs) {
      isClosed = true
      let cancel = () => {}
      const late = new Promise<void>(resolve => {
        cancel = clock.after(withinMs, resolve)
      })
      await Promise.race([Promise.all(running), late])
      cancel()
    },
  }
}

/** Nobody knows whether it was taken, where an answer did not come in time. */
function unreached({ code, message }: Fault, host: string): Fault {
  if (code === 'daemon.timeout')
    return new Fault('bot.unreached', `heald on ${host} has not answered: it may have taken this, or not`, {
      hint: 'commands shows what was given; say it again if it is not there',
    })
  const why = code === 'command.not-yet' ? message : `heald on ${host} can’t be reached now`
  return new Fault('bot.unreached', `${why}: this was not taken`, { hint: 'say it again in a moment' })
}
