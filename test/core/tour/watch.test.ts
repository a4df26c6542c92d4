import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry, Kind } from '../../../core/entry.ts'
import { Fault } from '../../../core/fault.ts'
import { openWatch } from '../../../core/tour/watch.ts'

const entry = (seq: number, kind: Kind): Entry => ({
  ...{ v: 1, seq, prev: '', ts: '', mono: 0, boot: '', kind, data: {}, h: '' },
})
const A_MINUTE = 60_000

test('an entry is found whether it came before or comes later, and from the place asked for', async () => {
  const watch = openWatch(new AbortController().signal)
  assert.equal(watch.next(), 0)
  watch.take([entry(0, 'genesis'), entry(1, 'service.exited')])
  assert.equal(watch.next(), 2)
  assert.equal((await watch.until(0, ({ kind }) => kind === 'service.exited', A_MINUTE))?.seq, 1)
  const later = watch.until(2, ({ kind }) => kind === 'service.exited', A_MINUTE)
  watch.take([entry(2, 'service.ready')])
  watch.take([entry(3, 'service.exited'), entry(4, 'service.exited')])
  assert.equal((await later)?.seq, 3)
  assert.deepEqual(
    watch.since(3).map(({ seq }) => seq),
    [3, 4],
  )
})

test('a wait ends with null at its deadline, and with the reason when the visitor leaves', async () => {
  const ending = new AbortController()
  const watch = openWatch(ending.signal)
  assert.equal(await watch.until(0, () => true, 5), null)
  const waiting = watch.until(0, () => true, A_MINUTE)
  ending.abort(new Fault('interrupted', 'enough'))
  await assert.rejects(waiting, /enough/)
  await assert.rejects(
    watch.until(0, () => true, A_MINUTE),
    /enough/,
  )
})

test('memory is bounded', () => {
  const watch = openWatch(new AbortController().signal)
  for (let seq = 0; seq < 20_000; seq += 1) watch.take([entry(seq, 'service.ready')])
  assert.equal(watch.since(0).length, 10_000)
  assert.equal(watch.next(), 20_000)
})
