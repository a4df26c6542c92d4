import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { disk } from '../../../core/ledger/files.ts'
import type { Filter } from '../../../core/ledger/filter.ts'
import { sizeOf } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../../core/ledger/index/database.ts'
import { listEntries, type Page } from '../../../core/ledger/list.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { mixed } from './mixed-ledger.ts'
import { exit, folder, opened } from './stand.ts'

const seqsOf = ({ rows }: Page) => rows.map(({ entry }) => entry.seq)
/** Enough to have an index. */
const COUNT = 16_000

test('what a disk has not confirmed yet is shown to nobody who asks the ledger', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, COUNT)
  // No deadline comes on a slow machine.
  const ledger = await opened(t, dir, { fsync: true, clock: fakeClock() })
  await ledger.append(exit(1))
  const { size } = ledger.head()
  const asked = Promise.withResolvers<void>()
  const answers = Promise.withResolvers<void>()
  const { fdatasync } = disk
  t.mock.method(disk, 'fdatasync', async (fd: number) => {
    asked.resolve()
    await answers.promise
    return fdatasync(fd)
  })
  const appended = ledger.append(exit(4711))
  await asked.promise
  const newest = await listEntries(dir, {}, { limit: 1 })
  assert.equal(newest.rows[0]?.entry.data.pid, 4711, 'its bytes are in the file')
  const filters: readonly Filter[] = [{}, { svc: 'api' }, { text: '4711' }, { toSeq: size }]
  for (const filter of filters)
    assert.ok(
      seqsOf(await ledger.find(filter, { limit: 5 })).every(seq => seq < size),
      JSON.stringify(filter),
    )
  answers.resolve()
  await appended
  for (const filter of filters) assert.equal(seqsOf(await ledger.find(filter, { limit: 5 }))[0], size)
  await ledger.close(2000)
})

test('what each question adds is put together when nobody waits', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, COUNT)
  const ledger = await opened(t, dir)
  for (let n = 0; n < 12; n += 1) {
    await ledger.append(exit(n))
    await ledger.find({ svc: 'api' }, { limit: 1 })
  }
  await ledger.close(2000)
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.close())
  assert.ok(sizeOf(db) > COUNT)
  const { count } = db.prepare('SELECT count(DISTINCT segid) AS count FROM words_idx').get() ?? {}
  assert.ok(Number(count) < 10, `${count} pieces`)
})
