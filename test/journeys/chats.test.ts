import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Platform } from '../conformance/platform.ts'
import { type Chats, makeChats } from './chats.ts'

const STEADY = { run: ['sleep', '1000'] }

test('a crash is one card on every platform, posted at once and edited to its end, with a receipt of the ledger', async t => {
  const chats = await makeChats(t)
  chats.configure({ services: { agent: STEADY } })
  await chats.up()
  process.kill(await chats.stand.onlyProcess('agent'), 'SIGKILL')
  await chats.everywhere('the end', texts => texts.some(text => text.includes('Resolved') && text.includes('agent')))
  const resolved = chats.stand.of('incident.resolved', 'agent').at(-1)
  for (const platform of chats.all) {
    const [card, ...more] = chats.shown(platform)
    assert.equal(more.length, 0, platform.name)
    assert.ok(card?.text.includes(`#${resolved?.seq}·`), `the receipt on ${platform.name}: ${card?.text}`)
    assert.match(card?.text ?? '', /killed by SIGKILL/i)
    if (platform.can.silence) assert.equal(card?.isSilent, true)
  }
  const delivered = await chats.stand.wait('reported back', () => {
    const all = chats.stand.of('channel.delivered')
    return all.length === 3 ? all : null
  })
  assert.deepEqual(delivered.map(({ data }) => data.channel).sort(), ['discord', 'slack', 'telegram'])
  chats.withinLimits()
})

test('a crash loop makes a sound where it can, when the grace time is over', async t => {
  const chats = await makeChats(t)
  chats.configure({
    services: { agent: { run: ['sh', '-c', 'sleep 0.2; exit 3'] } },
    // Long enough for the channels to be up before: else the card itself would make the sound.
    routes: [{ to: ['telegram', 'discord', 'slack'], grace: '8s' }],
  })
  await chats.up()
  await chats.everywhere('a card and its ping', texts => texts.filter(text => text.includes('crash loop')).length >= 2)
  for (const platform of chats.all) {
    const [card, ping] = chats.shown(platform)
    assert.equal(ping?.replyTo, card?.reference, platform.name)
    assert.equal(ping?.isSilent, false)
  }
  chats.withinLimits()
})

test('a channel whose token is wrong is off and says why; the others work, and hear of it', async t => {
  const chats = await makeChats(t)
  const token = join(chats.stand.root, 'token')
  writeFileSync(token, '123456:this-is-not-the-right-token-at-all-00\n', { mode: 0o600 })
  chats.configure({ services: { agent: STEADY } }, { telegram: { token: { file: token } } })
  await chats.up([chats.discord, chats.slack])
  const { channels } = await chats.stand.status()
  const telegram = await chats.stand.wait('telegram is down', async () =>
    (await chats.stand.status()).channels.find(each => each.name === 'telegram' && each.state === 'down'),
  )
  assert.match(telegram.why ?? '', /token/, JSON.stringify(channels))
  for (const platform of [chats.discord, chats.slack])
    await chats.stand.wait(`told on ${platform.name}`, () =>
      chats.texts(platform).some(text => /channel telegram/.test(text)),
    )
  writeFileSync(token, `${chats.telegram.fake.token}\n`, { mode: 0o600 })
  await chats.everywhere('it works again', texts => texts.some(text => /telegram.* works again/.test(text)), 90_000)
  const words = JSON.stringify(chats.stand.entries()) + chats.stand.said()
  for (const secret of ['this-is-not-the-right-token', ...Object.values(chats.env)])
    assert.ok(!words.includes(secret), 'no token in the ledger or the log')
})

test('a bot that loses its memory goes on with what is open, and repeats nothing that is over', async t => {
  const chats = await makeChats(t)
  chats.configure({
    services: { agent: { run: ['sh', '-c', 'sleep 0.2; exit 3'] }, web: STEADY },
    routes: [{ to: ['telegram', 'discord', 'slack'], grace: '1s' }],
  })
  await chats.up()
  // Later than what would be told in one card.
  await chats.everywhere('the crash loop', texts => texts.some(text => text.includes('crash loop')))
  await new Promise(resolve => setTimeout(resolve, 2500))
  process.kill(await chats.stand.onlyProcess('web'), 'SIGKILL')
  await chats.everywhere(
    'both',
    texts => texts.some(text => text.includes('crash loop')) && texts.some(text => text.includes('web')),
  )
  await loseMemory(chats)
  await chats.stand.must('stop', 'agent')
  await chats.everywhere(
    'the end of what was open',
    texts => texts.some(text => text.includes('agent') && text.includes('Resolved')),
    60_000,
  )
  for (const platform of chats.all) {
    const web = chats.texts(platform).filter(text => text.includes('web') && !text.includes('agent'))
    assert.ok(web.length <= 1, `${platform.name}: ${web.length} of what was over`)
  }
})

test('a bot that loses its memory finds the card of several services again, though the first of them is over', async t => {
  const chats = await makeChats(t)
  // Not before the channels are up: else the card itself makes the sound.
  const begin = join(chats.stand.root, 'begin')
  const loop = { run: ['sh', '-c', `until [ -e ${begin} ]; do sleep 0.2; done; sleep 0.2; exit 3`] }
  chats.configure({
    services: { api: loop, db: loop },
    routes: [{ to: ['telegram', 'discord', 'slack'], grace: '8s' }],
  })
  await chats.up()
  writeFileSync(begin, '')
  await chats.everywhere('one card of both', texts =>
    texts.some(text => /Critical: .*(api and db|db and api)/.test(text)),
  )
  const isAnswered = (platform: Platform) => chats.shown(platform).some(({ replyTo }) => replyTo !== null)
  await chats.stand.wait('the sound everywhere', () => chats.all.every(isAnswered))
  const [first, second] = chats.stand.of('incident.opened').map(({ svc = '' }) => svc)
  await chats.stand.must('stop', first ?? '')
  await chats.everywhere('half of it', texts => texts.some(text => text.includes(`1 of 2 are still down on`)))
  const isTold = (svc = '') =>
    chats.everywhere('the order', texts => texts.some(text => text.includes(`Done: stop ${svc} `)))
  await isTold(first)
  // The end of the bot itself has a card too, sooner or later.
  const isCard = ({ replyTo, text }: { readonly replyTo: string | null; readonly text: string }) =>
    replyTo === null && !text.includes('Resolved: bot on ')
  const cards = () => chats.all.map(platform => chats.shown(platform).filter(isCard).length)
  const before = cards()
  await loseMemory(chats)
  await chats.stand.must('stop', second ?? '')
  await chats.everywhere('the end of both', texts =>
    texts.some(text => /Resolved: (api and db|db and api) on/.test(text)),
  )
  await isTold(second)
  for (const platform of chats.all) {
    const [card = '', sound = ''] = chats.texts(platform)
    assert.match(card, /Resolved/, `${platform.name}: the card itself, not the sound that answers to it: ${sound}`)
    assert.match(card, /crash loop/, 'its earlier steps are there')
    assert.ok(!card.includes('Followed from here on'), card)
  }
  const orders = before.map(count => count + 1)
  assert.deepEqual(cards(), orders, 'in their places, with no other message but the card of the second order')
})

/** The state of the bot is damaged while it is away, as by a failing disk. */
async function loseMemory(chats: Chats): Promise<void> {
  const { stand } = chats
  const bot = await stand.service('bot')
  process.kill(bot.pid ?? 0, 'SIGSTOP')
  const state = join(stand.state, 'bot/state.json')
  writeFileSync(state, '{"v":1,"cards":')
  process.kill(bot.pid ?? 0, 'SIGKILL')
  await stand.wait('another bot', async () => (await stand.service('bot')).pid !== bot.pid)
  // What is over by the time the next bot begins is nobody's news any more.
  await stand.wait('the next bot has begun', () => existsSync(state) && readFileSync(state, 'utf8').endsWith('}'))
}

test('the last lines of a service are shown only where the configuration says so', async t => {
  const chats = await makeChats(t)
  const agent = { run: ['sh', '-c', 'echo "the pool is <exhausted>"; sleep 0.5; exit 3'] }
  chats.configure({ services: { agent } })
  await chats.up()
  await chats.everywhere('the crash loop', texts => texts.some(text => text.includes('crash loop')))
  for (const platform of chats.all)
    assert.ok(!chats.texts(platform).some(text => text.includes('exhausted')), platform.name)
  chats.configure({ services: { agent }, notify: { logs: true } })
  await chats.stand.must('reload')
  await chats.stand.must('restart', 'agent').catch(() => {})
  await chats.everywhere(
    'its last lines',
    texts => texts.some(text => text.includes('the pool is <exhausted>')),
    60_000,
  )
})

test('when an incident is over, a signed checkpoint stands on every platform, and shows that the ledger was changed', async t => {
  const chats = await makeChats(t)
  const { stand } = chats
  chats.configure({ services: { agent: STEADY }, ledger: { checkpointEvery: '1s' } })
  await chats.up()
  process.kill(await stand.onlyProcess('agent'), 'SIGKILL')
  await chats.everywhere('a checkpoint', texts => texts.some(text => text.includes('Checkpoint: ')), 60_000)
  const posted = await stand.wait('reported back', () => {
    const all = stand.of('checkpoint.posted')
    return all.length === 3 ? all : null
  })
  assert.deepEqual(posted.map(({ data }) => data.where).sort(), ['discord', 'slack', 'telegram'])
  const end = stand.of('incident.resolved', 'agent').at(-1)?.seq ?? Number.POSITIVE_INFINITY
  for (const { data } of posted) assert.ok(Number(data.size) > end, `${data.size} entries hold the end, #${end}`)

  // As somebody copies it from the chat.
  const notes = chats.all.map(platform => {
    const [text = ''] = chats.texts(platform).filter(each => each.includes('Checkpoint: '))
    return /[a-z0-9.-]+\/heald\/[0-9a-f]{8}\n\d+\n\S{44}\n\n— \S+ \S+/.exec(text)?.[0] ?? text
  })
  const check = (note: string) => stand.run(stand.heald('ledger', 'check', note))
  for (const note of notes) assert.match((await check(note)).stdout, /entries are those that it was signed for/)

  await stand.must('down')
  const [segment = ''] = readdirSync(join(stand.state, 'ledger/seg')).filter(name => name.endsWith('.jsonl'))
  const path = join(stand.state, 'ledger/seg', segment)
  writeFileSync(path, readFileSync(path, 'utf8').replace('SIGKILL', 'SIGTERM'))
  for (const note of notes) {
    const { code, stdout } = await check(note)
    assert.deepEqual([code, /are others|does not hold/.test(stdout)], [1, true], stdout)
  }
})
