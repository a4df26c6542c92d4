import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeStand, SPEAKERS } from './stand.ts'

const HOUR_MS = 3_600_000

test('an order that lay at the platform for longer than it may wait is answered, not done', async () => {
  const stand = makeStand()
  const at = (agoMs: number) => ({ saidMs: stand.clock.wallMs() - agoMs })
  const old = { code: 'command.old', message: /that was said 10 h ago, so it was not done/ }
  await assert.rejects(stand.ask(SPEAKERS.carol, '/restart agent', at(10 * HOUR_MS)), old)
  await assert.rejects(stand.ask(SPEAKERS.bob, '/rollback app', at(10 * HOUR_MS + 5000)), old)
  await stand.settle()
  assert.deepEqual([stand.performed.length, stand.entries.length], [0, 0])
  // What only reads is answered; what was said within the time is done, also by a platform whose clock is ahead.
  assert.equal((await stand.ask(SPEAKERS.carol, '/commands', at(10 * HOUR_MS))).reply, 'answer')
  for (const agoMs of [9 * 60_000, -60_000]) {
    await stand.ask(SPEAKERS.carol, '/restart agent', at(agoMs))
    await stand.settle()
  }
  assert.equal(stand.performed.length, 2)
})

test('an old order that was taken when it was young is answered with what came of it', async () => {
  const stand = makeStand()
  const said = { key: 'telegram:9:-100:7', saidMs: stand.clock.wallMs() }
  await stand.ask(SPEAKERS.alice, '/restart agent', said)
  await stand.settle()
  await stand.clock.advance(10 * HOUR_MS)
  const again = await stand.ask(SPEAKERS.alice, '/restart agent', said)
  assert.deepEqual(again.reply === 'command' && [again.isAgain, again.command.state], [true, 'succeeded'])
  assert.equal(stand.performed.length, 1)
})
