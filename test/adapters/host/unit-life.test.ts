import assert from 'node:assert/strict'
import { test } from 'node:test'
import { begun, ended, NO_LIFE, restGone, stopAsked, stopOrdered } from '../../../adapters/host/unit-life.ts'

const ONE = { pid: 7, run: 'a' }
const runs = begun(NO_LIFE, ONE)

test('a run that ends unasked and is not left down has fallen, until another one begins or somebody stops it', () => {
  const fallen = ended(runs, ONE, false, null)
  assert.deepEqual([fallen.hasFallen, fallen.instance], [true, null])
  for (const next of [begun(fallen, { pid: 8, run: 'b' }), stopAsked(fallen, 5), stopOrdered(fallen, 5)])
    assert.equal(next.hasFallen, false)
  for (const end of [ended(runs, ONE, true, null), ended(stopAsked(runs, 5), ONE, false, null)])
    assert.equal(end.hasFallen, false)
})

test('the stop that came first is whose it is', () => {
  assert.deepEqual(stopAsked(stopOrdered(runs, 5), 6).stop, { sinceMs: 5, isOurs: true })
  assert.deepEqual(stopAsked(stopAsked(runs, 5), 6).stop, { sinceMs: 5, isOurs: false })
  assert.equal(ended(stopOrdered(runs, 5), ONE, false, null).stop, null)
})

test('what is left of a run is of that run, until it is gone, whatever runs then', () => {
  const rest = ended(runs, ONE, false, 9)
  assert.deepEqual(rest.rest, { sinceMs: 9, of: ONE })
  assert.deepEqual(begun(rest, { pid: 8, run: 'b' }).rest?.of, ONE)
  assert.equal(restGone(rest).rest, null)
})
