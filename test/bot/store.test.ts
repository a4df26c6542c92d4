import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { askedOf, emptyAsked } from '../../bot/asked.ts'
import { applyEntry, cardsToJson, emptyCards } from '../../bot/cards.ts'
import { newItem } from '../../bot/item.ts'
import { openStore } from '../../bot/store.ts'
import { notWitnessed } from '../../bot/witness.ts'
import { fakeChat } from '../fakes/chat.ts'
import { makeBot } from './stand.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'heald-store-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

async function remembered() {
  const bot = makeBot([fakeChat('telegram', { tellTwins: true })])
  bot.open('agent', 'critical')
  bot.write('switch.armed', { target: 'app', to: { generation: 'r2', path: '/r2' } })
  bot.write('silence.created', { id: 's1', match: { services: ['x'] }, untilTs: '2099-01-01T00:00:00.000Z' })
  await bot.settle(20_000)
  return {
    cards: bot.cards(),
    items: bot.items(),
    asked: emptyAsked(),
    witnessed: { closedSeq: 3, postedSize: 2, postedMs: 1 },
  }
}

test('what is saved is read again, whole, and only its owner may read it', async t => {
  const path = join(folder(t), 'bot')
  const warnings: string[] = []
  const store = openStore(path, text => void warnings.push(text))
  assert.equal(await store.read(), null)
  const all = await remembered()
  askedOf(all.asked, 'telegram').times['all 0'] = [1, 2]
  await Promise.all([store.save(all), store.save(all), store.save(all)])
  assert.deepEqual(readdirSync(path), ['state.json'])
  assert.equal(statSync(join(path, 'state.json')).mode & 0o777, 0o600)
  const again = await openStore(path, () => {}).read()
  assert.deepEqual(cardsToJson(again?.cards ?? emptyCards()), cardsToJson(all.cards))
  assert.deepEqual([...(again?.items ?? [])], [...all.items])
  assert.deepEqual(again?.witnessed, all.witnessed)
  assert.deepEqual(again?.asked, all.asked)
  assert.ok(all.items.size > 1 && all.cards.byId.size > 2)
  assert.deepEqual(warnings, [])
})

test('a save that comes while one runs holds what is there by then', async t => {
  const path = folder(t)
  const store = openStore(path, () => {})
  await store.read()
  const all = { cards: emptyCards(), items: new Map(), asked: emptyAsked(), witnessed: notWitnessed(0) }
  const first = store.save(all)
  all.items.set('x', newItem({ id: 'x', what: 'card', channel: 'a', chat: 'b', card: 'c', graceMs: 0 }))
  await Promise.all([first, store.save(all)])
  assert.match(readFileSync(join(path, 'state.json'), 'utf8'), /"id":"x"/)
})

test('a save holds all as it was in one turn: never the mark that a sound was made without the sound itself', async t => {
  const path = folder(t)
  const store = openStore(path, () => {})
  await store.read()
  const parts = { channel: 'a', chat: 'b', card: 'c', graceMs: 0 }
  const card = newItem({ id: 'card', what: 'card', ...parts })
  const all = { cards: emptyCards(), items: new Map([['card', card]]), asked: emptyAsked(), witnessed: notWitnessed(0) }
  const saved = store.save(all)
  // What the outbox, its collapse and the witness do in one turn each, while the file is being opened.
  Object.assign(card, { loudForMs: 1, settledForMs: 2 })
  all.items.set('ping', newItem({ id: 'ping', what: 'ping', ...parts }))
  all.witnessed.postedSize = 9
  await saved
  const again = await openStore(path, () => {}).read()
  const [item, ...more] = again?.items.values() ?? []
  assert.deepEqual(
    [more.length, item?.loudForMs, item?.settledForMs, again?.witnessed.postedSize],
    [0, null, null, 0],
    'nothing of what came later, or all of it',
  )
})

for (const [what, text] of Object.entries({
  'cut in the middle': '{"v":1,"cards":{"cards":[',
  'no JSON': '\0\0\0\0',
  'another version': '{"v":9}',
  'other things': '{"v":1,"cards":{"cards":[{}],"nextSeq":3},"items":[]}',
  'items without a name':
    '{"v":1,"cards":{"cards":[],"nextSeq":3,"cardOf":[],"openings":[],"lastOf":[],"switching":[],"silences":[]},"items":[{}]}',
  'an empty file': '',
})) {
  test(`a damaged state (${what}) is put aside, and says so`, async t => {
    const path = folder(t)
    writeFileSync(join(path, 'state.json'), text)
    const warnings: string[] = []
    assert.equal(await openStore(path, warning => void warnings.push(warning)).read(), null)
    assert.deepEqual(readdirSync(path), ['state.json.bad'])
    assert.equal(warnings.length, 1)
    assert.match(warnings[0] ?? '', /goes on from the ledger/)
  })
}

test('what can not be saved is told once, and stops nothing', async t => {
  const path = folder(t)
  const warnings: string[] = []
  const store = openStore(path, text => void warnings.push(text))
  await store.read()
  mkdirSync(join(path, 'state.json.new'))
  const all = { cards: emptyCards(), items: new Map(), asked: emptyAsked(), witnessed: notWitnessed(0) }
  await store.save(all)
  await store.save(all)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /can't be saved, so after a crash something may be told twice/)
  rmSync(join(path, 'state.json.new'), { recursive: true })
  await store.save(all)
  assert.match(warnings[1] ?? '', /can be saved again/)
})

test('entries that were folded already change nothing', async () => {
  const bot = makeBot([fakeChat('telegram', { tellTwins: true })])
  const inc = bot.open('agent')
  bot.step(inc)
  const before = JSON.stringify(cardsToJson(bot.cards()))
  for (const entry of bot.ledger)
    applyEntry(bot.cards(), entry, { flap: { changes: 4, withinMs: 1 }, audience: () => '' })
  assert.equal(JSON.stringify(cardsToJson(bot.cards())), before)
})

test('a state of an earlier version has what it lacks filled in', async t => {
  const path = folder(t)
  const all = await remembered()
  const items = [...all.items.values()].map(({ id, what, channel, chat, card, posts, isOpen, reference, shown }) => ({
    ...{ id, what, channel, chat, card, posts, isOpen, reference, shown },
  }))
  writeFileSync(join(path, 'state.json'), JSON.stringify({ v: 1, cards: cardsToJson(all.cards), items }))
  const again = await openStore(path, () => {}).read()
  assert.deepEqual(again?.witnessed, notWitnessed(0))
  assert.deepEqual(again?.asked, emptyAsked())
  for (const { graceMs, loudForMs, settledForMs, summary, words } of again?.items.values() ?? [])
    assert.deepEqual([graceMs, loudForMs, settledForMs, summary, words], [0, null, null, null, null])
})

for (const [what, damage] of Object.entries({
  'a severity that is none': { severity: 'high' },
  'no times': { sinceMs: null },
  'nothing that it is about': { about: { what: 'weather' } },
  'services that are no names': { services: [7] },
})) {
  test(`a card with ${what} makes the state one that is put aside`, async t => {
    const path = folder(t)
    const all = await remembered()
    const cards = cardsToJson(all.cards) as { cards: object[] }
    const bad = { ...cards, cards: cards.cards.map(card => ({ ...card, ...damage })) }
    writeFileSync(join(path, 'state.json'), JSON.stringify({ v: 1, cards: bad, items: [] }))
    assert.equal(await openStore(path, () => {}).read(), null)
    assert.deepEqual(readdirSync(path), ['state.json.bad'])
  })
}
