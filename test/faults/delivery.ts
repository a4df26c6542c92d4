import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { askedFrom } from '../../bot/asked.ts'
import { applyEntry, type Cards, cardsFromJson, cardsToJson, emptyCards } from '../../bot/cards.ts'
import type { Channel } from '../../bot/channel.ts'
import type { Item } from '../../bot/item.ts'
import { createOutbox, type Outbox } from '../../bot/outbox.ts'
import { policyOf } from '../../bot/route.ts'
import { systemClock } from '../../core/clock.ts'
import type { ChannelSpec } from '../../core/config/channel-spec.ts'
import type { Data, Entry } from '../../core/entry.ts'
import { ALL, channelSpec, noticeSpec } from '../bot/stand.ts'
import type { Platform, Trouble } from '../conformance/platform.ts'
import { timesBesideDead } from './delivery-apart.ts'
import { deadChannel, faultsOf, type Wanted, wantedOf, watchOrder } from './delivery-oracle.ts'

/**
 * The promises of delivery over the real SDK and the strict fake of one platform: random schedules of incidents, troubles
 * and kill -9. Nothing is lost, the last state of everything is shown, no message goes back to an earlier one, a dead
 * channel beside it (and in every other schedule a dead chat) changes nothing, no limit is passed; and there are no twins
 * where the platform can tell them, else at most one for each kill and each lost answer. Each schedule has a platform of
 * its own.
 */
export interface DeliveryOptions {
  readonly kind: ChannelSpec['kind']
  /** `worker` is a number below `parallel`: what one has started is closed before it starts another. */
  readonly start: (worker: number) => Promise<Platform>
  readonly schedules: number
  /** At once. */
  readonly parallel: number
  readonly troubles: readonly Trouble[]
  /** Of one schedule. */
  readonly mostSteps?: number
}

type Step =
  /** Of a service that is well: it falls. */
  | { readonly do: 'resolve' | 'change'; readonly service: number; readonly isCritical: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'trouble'; readonly trouble: Trouble }
  | { readonly do: 'cut' }
  | { readonly do: 'kill' }

/** A try that fails is made again after twice as long, up to a minute: ten troubles in a row take their time. */
const SETTLED_MS = 240_000
/** How long what hangs does so, in schedules. */
const DEAD_MS = 1000
/** From an entry to its message beside what hangs for much longer; half a second alone, on a machine that does more. */
const IN_TIME_MS = 3000

export function deliveryPromises(options: DeliveryOptions): void {
  const { kind, start, schedules, parallel, troubles, mostSteps = 40 } = options
  apart(options)
  const service = fc.nat(3)
  const isCritical = fc.constantFrom(true, false, false)
  const news = fc.constantFrom('resolve' as const, 'change', 'change', 'change')
  const steps: fc.Arbitrary<Step[]> = fc.array(
    fc.oneof(
      {
        weight: 9,
        arbitrary: fc.record({ do: news, service, isCritical }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('wait' as const),
          ms: fc.constantFrom(0, 5, 30, 200, 1200, 1200, 2500),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('trouble' as const), trouble: fc.constantFrom(...troubles) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'kill', 'kill') }) },
    ),
    { minLength: Math.floor(mostSteps / 3), maxLength: mostSteps },
  )

  test(`promises of delivery on ${kind}: ${schedules} schedules`, async t => {
    // Everyday runs play the same schedules; a soak plays others each time.
    const seed = Number(process.env.HEALD_SEED ?? (schedules > 100 ? Date.now() % 1_000_000 : 1))
    const all = fc.sample(steps, { seed, numRuns: schedules })
    const sum = { lost: 0, twins: 0, allowed: 0, posts: 0, kills: 0, incidents: 0 }
    const failed: string[] = []
    let at = 0
    const work = async (worker: number) => {
      for (let mine = at++; mine < all.length; mine = at++) {
        const schedule = all[mine] ?? []
        try {
          const platform = await start(worker)
          const { twins, allowed, posts, kills, incidents } = await play(kind, platform, schedule, mine % 2 === 1)
          sum.twins += twins
          sum.allowed += allowed
          sum.posts += posts
          sum.kills += kills
          sum.incidents += incidents
        } catch (error) {
          sum.lost += 1
          failed.push(
            `schedule ${mine} of seed ${seed}: ${error instanceof Error ? error.message : error}\n${JSON.stringify(schedule)}`,
          )
        }
      }
    }
    await Promise.all(Array.from({ length: parallel }, (_, worker) => work(worker)))
    t.diagnostic(
      `${kind}: ${schedules} schedules, ${sum.incidents} incidents, ${sum.kills} kills, ${sum.posts} messages, ${sum.lost} lost, ${sum.twins} twins (${sum.allowed} allowed)`,
    )
    assert.deepEqual(failed.slice(0, 3), [])
  })
}

function apart({ kind, start }: DeliveryOptions): void {
  test(`a dead channel and a dead chat hold up no message on ${kind}`, async t => {
    const times = await timesBesideDead(kind, await start(0))
    t.diagnostic(`${kind}: shown after ${times.map(ms => Math.round(ms)).join(', ')} ms`)
    assert.ok(Math.max(...times) < IN_TIME_MS, times.join(', '))
  })
}

async function play(kind: ChannelSpec['kind'], platform: Platform, schedule: readonly Step[], hasDeadChat: boolean) {
  const [dead, chat] = platform.chats
  if (hasDeadChat) platform.leave(dead)
  const notice = noticeSpec({
    channels: [channelSpec(kind, { chats: hasDeadChat ? [dead, chat] : [chat] }), channelSpec('console')],
    routes: [{ match: ALL, to: ['console', kind], graceMs: 400 }],
  })
  const order = watchOrder(platform, chat)
  const ledger: Entry[] = []
  const known = new Set<string>()
  let disk = JSON.stringify({ cards: cardsToJson(emptyCards()), items: [] })
  let life = 0
  let disturbances = 0
  let kills = 0
  let cards: Cards = emptyCards()
  let outbox: Outbox | null = null
  let channel: Channel | null = null

  async function begin(): Promise<void> {
    life += 1
    const mine = life
    const read = JSON.parse(disk) as { cards: unknown; items: Item[]; asked?: unknown }
    const asked = askedFrom(read.asked)
    cards = cardsFromJson(read.cards) ?? emptyCards()
    const [myCards, myItems] = [cards, new Map(read.items.map(item => [item.id, item]))]
    channel = await platform.open()
    outbox = createOutbox({
      ...{ clock: systemClock, random: Math.random, cards, items: myItems, asked, notice: () => notice },
      place: { host: 'web-1', tz: 'UTC' },
      channels: new Map([
        ['console', deadChannel(DEAD_MS)],
        [kind, channel],
      ]),
      save: async () => {
        if (life !== mine) return new Promise<never>(() => {})
        disk = JSON.stringify({ cards: cardsToJson(myCards), items: [...myItems.values()], asked })
      },
      // Of one whose answer a dead life heard, the next life knows nothing.
      onPosted: (_item, reference) => void (life === mine && known.add(reference)),
      ...{ onOutcome: () => {}, warn: () => {} },
    })
    outbox.reroute()
    catchUp()
  }
  function catchUp(): void {
    const policy = policyOf(notice, cards.silences, systemClock.wallMs())
    for (const entry of ledger.slice(cards.nextSeq)) outbox?.take(applyEntry(cards, entry, policy))
    outbox?.wake()
  }
  function write(kindOf: string, inc: string, data: Data): void {
    const seq = ledger.length
    const entry = {
      ...{ v: 1, seq, prev: '0'.repeat(64), ts: new Date().toISOString(), mono: 0, boot: 'aaaa0000', kind: kindOf },
      ...{ data, h: seq.toString(16).padStart(64, 'a'), svc: inc.replace(/-\d+$/, ''), inc },
    }
    ledger.push(entry as unknown as Entry)
    catchUp()
  }
  function fall(service: number, severity: 'warning' | 'critical'): void {
    const inc = `svc${service}-${ledger.length}`
    open.set(service, inc)
    write('incident.opened', inc, { severity, cause: 'killed by SIGKILL', services: [`svc${service}`] })
  }
  /** The old life's requests that are under way may still be carried out, but nobody hears their answers. */
  async function kill(): Promise<void> {
    const old = { outbox, channel }
    kills += 1
    disturbances += 1
    life += 1
    void old.outbox?.close()
    platform.cut()
    await old.channel?.close()
    await begin()
  }

  const open = new Map<number, string>()
  try {
    await begin()
    for (const step of schedule) {
      if (step.do === 'wait') await new Promise(resolve => setTimeout(resolve, step.ms))
      else if (step.do === 'trouble') {
        if (step.trouble === 'answer lost' || step.trouble === 'hang') disturbances += 1
        platform.next(step.trouble, 300)
      } else if (step.do === 'cut') {
        // A connection that is cut in a request loses its answer.
        disturbances += 1
        platform.cut()
      } else if (step.do === 'kill') await kill()
      else {
        const inc = open.get(step.service)
        if (inc === undefined) fall(step.service, step.isCritical ? 'critical' : 'warning')
        else if (step.do === 'change') write('service.restarting', inc, { attempt: 1, delayMs: 0, cause: 'x' })
        else {
          write('incident.resolved', inc, { downMs: 5, how: 'restarted' })
          open.delete(step.service)
        }
      }
    }
    await untilSettled(wantedOf(ledger, notice))
    assert.deepEqual(order.backwards, [], 'a message went back to an earlier state')
    const shown = platform.shown(chat)
    const twins = shown.filter(({ reference }) => !known.has(reference)).length
    assert.ok(twins <= (platform.can.tellTwins ? 0 : disturbances), `${twins} twins, ${disturbances} disturbances`)
    assert.deepEqual(platform.breaches(), [], 'over a limit of the platform')
    const incidents = ledger.filter(({ kind: its }) => its === 'incident.opened').length
    return { twins, allowed: platform.can.tellTwins ? 0 : disturbances, posts: shown.length, kills, incidents }
  } finally {
    order.end()
    // Before the end of its life: what it saves last has to be answered.
    await (outbox as Outbox | null)?.close()
    life += 1
    await (channel as Channel | null)?.close()
    await platform.close()
  }

  async function untilSettled(wanted: readonly Wanted[]): Promise<void> {
    const endMs = performance.now() + SETTLED_MS
    for (;;) {
      const shown = platform.shown(chat)
      const faults = faultsOf(wanted, shown, known)
      // Where the platform can tell, a message whose answer was lost is asked for again, and is no twin then.
      const isAsked = !platform.can.tellTwins || shown.every(({ reference }) => known.has(reference))
      if (faults.length === 0 && isAsked) return
      if (performance.now() > endMs) {
        const texts = shown.map(({ text }) => text.slice(0, 120))
        throw new Error(`${faults.join('; ') || 'a message that nobody asked for again'}; shown: ${texts.join(' | ')}`)
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}
