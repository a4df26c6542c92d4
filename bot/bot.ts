import type { Clock } from '../core/clock.ts'
import type { ChannelSpec, SecretSpec } from '../core/config/channel-spec.ts'
import { messageOf } from '../core/fault.ts'
import type { BotConfig } from '../core/notice/bot-desk.ts'
import { beginAnew } from './anew.ts'
import { announce } from './announce.ts'
import { emptyAsked } from './asked.ts'
import { DEADLINE_MS, type OpenChannel } from './channel.ts'
import { type CoreLink, openCoreLink } from './core-link.ts'
import { createDispatch, type Dispatch } from './dispatch.ts'
import { shortened } from './fit.ts'
import { guesser } from './guess.ts'
import { createHealth } from './health.ts'
import { cardItemId, type Item, newItem } from './item.ts'
import { createOffering } from './offering.ts'
import { openChannels } from './open-channels.ts'
import { createOutbox } from './outbox.ts'
import { patientSave } from './patient-save.ts'
import { createReporter } from './reporter.ts'
import { destinationsOf } from './route.ts'
import { openStore, type Remembered } from './store.ts'
import { raiseUnfit } from './unfit.ts'
import { createWitness, notWitnessed } from './witness.ts'

/**
 * Life of a bot
 *
 * 1. It asks the daemon for its part of the configuration, again and again until it is there.
 * 2. It reads its own state. If that is lost it is made anew from the ledger (`anew.ts`), and goes on from its end.
 * 3. Each channel is opened; one that can't be is reported, and the others go on.
 * 4. It follows the ledger: entries become cards, cards become messages (`outbox.ts`).
 * 5. What people say is handed to core, and answered (`dispatch.ts`).
 * 6. A signal ends it: the requests at hand are finished, the state is saved. A kill -9 does no harm either.
 */
export interface BotOptions {
  /** The bot's own socket of the daemon. */
  readonly socket: string
  /** Folder of the bot's own state; absolute. */
  readonly state: string
  readonly clock: Clock
  readonly random: () => number
  readonly openChannel: (spec: ChannelSpec) => OpenChannel
  readonly readSecret: (secret: SecretSpec) => Promise<string>
  readonly warn: (text: string) => void
  readonly signal: AbortSignal
}

const ASK_AGAIN_MS = 1000
const CLOSE_CHANNELS_MS = 5000
const REPORTS_MS = 1000
/** Answers that are on their way get so long. */
const ANSWERS_MS = 3000
/** How long its end may take, when a platform does not answer: whoever stops it sooner risks a message that is there twice. */
export const END_MS = DEADLINE_MS + CLOSE_CHANNELS_MS + REPORTS_MS

export async function runBot(options: BotOptions): Promise<void> {
  const { clock, warn, signal, state } = options
  // Told once, however much of it does not fit.
  const { promise: unfit, resolve: tellUnfit } = Promise.withResolvers<string>()
  const link = openCoreLink(options.socket, tellUnfit)
  const first = await insist(link.config, options)
  if (first === null) return
  let config = first
  const notice = () => config.notice
  const place = { host: config.host, tz: config.tz }
  const store = openStore(state, warn)
  const remembered = (await store.read()) ?? (await insist(() => begunAnew(link, first, options), options))
  if (remembered === null) return
  const { cards, items, asked, witnessed } = remembered
  const save = patientSave(() => store.save(remembered), options)

  const reporter = createReporter(link, clock, warn)
  const health = createHealth(clock, (channel, trouble) => {
    if (trouble === null) reporter.report({ what: 'channel.up', channel })
    else {
      const { why, isFinal } = trouble
      reporter.report({ what: 'channel.down', channel, why: shortened(why, 300) || 'no reason given', final: isFinal })
    }
  })
  // What comes in while the channels are being opened waits for the few moments until it can be answered.
  const { promise: dispatching, resolve: dispatchWith } = Promise.withResolvers<Dispatch>()
  const channels = await openChannels(notice(), options, {
    onState: health.onState,
    onWord: async word => (await dispatching).hear(word),
    onGuess: guesser(link),
  })
  const outbox = createOutbox({
    ...{ clock, random: options.random, cards, items, asked, notice, channels, save, warn },
    ...{ place, onOutcome: health.onOutcome },
    onPosted({ channel, chat, card, what, escalation, checkpoint }, reference) {
      if (checkpoint !== null) reporter.report({ what: 'checkpoint.posted', channel, chat, ...checkpoint, reference })
      // A sound would be taken for its card, whose place is what has to be known.
      if (what !== 'card' && escalation === null) return
      const more = escalation === null ? {} : { step: escalation.step }
      reporter.report({
        ...{ what: 'delivered', channel, chat, card: escalation?.incident ?? card, reference, which: 'post' },
        ...{ for: escalation === null ? 'card' : 'escalation', ...more },
      })
    },
  })
  const offering = createOffering({ link, clock, cards, warn, onChange: () => outbox.wake() })
  const dispatch = createDispatch({
    ...{ link, clock, place, warn, hasLogs: () => notice().logs, turn: outbox.turn },
    channel: name => channels.get(name),
    onCommand: (id, channel, chat) => outbox.join(`command:${id}`, channel, chat),
    onStale: offering.stale,
  })
  dispatchWith(dispatch)
  outbox.reroute()
  offering.begin()
  const witness = createWitness({
    ...{ clock, link, witnessed, items, notice, place, warn },
    isOpen: channel => channels.has(channel),
    onItems: () => outbox.wake(),
  })
  void unfit.then(why => {
    warn(`the record that heald hands over does not fit: ${why}`)
    raiseUnfit(items, why, { notice: notice(), place })
    outbox.wake()
  })
  let cancelAsk = () => {}
  /** Until it is there: no other entry would tell that it is another one. */
  function askConfig(): void {
    cancelAsk()
    link.config().then(
      next => {
        config = next
        Object.assign(place, { host: next.host, tz: next.tz })
        for (const { kind, chats } of next.notice.channels) health.keep(kind, chats)
        outbox.reroute()
      },
      (error: unknown) => {
        warn(`the configuration could not be asked for: ${messageOf(error)}`)
        if (!signal.aborted) cancelAsk = clock.after(ASK_AGAIN_MS, askConfig)
      },
    )
  }
  try {
    await announce(
      {
        ...{ link, clock, cards, notice, outbox, offering, save, warn },
        onConfig: askConfig,
        onClosed: witness.closed,
        onFollow: health.tellAgain,
        onAnew: witness.anew,
        onUnfit: tellUnfit,
      },
      signal,
    )
  } finally {
    cancelAsk()
    witness.close()
    offering.close()
    // Before anything else that takes time: what is said from here on is the next bot's.
    for (const channel of channels.values()) channel.deafen?.()
    await Promise.all([dispatch.close(ANSWERS_MS), outbox.close()])
    health.stop()
    await Promise.all([...channels.values()].map(channel => bounded(channel.close(), CLOSE_CHANNELS_MS, clock)))
    await reporter.close(REPORTS_MS)
    await save()
  }
}

/** Asks the daemon again and again until it answers; null: the bot is to end first. */
async function insist<T>(ask: () => Promise<T>, { clock, warn, signal }: BotOptions): Promise<T | null> {
  let said = ''
  while (!signal.aborted) {
    try {
      return await ask()
    } catch (error) {
      const why = messageOf(error)
      if (why !== said) warn(why)
      said = why
      await new Promise<void>(resolve => void clock.after(ASK_AGAIN_MS, resolve))
    }
  }
  return null
}

/**
 * Nothing is remembered: what is told begins here, with what is not over yet. Where its cards stand was reported to core,
 * so they go on in their places; one that was not is posted anew.
 */
async function begunAnew(link: CoreLink, { notice }: BotConfig, { clock, warn }: BotOptions): Promise<Remembered> {
  const posts = (await link.deliveries()).filter(delivery => delivery.for === 'card')
  const told = new Set(posts.map(({ card }) => card))
  const cards = await beginAnew({ link, notice, nowMs: clock.wallMs(), told, warn })
  const items = new Map<string, Item>()
  for (const { card: name, channel, chat, reference } of posts) {
    const card = cards.byId.get(name)
    if (card === undefined) continue
    const place = destinationsOf(card, notice).find(each => each.channel === channel && each.chat === chat)
    const parts = { id: cardItemId(name, channel, chat), what: 'card', channel, chat, card: name } as const
    items.set(parts.id, { ...newItem({ ...parts, graceMs: place?.graceMs ?? 0 }), reference, posts: 1 })
  }
  const witnessed = notWitnessed(clock.wallMs())
  for (const { size, atMs } of await link.posted())
    if (size > witnessed.postedSize) Object.assign(witnessed, { postedSize: size, postedMs: atMs })
  return { cards, items, asked: emptyAsked(), witnessed }
}

function bounded(work: Promise<void>, withinMs: number, clock: Clock): Promise<void> {
  return new Promise(resolve => {
    const cancel = clock.after(withinMs, resolve)
    work
      .catch(() => {})
      .then(() => {
        cancel()
        resolve()
      })
  })
}
