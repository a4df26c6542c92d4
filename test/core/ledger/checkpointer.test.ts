import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkpointer } from '../../../core/ledger/checkpointer.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { until } from '../../until.ts'
import { exit, folder, optionsFor } from './stand.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const EVERY_MS = 10 * SECOND
const IDLE_MS = 10 * MINUTE

/** A checkpointer of a signer that notes when it is asked; `sign` is what it does then. */
function stand({ sign = async (): Promise<void> => {} } = {}) {
  const clock = fakeClock()
  const startMs = clock.monoMs()
  const madeMs: number[] = []
  const troubles: string[] = []
  const signer = {
    async checkpoint() {
      madeMs.push(clock.monoMs() - startMs)
      await sign()
      return null
    },
  }
  const checkpoints = checkpointer(signer, clock, EVERY_MS, what => troubles.push(what))
  return { clock, checkpoints, madeMs, troubles }
}

test('the first entry is signed at once, what follows it within 10 s together, 10 s later', async () => {
  const { clock, checkpoints, madeMs } = stand()
  await clock.advance(3 * SECOND)
  checkpoints.moved()
  await clock.advance(0)
  assert.deepEqual(madeMs, [3 * SECOND])
  for (let n = 0; n < 100; n++) {
    checkpoints.moved()
    await clock.advance(50)
  }
  assert.deepEqual(madeMs, [3 * SECOND])
  await clock.advance(MINUTE)
  assert.deepEqual(madeMs, [3 * SECOND, 13 * SECOND])
  checkpoints.moved()
  await clock.advance(0)
  assert.deepEqual(madeMs, [3 * SECOND, 13 * SECOND, 68 * SECOND])
})

test('under entries without end there is one each 10 s, never more', async () => {
  const { clock, checkpoints, madeMs } = stand()
  for (let ms = 0; ms < 20 * MINUTE; ms += 500) {
    checkpoints.moved()
    await clock.advance(500)
  }
  assert.deepEqual(
    madeMs,
    Array.from({ length: 121 }, (_, n) => n * EVERY_MS),
  )
})

test('without entries there is one each 10 minutes, counted from the last', async () => {
  const { clock, checkpoints, madeMs } = stand()
  await clock.advance(IDLE_MS - 1)
  assert.deepEqual(madeMs, [])
  await clock.advance(2 * IDLE_MS)
  assert.deepEqual(madeMs, [IDLE_MS, 2 * IDLE_MS])
  await clock.advance(4 * MINUTE)
  checkpoints.moved()
  await clock.advance(IDLE_MS + SECOND)
  const lastMs = 3 * IDLE_MS - 1 + 4 * MINUTE
  assert.deepEqual(madeMs.slice(2), [3 * IDLE_MS, lastMs, lastMs + IDLE_MS])
})

test('one at a time, however long each takes', async () => {
  let under = 0
  const { clock, checkpoints, madeMs } = stand({
    async sign() {
      under += 1
      assert.equal(under, 1)
      await clock.sleep(25 * SECOND)
      under -= 1
    },
  })
  for (let n = 0; n < 240; n++) {
    checkpoints.moved()
    await clock.advance(SECOND)
  }
  assert.deepEqual(
    madeMs,
    Array.from({ length: 10 }, (_, n) => n * 25 * SECOND),
  )
})

test('after a disk that stood still none is made up for', async () => {
  const disk = Promise.withResolvers<void>()
  const { clock, checkpoints, madeMs } = stand({ sign: () => disk.promise })
  for (let n = 0; n < 300; n++) {
    checkpoints.moved()
    await clock.advance(SECOND)
  }
  assert.deepEqual(madeMs, [0])
  disk.resolve()
  await clock.advance(IDLE_MS - 1)
  assert.deepEqual(madeMs, [0, 300 * SECOND])
  await clock.advance(1)
  assert.deepEqual(madeMs, [0, 300 * SECOND, 300 * SECOND + IDLE_MS])
})

test('the last one is made at the close, and none afterwards', async () => {
  const { clock, checkpoints, madeMs } = stand()
  checkpoints.moved()
  await clock.advance(SECOND)
  checkpoints.moved()
  await checkpoints.close()
  assert.deepEqual(madeMs, [0, SECOND])
  checkpoints.moved()
  assert.equal(clock.pending(), 0)
})

test('what keeps them from being made is told once, and once more after it was gone', async () => {
  let why = 'no space left'
  const { clock, checkpoints, madeMs, troubles } = stand({
    async sign() {
      if (why !== '') throw new Error(why)
    },
  })
  for (const next of ['no space left', '', 'read-only']) {
    why = next
    for (let n = 0; n < 3; n++) {
      checkpoints.moved()
      await clock.advance(EVERY_MS)
    }
  }
  assert.equal(madeMs.length, 9)
  assert.deepEqual(troubles, ['no checkpoint can be written: no space left', 'no checkpoint can be written: read-only'])
})

test('a ledger that is not told otherwise leaves 10 s between two', async t => {
  const dir = join(folder(t), 'ledger')
  const clock = fakeClock()
  const { checkpointEveryMs: _, ...options } = optionsFor(dir, { clock })
  const ledger = await openLedger(options)
  t.after(() => ledger.close(2000))
  const sizeOnDisk = () => {
    const path = join(dir, 'checkpoint')
    return existsSync(path) ? Number(readFileSync(path, 'utf8').split('\n')[1]) : 0
  }
  /** What is due by now, the disk may still be doing. */
  const signed = (size: number) =>
    until(`a checkpoint of ${size}`, async () => {
      await clock.advance(0)
      return sizeOnDisk() === size
    })
  await clock.advance(SECOND)
  await signed(1)
  await ledger.append(exit(1))
  await clock.advance(9 * SECOND)
  await sleep(200)
  await clock.advance(0)
  await ledger.settled()
  assert.equal(sizeOnDisk(), 1)
  await clock.advance(SECOND)
  await signed(2)
})
