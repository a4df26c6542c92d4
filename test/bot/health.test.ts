import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHealth } from '../../bot/health.ts'
import { fakeClock } from '../fakes/clock.ts'

function makeHealth() {
  const clock = fakeClock()
  const told: string[] = []
  const health = createHealth(
    clock,
    (channel, trouble) =>
      void told.push(`${channel}: ${trouble === null ? 'up' : `${trouble.isFinal ? 'final ' : ''}${trouble.why}`}`),
  )
  return { clock, told, health }
}

test('up is told once; a short trouble is not told at all', async () => {
  const { clock, told, health } = makeHealth()
  health.onState('a', { isUp: true, isFinal: false, why: '' })
  health.onOutcome('a', '1', null, false)
  health.onState('a', { isUp: false, isFinal: false, why: 'cut' })
  await clock.advance(10_000)
  health.onState('a', { isUp: true, isFinal: false, why: '' })
  await clock.advance(60_000)
  assert.deepEqual(told, ['a: up'])
})

test('a trouble that lasts is told, and its end', async () => {
  const { clock, told, health } = makeHealth()
  health.onOutcome('a', '1', null, false)
  health.onOutcome('a', '1', 'error 500', false)
  await clock.advance(14_000)
  health.onOutcome('a', '1', 'error 500', false)
  await clock.advance(2000)
  assert.deepEqual(told, ['a: up'])
  await clock.advance(20_000)
  assert.deepEqual(told, ['a: up', 'a: error 500'])
  health.onOutcome('a', '1', null, false)
  assert.deepEqual(told.at(-1), 'a: up')
})

test('what only a person can end is told at once, and again when it changes; channels are apart', async () => {
  const { told, health } = makeHealth()
  health.onState('a', { isUp: false, isFinal: true, why: 'wrong token' })
  health.onOutcome('b', '1', 'chat 1: not a member', true)
  health.onState('a', { isUp: false, isFinal: true, why: 'wrong token' })
  assert.deepEqual(told, ['a: final wrong token', 'b: final chat 1: not a member'])
})

test('one chat that is dead stays a trouble while the others of its channel work, until it works or is gone', async () => {
  const { clock, told, health } = makeHealth()
  health.onOutcome('a', '2', null, false)
  for (let n = 0; n < 5; n += 1) {
    health.onOutcome('a', '1', 'chat 1: not a member', true)
    await clock.advance(1000)
    health.onOutcome('a', '2', null, false)
    await clock.advance(300_000)
  }
  assert.deepEqual(told, ['a: up', 'a: final chat 1: not a member'])
  health.keep('a', ['2'])
  assert.deepEqual(told.at(-1), 'a: up')
})

test('trouble of the whole channel is over with the first request that is taken', async () => {
  const { told, health } = makeHealth()
  health.onOutcome('a', null, 'wrong token', true)
  health.onOutcome('a', '2', null, false)
  assert.deepEqual(told, ['a: final wrong token', 'a: up'])
})
