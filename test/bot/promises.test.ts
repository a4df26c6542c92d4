import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ChatTrouble, fakeChat } from '../fakes/chat.ts'
import { wantedOf } from '../faults/delivery-oracle.ts'
import { channelSpec, makeBot, noticeSpec } from './stand.ts'

/**
 * What chats are promised, over random schedules of incidents, troubles of the platform, network cuts and kill -9:
 * nothing is lost, the last state of everything is shown, and nothing is there twice where the platform can tell; else at
 * most once more for each kill and each lost answer.
 */
type Step =
  | { readonly do: 'open' | 'critical' | 'resolve' | 'ack' | 'change'; readonly service: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'trouble'; readonly trouble: ChatTrouble; readonly chat: number }
  | { readonly do: 'away' | 'back'; readonly chat: number }
  | { readonly do: 'kill' }
  | { readonly do: 'remove'; readonly chat: number }

const SERVICES = 3
const service = fc.nat(SERVICES - 1)
const chat = fc.nat(1)
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constantFrom('open', 'critical', 'resolve', 'ack', 'change'), service }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(0, 1, 50, 900, 2500, 11_000, 70_000) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('trouble'),
        trouble: fc.constantFrom<ChatTrouble>('error', 'slow down', 'answer lost', 'cut', 'refused', 'not as it is'),
        chat,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('away', 'back'), chat }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('kill') }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('remove'), chat }) },
  ) as fc.Arbitrary<Step>,
  { minLength: 5, maxLength: 60 },
)

const totals = { schedules: 0, posts: 0, twins: 0, allowed: 0 }

async function play(schedule: readonly Step[], tellTwins: boolean): Promise<void> {
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const chats = [
    fakeChat('telegram', { tellTwins, delay: turn, pace: [{ count: 20, perMs: 60_000, over: 'chat' }] }),
    fakeChat('discord', { tellTwins, delay: turn }),
  ]
  const channels = [channelSpec('telegram'), channelSpec('discord')]
  const bot = makeBot(chats, noticeSpec({ channels }))
  const open = new Map<number, string>()
  const incidents: { service: number; isOpen: boolean }[] = []
  let disturbances = 0
  for (const step of schedule) {
    switch (step.do) {
      case 'open':
      case 'critical': {
        if (open.has(step.service)) break
        open.set(step.service, bot.open(`svc${step.service}`, step.do === 'open' ? 'warning' : 'critical'))
        incidents.push({ service: step.service, isOpen: true })
        break
      }
      case 'resolve':
      case 'ack':
      case 'change': {
        const inc = open.get(step.service)
        if (inc === undefined) break
        if (step.do === 'change') bot.step(inc)
        if (step.do === 'ack') bot.step(inc, 'incident.acked', { by: 'alice' })
        if (step.do !== 'resolve') break
        bot.resolve(inc)
        open.delete(step.service)
        break
      }
      case 'wait':
        await bot.settle(step.ms)
        break
      case 'trouble':
        if (step.trouble === 'answer lost') disturbances += 1
        chats[step.chat]?.troubles.push(step.trouble)
        break
      case 'away':
      case 'back': {
        const one = chats[step.chat]
        if (one !== undefined) one.isAway = step.do === 'away'
        break
      }
      case 'kill':
        disturbances += 1
        bot.kill()
        break
      case 'remove': {
        const its = [...(chats[step.chat]?.shown.values() ?? [])].at(-1)
        // Of one with nothing but a title nothing changes any more, so nobody would find out.
        if (its !== undefined && its.message.blocks.length > 0) chats[step.chat]?.remove(its.reference)
      }
    }
  }
  for (const one of chats) Object.assign(one, { isAway: false })
  await bot.settle(700_000)
  await bot.settle(700_000)
  // Whatever was removed by hand, a last change of each open incident has to be seen.
  for (const [at, inc] of open) bot.step(inc, 'service.restarting', { attempt: 900 + at, delayMs: 0, cause: 'last' })
  await bot.settle(300_000)
  for (const one of chats) {
    const all = [...one.shown.values()].map(({ message }) => JSON.stringify(message))
    for (const [at] of open) {
      const isShown = all.some(text => text.includes(`svc${at}`) && !/^.{0,80}(Resolved|Caught)/.test(text))
      assert.ok(isShown, `svc${at} is open, and nothing at ${one.channel.name} says so: ${one.texts().join(' | ')}`)
    }
    // What no answer named, or only to a bot that was killed then, nobody can change any more.
    const its = [...bot.items().values()].filter(({ channel }) => channel === one.channel.name)
    for (const { id } of wantedOf(bot.ledger, noticeSpec({ channels }))) {
      const item = its.find(({ card, what }) => card === id && what === 'card')
      assert.ok(item !== undefined && (item.reference !== null || item.settledForMs !== null), `${id} was never told`)
    }
    assert.ok(!its.some(({ what }) => what === 'summary'), 'a summary that was never posted')
    const known = new Set(its.map(({ reference }) => reference))
    for (const { message, reference } of one.shown.values()) {
      if (!known.has(reference)) continue
      if (/well again|Caught up/.test(message.title)) continue
      const about = [
        ...new Set(
          [
            ...JSON.stringify(message.blocks)
              .concat(message.title)
              .matchAll(/svc(\d)/g),
          ].map(([, n]) => Number(n)),
        ),
      ]
      assert.ok(
        about.length === 0 || about.some(n => open.has(n)) || message.blocks.length < 2,
        `shown as if it were not over: ${message.title}`,
      )
    }
    const twins = one.twins()
    if (tellTwins) assert.equal(twins, 0)
    else assert.ok(twins <= disturbances, `${twins} twins for ${disturbances}`)
    totals.posts += one.shown.size
    totals.twins += twins
  }
  totals.allowed += disturbances
  totals.schedules += 1
}

for (const tellTwins of [true, false]) {
  test(`promises of delivery, ${tellTwins ? 'where twins can be told' : 'where they can not'}`, async t => {
    Object.assign(totals, { schedules: 0, posts: 0, twins: 0, allowed: 0 })
    await fc.assert(
      fc.asyncProperty(steps, schedule => play(schedule, tellTwins)),
      { numRuns: Number(process.env.HEALD_SOAK_SCHEDULES ?? 60) },
    )
    const { schedules, posts, twins, allowed } = totals
    t.diagnostic(
      `${schedules} schedules kept all promises: ${posts} messages, ${twins} there twice, ${allowed} allowed`,
    )
  })
}
