import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Channel, Verdict } from '../../../bot/channel.ts'
import { plainMessage } from '../../conformance/messages.ts'
import { pidOf, processesOf } from '../../fakes/whatsapp/processes.ts'
import { CHATS, startWhatsAppStand, type WhatsAppStand } from '../../fakes/whatsapp/stand.ts'
import { until } from '../../until.ts'

// One bot from before its device is linked until after it is unlinked: the tests follow each other.

const [GROUP, PERSON] = CHATS
const START_MS = 60_000

describe('the life of a WhatsApp link', () => {
  let stand: WhatsAppStand
  let channel: Channel
  const states: { isUp: boolean; isFinal: boolean; why: string }[] = []
  const isUp = () => states.at(-1)?.isUp === true
  let count = 0

  before(async () => {
    // The page never takes its connection for dead by itself.
    stand = await startWhatsAppStand({ keepAliveMs: 600_000 })
    channel = await stand.open(
      { onState: state => void states.push(state) },
      { answerMs: 1500, pingMs: 500, pongMs: 4000, calmMs: 0, readyMs: 15_000 },
    )
  })
  after(async () => {
    await channel.close()
    await stand.close()
  })

  function post(text: string, { chat = GROUP as string, key = '', isAgain = false } = {}): Promise<Verdict> {
    count += 1
    const how = { key: key === '' ? `k${count}` : key, isAgain, isSilent: false, replyTo: null }
    return channel.post(chat, plainMessage(text), how)
  }
  const postsAgain = () => until('it posts', async () => (await post('back')).verdict === 'done', START_MS)
  const referenceOf = (verdict: Verdict) => (verdict.verdict === 'done' ? verdict.reference : JSON.stringify(verdict))
  const bodies = () => [...stand.fake.account.messages.values()].map(({ body }) => body)

  test('without a linked device it says what to do, and starts nothing', async () => {
    await until('it is told', () => states.length > 0)
    assert.deepEqual(
      states.map(({ isUp, isFinal }) => [isUp, isFinal]),
      [[false, true]],
    )
    assert.match(states[0]?.why ?? '', /`heald whatsapp pair`/)
    const verdict = await post('one')
    assert.ok(verdict.verdict === 'refused' && verdict.of === 'channel', JSON.stringify(verdict))
    assert.deepEqual(processesOf(stand.folder), [])
  })

  test('once a device is linked it comes up by itself', async () => {
    await stand.pair()
    await until('it is up', isUp, START_MS)
    assert.equal((await post('one')).verdict, 'done')
    assert.equal(stand.fake.account.messages.size, 1)
  })

  test('a refused message is asked for again twice, then given up', async () => {
    const outcomes: unknown[] = []
    for (let n = 0; n < 3; n += 1) {
      stand.fake.next('refuse')
      const verdict = await post('no', { key: 'refused', isAgain: n > 0 })
      outcomes.push(verdict.verdict === 'retry' ? verdict.isOpen : verdict.verdict === 'refused' ? verdict.of : verdict)
    }
    assert.deepEqual(outcomes, [false, false, 'message'])
  })

  test('a message that is never acknowledged stays open; it is looked for, and sent anew only at the very end', async () => {
    const before = stand.fake.requests()
    stand.fake.next('hang')
    for (let n = 0; n < 4; n += 1) {
      const verdict = await post('lost', { key: 'lost', isAgain: n > 0 })
      assert.ok(verdict.verdict === 'retry' && verdict.isOpen, JSON.stringify(verdict))
    }
    assert.equal(stand.fake.requests() - before, 1)
    assert.equal((await post('lost', { key: 'lost', isAgain: true })).verdict, 'done')
    assert.equal(stand.fake.requests() - before, 2)
  })

  test('a number that is not on WhatsApp, a group that is not ours, and what is no chat are refused at once', async () => {
    for (const chat of ['15559999999@c.us', '120363000000000009@g.us', '#ops', '+1 555']) {
      const verdict = await post('one', { chat })
      assert.ok(verdict.verdict === 'refused' && verdict.of === 'chat', `${chat}: ${JSON.stringify(verdict)}`)
    }
  })

  test('text is sent as it is: no contact card, no preview, no mention', async () => {
    const card = 'BEGIN:VCARD\nVERSION:3.0\nFN:Eve\nEND:VCARD @15550002222 https://example.org'
    const message = { ...plainMessage('x'), icon: 'BEGIN:VCARD', blocks: [{ block: 'text' as const, text: card }] }
    const how = { key: 'card', isAgain: false, isSilent: false, replyTo: null }
    const reference = referenceOf(await channel.post(PERSON, message, how))
    assert.match(
      stand.fake.account.messages.get(reference)?.body ?? '',
      /^BEGIN:VCARD[\s\S]*FN:Eve[\s\S]*example\.org$/,
    )
    assert.equal(referenceOf(await channel.edit(PERSON, reference, message)), reference)
  })

  test('Chromium is killed: it comes back, and what is older than 15 minutes is gone', async () => {
    const reference = referenceOf(await post('old'))
    const kept = stand.fake.account.messages.get(reference)
    assert.ok(kept !== undefined, reference)
    kept.atMs -= 16 * 60_000
    const child = pidOf(stand.folder, 'child')
    states.length = 0
    process.kill(pidOf(stand.folder, 'browser'), 'SIGKILL')
    await until('it is down', () => states.some(state => !state.isUp && !state.isFinal))
    await until('it is up', isUp, START_MS)
    await postsAgain()
    assert.notEqual(pidOf(stand.folder, 'child'), child)
    assert.equal((await channel.edit(GROUP, reference, plainMessage('new'))).verdict, 'gone')
    assert.equal(kept.isEdited, false)
  })

  test('the child is killed: its browser goes with it, and both come back', async () => {
    const before = processesOf(stand.folder).map(({ pid }) => pid)
    assert.ok(before.length > 3)
    states.length = 0
    process.kill(pidOf(stand.folder, 'child'), 'SIGKILL')
    await until('it is down', () => states.some(state => !state.isUp))
    await until('it is up', isUp, START_MS)
    await postsAgain()
    const left = processesOf(stand.folder).filter(({ pid }) => before.includes(pid))
    assert.deepEqual(left, [])
  })

  test('a browser that does not answer any more is ended and started anew', async () => {
    const browser = pidOf(stand.folder, 'browser')
    states.length = 0
    process.kill(browser, 'SIGSTOP')
    await until('it is down', () => states.some(state => !state.isUp))
    await until('it is up', isUp, START_MS)
    assert.notEqual(pidOf(stand.folder, 'browser'), browser)
  })

  test('another WhatsApp Web with the same session: said in words, and tried again', async () => {
    states.length = 0
    stand.fake.state('CONFLICT')
    await until('it is told', () => states.some(({ isFinal, why }) => isFinal && why.includes('another')))
    await until('it is up', isUp, START_MS)
    await postsAgain()
  })

  test('a page that never becomes ready is started anew', async () => {
    await channel.close()
    const pages = stand.fake.pages()
    stand.fake.sync('early')
    states.length = 0
    channel = await stand.open({ onState: state => void states.push(state) }, { readyMs: 10_000 })
    await until('the watchdog', () => states.some(({ why }) => why.includes('not ready within 10 s')), START_MS)
    stand.fake.sync('on time')
    await until('it is up', isUp, START_MS)
    assert.ok(stand.fake.pages() - pages >= 2)
  })

  test('unlinked at the telephone: final, with what to do; nothing of the session is kept', async () => {
    states.length = 0
    stand.fake.unlink()
    await until('it is told', () => states.some(({ isFinal, why }) => isFinal && why.includes('`heald whatsapp pair`')))
    const verdict = await post('one')
    assert.ok(verdict.verdict === 'refused' && verdict.of === 'channel', JSON.stringify(verdict))
    await until('nothing is kept', () => !existsSync(join(stand.folder, 'paired')))
    assert.equal(existsSync(join(stand.folder, 'session')), false)
    await until('nothing runs', () => processesOf(stand.folder).length === 0)
    assert.equal(states.filter(({ isUp }) => isUp).length, 0)
    await channel.close()
  })

  test('closed while it starts, nothing is left either', async () => {
    await stand.pair()
    for (const afterMs of [0, 300, 1200]) {
      const other = await stand.open()
      // At once: before the folder has been looked at.
      if (afterMs > 0) await new Promise(resolve => setTimeout(resolve, afterMs))
      const startedMs = performance.now()
      await other.close()
      assert.ok(performance.now() - startedMs < 7000)
      assert.deepEqual(processesOf(stand.folder), [])
    }
  })

  test('close leaves no process behind, and nothing that was said holds an address or a key', async () => {
    channel = await stand.open({ onState: state => void states.push(state) })
    await until('it is up', isUp, START_MS)
    assert.ok(processesOf(stand.folder).length > 3)
    const startedMs = performance.now()
    const open = post('while it closes')
    await channel.close()
    assert.ok(performance.now() - startedMs < 7000)
    assert.deepEqual(processesOf(stand.folder), [])
    assert.notEqual((await open).verdict, 'refused')
    const said = [...stand.warnings, ...states.map(({ why }) => why)].join('\n')
    assert.doesNotMatch(said, /:\/\/|2@|[A-Za-z0-9+/=]{40}/)
    assert.deepEqual(stand.fake.account.breaches, [])
    assert.ok(bodies().includes('ℹ️ *lost*'))
  })
})
