import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeChat } from '../fakes/chat.ts'
import { channelSpec, makeBot, noticeSpec } from './stand.ts'

const telegram = (more = {}) => fakeChat('telegram', { tellTwins: false, ...more })

test('critical cards that change all the time keep no other news from its turn', async () => {
  const chat = telegram({ pace: [{ count: 5, perMs: 10_000, over: 'chat' }] })
  const bot = makeBot([chat])
  const loops: string[] = []
  for (const name of ['db', 'web', 'mail']) {
    loops.push(bot.open(name, 'critical'))
    await bot.settle(3000)
  }
  const [, , mail = ''] = loops
  await bot.settle(60_000)
  for (let n = 0; n < 120; n += 1) {
    for (const inc of loops.slice(0, 2)) bot.step(inc, 'service.restarting', { attempt: n, delayMs: 0, cause: 'x' })
    if (n === 20) bot.open('late')
    if (n === 20) bot.resolve(mail)
    await bot.settle(500)
  }
  assert.ok(
    chat.texts().some(text => /Warning: late/.test(text)),
    chat.texts().join(' | '),
  )
  assert.ok(
    chat.texts().some(text => /Resolved: mail/.test(text)),
    chat.texts().join(' | '),
  )
})

test('one message that the platform never takes holds up no other of its chat', async () => {
  const chat = telegram()
  const bot = makeBot([chat], noticeSpec({ channels: [channelSpec('telegram')] }))
  const { post } = chat.channel
  Object.assign(chat.channel, {
    post: (...how: Parameters<typeof post>) =>
      how[1].title.includes('poison')
        ? Promise.resolve({ verdict: 'refused', of: 'message', why: 'bad format' })
        : post(...how),
  })
  bot.kill()
  bot.open('poison', 'critical')
  await bot.settle(3000)
  bot.open('agent')
  await bot.settle(60_000)
  assert.deepEqual(chat.texts(), ['Warning: agent on web-1 is down'])
})

test('one card that can not be drawn holds up no other', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  bot.open('agent')
  const [id = '', card] = [...bot.cards().byId][0] ?? []
  // As one of a state file of another version would be.
  if (card !== undefined) bot.cards().byId.set(id, { ...card, steps: [{ atMs: 1 }] as never })
  await bot.settle(3000)
  bot.open('web')
  await bot.settle(60_000)
  assert.deepEqual(chat.texts(), ['Warning: web on web-1 is down'])
  assert.match(bot.warnings.join(), /agent-0/)
})

test('what a channel that could not be opened waits for is put together, so that cards are forgotten', async () => {
  const chat = telegram()
  const channels = [channelSpec('telegram'), channelSpec('discord')]
  const bot = makeBot([chat], noticeSpec({ channels, flap: { changes: 1000, withinMs: 1000 } }))
  for (let n = 0; n < 40; n += 1) {
    const inc = bot.open(`svc${n}`)
    bot.write('escalation.due', { incident: inc, step: 0, to: ['discord'], fallback: false })
    bot.resolve(inc)
    await bot.settle(2100)
  }
  const waiting = [...bot.items().values()].filter(
    ({ channel, what, reference, settledForMs }) =>
      channel === 'discord' && what === 'card' && reference === null && settledForMs === null,
  )
  assert.deepEqual(
    [...bot.items().values()].filter(({ what }) => what === 'ping'),
    [],
  )
  assert.ok(waiting.length < 12, `${waiting.length} cards are kept for a channel that is off`)
})

test('a service that flaps for weeks leaves nothing behind for each time', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  for (let n = 0; n < 300; n += 1) {
    bot.resolve(bot.open('agent'))
    await bot.settle(1000)
  }
  const { byId, cardOf } = bot.cards()
  assert.ok(cardOf.size <= byId.size, `${cardOf.size} incidents are remembered`)
})

test('two troubles of one thing at once: the end of the later one is not the end of both', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  for (const inc of ['ledger-0', 'ledger-1'])
    bot.write('incident.opened', { severity: 'critical', cause: `damage ${inc}`, services: [] }, { inc })
  bot.write('incident.resolved', { how: 'by hand' }, { inc: 'ledger-1' })
  await bot.settle(3000)
  assert.ok(!chat.texts().some(text => /Resolved/.test(text)), chat.texts().join(' | '))
  bot.write('incident.resolved', { how: 'by hand' }, { inc: 'ledger-0' })
  await bot.settle(3000)
  assert.ok(
    chat.texts().every(text => /Resolved/.test(text)),
    chat.texts().join(' | '),
  )
})
