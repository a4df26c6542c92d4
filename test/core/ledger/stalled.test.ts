import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Draft } from '../../../core/entry.ts'
import type { Fault } from '../../../core/fault.ts'
import { disk } from '../../../core/ledger/files.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { until } from '../../until.ts'
import { entriesIn, folder, judged, opened } from './stand.ts'

const order = (id: string): Draft => ({ kind: 'freeze.on', data: { id, by: 'local:admin', why: '' } })

test('a disk that does not answer: of what it has got nobody knows yet, of all else it is certain that it is not recorded', async t => {
  const clock = fakeClock()
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir, { clock })
  const answers = Promise.withResolvers<void>()
  t.after(() => answers.resolve())
  const writes: number[] = []
  const write = disk.write
  t.mock.method(disk, 'write', async (...how: Parameters<typeof write>) => {
    writes.push(how[1].length)
    await answers.promise
    return write(...how)
  })
  const ends = new Map<string, Fault | null>()
  const append = (id: string): void =>
    void ledger.append(order(id)).then(
      () => ends.set(id, null),
      (error: Fault) => ends.set(id, error),
    )
  append('on its way')
  await until('it is on its way', () => writes.length > 0)
  append('waits for that')
  await clock.advance(9000)
  assert.equal(ends.size, 0)
  await clock.advance(1000)
  append('came later')
  await until('all are answered', () => ends.size === 3)
  const unknown = ends.get('on its way')
  assert.equal(unknown?.code, 'ledger.stalled')
  assert.match(unknown?.message ?? '', /^not known yet whether it is recorded: the disk has not answered for 10 s$/)
  assert.match(unknown?.hint ?? '', /"heald commands"/)
  for (const id of ['waits for that', 'came later']) {
    assert.equal(ends.get(id)?.code, 'ledger.degraded', id)
    assert.match(ends.get(id)?.message ?? '', /^not recorded, so not done: the disk has not answered for 10 s/, id)
  }
  answers.resolve()
  await until('it records again', () => ledger.head().recording === 'ok')
  await ledger.append(order('afterwards'))
  const stored = entriesIn(dir)
  assert.deepEqual(
    stored.flatMap(({ kind, data }) => (kind === 'freeze.on' ? [data.id] : [])),
    ['on its way', 'afterwards'],
  )
  const gap = stored.find(({ kind }) => kind === 'ledger.gap')
  assert.deepEqual([gap?.data.what, gap?.data.refused], ['orders refused', 2])
  assert.equal(judged(dir).code, 0, judged(dir).said)
})
