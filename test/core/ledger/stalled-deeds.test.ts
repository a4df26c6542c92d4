import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { baseSeq } from '../../../core/ledger/base.ts'
import { disk } from '../../../core/ledger/files.ts'
import type { Ledger } from '../../../core/ledger/ledger.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { readTail } from '../../../core/ledger/side.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { until } from '../../until.ts'
import { manySegments, SNAPSHOT } from './many-segments.ts'
import { entriesIn, exit, opened } from './stand.ts'

/*
 * What has to be done exactly if an entry tells of it: a disk that does not answer for long, and then does after all, must not
 * leave one without the other.
 */

/** Carries `deed` out; the disk holds back the entry of this kind until after whoever asked was told that it is not known. */
async function whileItStalls(
  t: TestContext,
  dir: string,
  kind: string,
  deed: (ledger: Ledger) => Promise<unknown>,
): Promise<{ readonly ledger: Ledger; readonly afterwards: () => Promise<void> }> {
  const clock = fakeClock()
  const ledger = await opened(t, dir, { clock, ...SNAPSHOT })
  await clock.advance(300)
  await ledger.settled()
  await until('the tree', () => ledger.tree() !== null)
  const answers = Promise.withResolvers<void>()
  t.after(() => answers.resolve())
  const { write } = disk
  let isHeld = false
  const mocked = t.mock.method(disk, 'write', async (...how: Parameters<typeof write>) => {
    if (how[1].includes(kind)) {
      isHeld = true
      await answers.promise
    }
    return write(...how)
  })
  const told = assert.rejects(deed(ledger), { code: 'ledger.stalled' })
  await until('it is on its way', () => isHeld)
  await clock.advance(10_000)
  await told
  const afterwards = async (): Promise<void> => {
    answers.resolve()
    mocked.mock.restore()
    await until('it records again', () => ledger.head().recording === 'ok')
    await ledger.settled()
    await ledger.append(exit(99))
    await ledger.settled()
  }
  return { ledger, afterwards }
}

const told = (dir: string, kind: string) => entriesIn(dir).filter(entry => entry.kind === kind)

test('a new key on a disk that does not answer: nothing is signed until it is known, and ordered again it is a new one', async t => {
  const dir = await manySegments(t, 0)
  const { ledger, afterwards } = await whileItStalls(t, dir, 'key.rotated', it => it.rotateKey('local:admin'))
  const signed = ledger.checkpoint()
  const early = await Promise.race([signed.then(() => 'signed'), new Promise(resolve => setTimeout(resolve, 200))])
  assert.equal(early, undefined)
  await afterwards()
  await signed
  assert.deepEqual(readdirSync(join(dir, 'keys')), ['1.pem'])
  await ledger.checkpoint()
  assert.equal((await verifyLedger(dir)).firstBad, null)
  assert.equal((await ledger.rotateKey('local:admin')).epoch, 2)
  await ledger.append(exit(100))
  await ledger.checkpoint()
  const { firstBad, vkeys } = await verifyLedger(dir)
  assert.deepEqual([firstBad, vkeys.length], [null, 3])
})

test('an erasure on a disk that does not answer is carried out once it is recorded', async t => {
  const dir = await manySegments(t, 0)
  const [entry] = entriesIn(dir).filter(({ data }) => data.tail !== undefined)
  assert.ok(entry !== undefined && readTail(dir, entry) === 'password 0')
  const { afterwards } = await whileItStalls(t, dir, 'ledger.erased', it => it.erase(entry.seq, 'local:admin'))
  await afterwards()
  assert.equal(told(dir, 'ledger.erased').length, 1)
  await until('the text is gone', () => readTail(dir, entry) === null)
  assert.deepEqual(
    readdirSync(join(dir, 'side')).filter(name => name.endsWith('.erase')),
    [],
  )
})

test('a prune on a disk that does not answer is carried out once it is recorded', async t => {
  const dir = await manySegments(t, 2)
  const upTo = sealedSegments(dir)[0]?.end ?? assert.fail()
  const order = { upTo, archive: null, by: 'local:admin' }
  const { ledger, afterwards } = await whileItStalls(t, dir, 'ledger.pruned', it => it.prune(order))
  await afterwards()
  assert.equal(told(dir, 'ledger.pruned').length, 1)
  await until('the segments are gone', () => baseSeq(dir) === upTo && sealedSegments(dir)[0]?.file.first === upTo)
  await ledger.close(2000)
  const { firstBad, prunedUpTo } = await verifyLedger(dir)
  assert.deepEqual([firstBad, prunedUpTo], [null, upTo])
})

test('one that is refused after all is told of in the log, and is not done', async t => {
  const dir = await manySegments(t, 0)
  const said: string[] = []
  const clock = fakeClock()
  const ledger = await opened(t, dir, { clock, ...SNAPSHOT, onTrouble: what => void said.push(what) })
  await clock.advance(300)
  await ledger.settled()
  const answers = Promise.withResolvers<void>()
  t.after(() => answers.resolve())
  const { write } = disk
  let isHeld = false
  const mocked = t.mock.method(disk, 'write', async (...how: Parameters<typeof write>) => {
    if (!how[1].includes('key.rotated')) return write(...how)
    isHeld = true
    await answers.promise
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
  })
  const refused = assert.rejects(ledger.rotateKey('local:admin'), { code: 'ledger.stalled' })
  await until('it is on its way', () => isHeld)
  await clock.advance(10_000)
  await refused
  answers.resolve()
  await until('it is told', () => said.some(what => what.startsWith('what was ordered while the disk did not answer')))
  mocked.mock.restore()
  await clock.advance(60_000)
  await until('it records again', () => ledger.head().recording === 'ok')
  await ledger.append(exit(99))
  await ledger.checkpoint()
  assert.equal(told(dir, 'key.rotated').length, 0)
  assert.equal((await ledger.rotateKey('local:admin')).epoch, 1)
  await ledger.append(exit(100))
  await ledger.checkpoint()
  assert.deepEqual(readdirSync(join(dir, 'keys')), ['1.pem'])
  assert.equal((await verifyLedger(dir)).firstBad, null)
})
