import assert from 'node:assert/strict'
import { test } from 'node:test'
import { restJob } from '../../../adapters/host/unit-job.ts'
import { NO_UNIT } from '../../../adapters/host/unit-view.ts'
import { seatTools } from './seat-tools.ts'

const REST = { ...NO_UNIT, active: 'deactivating', job: 5 }
const settled = () => new Promise(resolve => setImmediate(resolve))

test('a job whose type nobody could tell is asked for again with the next picture', async () => {
  const { bus } = seatTools([])
  let isKnown = false
  let asked = 0
  async function property(): Promise<unknown> {
    asked += 1
    if (asked === 1) throw new Error('no answer')
    return 'stop'
  }
  const job = restJob({ ...bus, property }, () => {
    isKnown = true
  })
  assert.equal(job.seen(REST).job, 0)
  await settled()
  assert.equal(isKnown, false)
  assert.equal(job.seen(REST).job, 0)
  await settled()
  assert.deepEqual([isKnown, job.seen(REST).job, asked], [true, 5, 2])
})
