import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nixIsMissing, nixStand } from './nix-stand.ts'

/** Found by a review: `keepGood` was raised again, or a root was removed by hand, and the collector came in between. */
test('a known-good generation that was collected does not keep a later one from being settled', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  const to = await target.resolve('3')
  const gone = `${stand.path('good-1')}-collected`
  await target.activate(to, 20_000)
  await assert.doesNotReject(target.settle(to, [to.path, gone]))
})
