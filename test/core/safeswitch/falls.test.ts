import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rememberTarget } from '../../../core/safeswitch/memory.ts'
import { refOf } from '../../fakes/target.ts'
import { makeManaged, SOAK_MS, since } from './managed-stand.ts'
import { entryOf } from './written.ts'

/** A deploy of r2 that is on probation; heald then lives `lives` more times, each too short to end it. */
async function lived(lives: number, isStopped: boolean) {
  const stand = await makeManaged()
  await stand.known()
  stand.deploy('r2')
  await stand.clock.advance(1000)
  const before = stand.ledger.entries.length
  let [heald, ids] = [stand.managed, new Set([stand.fake.standing?.id])]
  for (let life = 0; life < lives; life += 1) {
    await Promise.all([heald.release(), stand.clock.advance(100)])
    if (isStopped) rememberTarget(stand.ledger.memories, entryOf('daemon.stopped', { reason: 'SIGTERM' }))
    rememberTarget(stand.ledger.memories, entryOf('daemon.started', {}))
    heald = stand.daemon()
    await heald.look()
    heald.begin()
    await stand.clock.advance(1000)
    ids = ids.add(stand.fake.standing?.id)
  }
  return { stand, ids, steps: () => since(stand.ledger, before) }
}

test('a heald that falls again and again in a probation leads back, though each new one arms a dead-man of its own', async () => {
  const twice = await lived(2, false)
  assert.deepEqual([twice.steps(), twice.ids.size], [[], 3], 'a dead-man for each life')
  await twice.stand.clock.advance(SOAK_MS)
  assert.deepEqual(twice.steps(), ['switch.committing', 'switch.committed'])

  const thrice = await lived(3, false)
  assert.deepEqual(thrice.steps(), ['rollback.started', 'rollback.activated', 'rollback.verified'])
  const started = thrice.stand.ledger.entries.find(({ kind }) => kind === 'rollback.started')
  assert.equal(started?.data.cause, 'probation')
  assert.match(String(started?.data.why), /heald itself has ended 3 times with it without having been told to/)
  assert.equal(thrice.stand.fake.running, refOf('r1').path)
  assert.deepEqual(
    thrice.stand.memory().quarantined.map(({ generation }) => generation),
    ['r2'],
  )
})

test('stops that somebody asked for speak against nothing', async () => {
  const { stand, steps } = await lived(5, true)
  assert.deepEqual(steps(), [])
  await stand.clock.advance(SOAK_MS)
  assert.deepEqual(steps(), ['switch.committing', 'switch.committed'])
})
