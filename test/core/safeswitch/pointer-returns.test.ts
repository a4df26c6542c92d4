import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refOf } from '../../fakes/target.ts'
import { makeManaged, SOAK_MS } from './managed-stand.ts'

/** Somebody's pointer leads elsewhere for a moment, too short to be seen there; the service that starts in it reads that. */
async function slip({ clock, fake, web }: Awaited<ReturnType<typeof makeManaged>>, isStarted = true): Promise<void> {
  if (isStarted) web.readyMs = clock.monoMs()
  fake.moves += 2
  await clock.advance(10)
}

test('a pointer that leaves and returns during probation: what started meanwhile is started anew, and the soak begins anew', async () => {
  const stand = await makeManaged()
  await stand.known()
  const { clock, web, managed } = stand
  const order = stand.deploy('r2')
  await clock.advance(SOAK_MS / 2)
  const renewed = web.asked.length
  await slip(stand)
  // What runs is not r2, and it is well. r2 is not.
  web.onRenew = () => (web.generation === 'r2' ? { state: 'failed', why: 'crash loop' } : {})
  await clock.advance(SOAK_MS)
  assert.equal(web.asked[renewed], 'renew')
  await clock.advance(SOAK_MS)
  assert.deepEqual([order.done?.outcome, managed.status().current], ['rolled back', refOf('r1')])
})

test('a pointer that was only touched: nothing is started anew, and what is well after another soak is committed', async () => {
  const stand = await makeManaged()
  await stand.known()
  const { clock, web, fake } = stand
  const from = stand.ledger.entries.length
  const order = stand.deploy('r2')
  await clock.advance(SOAK_MS / 2)
  const renewed = web.asked.length
  await slip(stand, false)
  await clock.advance(SOAK_MS)
  assert.ok(!stand.ledger.kinds().includes('switch.committed', from), 'whatever answered the checks, it is asked again')
  await clock.advance(SOAK_MS)
  assert.deepEqual([order.done?.outcome, web.asked.length], ['committed', renewed])
  assert.equal(fake.acts.filter(act => act.startsWith('arm r1')).length, 2, 'the dead-man waits for the second soak')
})

test('a pointer that is moved again and again proves nothing', async () => {
  const stand = await makeManaged()
  await stand.known()
  const order = stand.deploy('r2')
  for (let n = 0; n < 4 && order.done === null; n += 1) {
    await stand.clock.advance(SOAK_MS / 2)
    await slip(stand)
    await stand.clock.advance(SOAK_MS / 2 + 100)
  }
  await stand.clock.advance(1000)
  assert.equal(order.done?.outcome, 'rolled back')
  assert.match(order.done?.why ?? '', /its pointer was moved again and again/)
})
