import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refOf } from '../../fakes/target.ts'
import { makeManaged, SOAK_MS } from './managed-stand.ts'

/** A verdict says how the services were when it was spoken. What can't be written down then is not true for ever. */
async function heldUp(trouble: RegExp) {
  const stand = await makeManaged()
  await stand.known()
  stand.ledger.refused = trouble
  stand.deploy('r2')
  await stand.clock.advance(SOAK_MS + 1000)
  assert.equal(stand.managed.status().state, 'probation', 'its commit could not be recorded')
  return stand
}

test('a candidate that passed, and falls before its commit can be recorded, is not committed', async () => {
  const stand = await heldUp(/^switch\.committing$/)
  stand.web.onRenew = () => (stand.web.generation === 'r2' ? { state: 'failed', why: 'crash loop' } : {})
  stand.web.is({ state: 'failed', why: 'crash loop' })
  stand.ledger.refused = /^$/
  await stand.clock.advance(SOAK_MS + 60_000)
  assert.ok(
    !stand.ledger.entries.some(({ kind, data }) => kind === 'generation.good' && data.path === refOf('r2').path),
  )
  assert.equal(stand.fake.running, refOf('r1').path)
  assert.deepEqual(stand.managed.status().quarantined, [refOf('r2').path])
})

test('one that is still well when its commit can be recorded is watched once more, under a dead-man, and committed', async () => {
  const stand = await heldUp(/^switch\.committing$/)
  stand.ledger.refused = /^$/
  await stand.clock.advance(SOAK_MS + 60_000)
  assert.equal(stand.fake.running, refOf('r2').path)
  assert.equal(stand.ledger.kinds().filter(kind => kind === 'deadman.armed').length, 2, 'one for each watch')
  assert.deepEqual([stand.managed.status().state, stand.fake.standing], ['idle', null])
})
