import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { reserveIn } from '../../../core/ledger/reserve.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { folder } from './stand.ts'

test('a reserve that was given up is made anew once a switch has come to rest, and not before', async t => {
  const dir = folder(t)
  const clock = fakeClock()
  const reserve = reserveIn(dir, clock)
  const isThere = () => existsSync(join(dir, 'reserve'))
  await reserve.keep()
  assert.ok(isThere())
  assert.equal(await reserve.spend(), true)
  assert.equal(await reserve.spend(), false, 'there is only one')
  await reserve.follow(['service.exited', 'rollback.started', 'rollback.activated'])
  assert.ok(!isThere(), 'the way back may need all the room')
  await reserve.follow(['service.ready', 'rollback.verified'])
  assert.ok(isThere())
})

test('it is tried once a minute at most, and later entries of any kind will do', async t => {
  const dir = folder(t)
  const clock = fakeClock()
  const reserve = reserveIn(dir, clock)
  const isThere = () => existsSync(join(dir, 'reserve'))
  await reserve.keep()
  for (const isSoon of [false, true]) {
    await reserve.spend()
    await reserve.follow(['switch.committed'])
    assert.equal(isThere(), !isSoon)
  }
  await clock.advance(59_000)
  await reserve.follow(['switch.committed'])
  assert.ok(!isThere())
  await clock.advance(1000)
  await reserve.follow(['service.exited'])
  assert.ok(isThere())
  rmSync(join(dir, 'reserve'))
  await clock.advance(120_000)
  await reserve.follow(['switch.committed'])
  assert.ok(!isThere(), 'what others remove is their business')
})
