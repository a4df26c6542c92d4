import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoopAnswer } from '../../../core/heal/records.ts'
import { makeWard, READY_MS } from './ward.ts'

const SLOW: LoopAnswer = { verdict: 'slow restarts', why: 'the budget is used up', isPassing: true }

/** A service in a crash loop, with what is answered to it. */
async function looping(first: LoopAnswer) {
  const asked: LoopAnswer[] = []
  let answer = first
  const of = makeWard({}, [], () => {
    asked.push(answer)
    return answer
  })
  async function fall(): Promise<void> {
    of.crash()
    await of.clock.advance(READY_MS)
  }
  await of.ready()
  for (let n = 0; n < 3; n += 1) await fall()
  return {
    ...{ of, fall, asked: () => asked.length },
    answer(next: LoopAnswer) {
      answer = next
    },
    verdicts: () => of.told('crashloop.detected').map(({ data }) => data.verdict),
  }
}

test('what is in the way of a rollback for a while is asked about again with each further failure', async () => {
  const { of, fall, answer, asked, verdicts } = await looping(SLOW)
  assert.deepEqual([asked(), verdicts()], [1, ['slow restarts']])
  assert.match(of.service.status().why ?? '', /not rolled back: the budget is used up/)
  for (let n = 0; n < 2; n += 1) await fall()
  assert.deepEqual([asked(), verdicts()], [3, ['slow restarts']], 'the same answer is told once')
  answer({ ...SLOW, why: 'nothing can be recorded' })
  await fall()
  assert.match(of.service.status().why ?? '', /not rolled back: nothing can be recorded/)
  answer({ verdict: 'rollback', why: 'to r1' })
  await fall()
  assert.deepEqual([asked(), verdicts()], [5, ['slow restarts', 'rollback']])
  assert.match(of.service.status().why ?? '', /it is rolled back \(to r1\)/)
  await fall()
  assert.equal(asked(), 5, 'it is under way')
})

test('a fall with another unit is no further failure of the loop: nobody is asked', async () => {
  const { of, fall, asked } = await looping(SLOW)
  of.fall('base.service')
  await of.clock.advance(READY_MS)
  assert.equal(asked(), 1)
  await fall()
  assert.equal(asked(), 2)
})

test('what stays in the way is asked about once', async () => {
  const { fall, asked, verdicts } = await looping({ verdict: 'slow restarts', why: 'no other is known to be good' })
  for (let n = 0; n < 3; n += 1) await fall()
  assert.deepEqual([asked(), verdicts()], [1, ['slow restarts']])
})

test('each loop is asked about anew', async () => {
  const { of, fall, asked } = await looping({ verdict: 'rollback', why: 'to r1' })
  of.patient.renew(null)
  await of.clock.advance(READY_MS)
  for (let n = 0; n < 3; n += 1) await fall()
  assert.equal(asked(), 2)
})
