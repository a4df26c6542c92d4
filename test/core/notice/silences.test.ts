import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silences } from '../../../core/notice/silences.ts'
import { notebook } from './stand.ts'

const MINUTE = 60_000
const BY = 'local:admin/alice'

function begin(book = notebook()) {
  const start = () =>
    silences({
      ...{ clock: book.clock, memory: book.folded.notices, append: book.append, warn: () => {} },
      names: () => ['web-1', 'web-2', 'db', 'ledger', 'channel:slack'],
    })
  let them = start()
  const create = (service: string, long = '2h', why = '') => them.create({ service, for: long, why }, BY)
  return {
    ...{ book, create, end: (id: string) => them.end(id, BY) },
    ids: () => [...book.folded.notices.silences.keys()],
    again() {
      them.release()
      them = start()
      them.look()
    },
  }
}

test('a silence is an entry, and its end is another one', async () => {
  const { book, create, ids } = begin()
  const made = await create('web-*', '1h30m', 'new disk')
  assert.deepEqual([made.id, made.match.services, made.by, made.why], ['silence-1', ['web-*'], BY, 'new disk'])
  assert.equal(Date.parse(made.untilTs) - Date.parse(made.fromTs), 90 * MINUTE)
  const [entry] = book.entries
  assert.deepEqual([entry?.kind, entry?.actor, entry?.data.by], ['silence.created', 'local:admin', BY])
  await book.clock.advance(90 * MINUTE - 1)
  assert.deepEqual(ids(), ['silence-1'])
  await book.clock.advance(1)
  assert.deepEqual(ids(), [])
  assert.deepEqual(book.of('silence.ended'), [
    { id: 'silence-1', match: { severity: null, services: ['web-*'], kinds: null }, how: 'expired', by: 'heald' },
  ])
  await book.clock.advance(1000 * MINUTE)
  assert.equal(book.entries.length, 2)
})

test('all is everything; a name has to be known, and a pattern has to fit something', async () => {
  const { create } = begin()
  assert.equal((await create('all')).match.services, null)
  assert.equal((await create('*')).match.services, null)
  for (const name of ['web-1', 'ledger', 'channel:*']) assert.deepEqual((await create(name)).match.services, [name])
  for (const name of ['web', 'x*', 'db2']) await assert.rejects(create(name), { code: 'service.unknown' }, name)
  for (const name of ['', 'a b', 'x'.repeat(100), 'a/b']) await assert.rejects(create(name), { code: 'usage.service' })
})

test('how long is written like everywhere, and bounded', async () => {
  const { create } = begin()
  for (const long of ['', 'soon', '5', '0', '10ms', '400d', '-1h'])
    await assert.rejects(create('db', long), { code: 'usage.for' }, long)
  await assert.rejects(create('db', '1h', 'x'.repeat(301)), { code: 'usage.why' })
  assert.equal((await create('db', '366d')).id, 'silence-1')
})

test('one that is ended by hand is over at once; there is no second end', async () => {
  const { book, create, end, ids } = begin()
  await create('db')
  const [first, second] = await Promise.allSettled([end('silence-1'), end('silence-1')])
  assert.deepEqual([first?.status, second?.status], ['fulfilled', 'rejected'])
  assert.deepEqual(ids(), [])
  assert.deepEqual(
    book.of('silence.ended').map(({ how, by }) => [how, by]),
    [['by hand', BY]],
  )
  await assert.rejects(end('silence-1'), { code: 'silence.unknown' })
  assert.equal((await create('db')).id, 'silence-2', 'an id is never used again')
})

test('it ends while heald is away, and numbers go on', async () => {
  const { book, create, again, ids } = begin()
  await create('db', '10m')
  await create('web-1', '1h')
  again()
  await book.clock.advance(5 * MINUTE)
  assert.deepEqual(ids(), ['silence-1', 'silence-2'])
  // Nobody looks meanwhile.
  book.isBroken = true
  await book.clock.advance(20 * MINUTE)
  assert.deepEqual(ids(), ['silence-1', 'silence-2'])
  book.isBroken = false
  again()
  await book.clock.advance(0)
  assert.deepEqual(ids(), ['silence-2'])
  assert.equal(book.of('silence.ended').length, 1)
  assert.equal((await create('db')).id, 'silence-3')
})

test('a slow disk makes no second end', async () => {
  const { book, create, again } = begin()
  await create('db', '10m')
  await create('web-1', '10m')
  book.slowMs = 90_000
  await book.clock.advance(30 * MINUTE)
  assert.deepEqual(
    book.of('silence.ended').map(({ id }) => id),
    ['silence-1', 'silence-2'],
  )
  again()
  await book.clock.advance(MINUTE)
  assert.equal(book.of('silence.ended').length, 2)
})

test('while its end can not be recorded it is tried again', async () => {
  const { book, create, ids } = begin()
  await create('db', '10m')
  book.isBroken = true
  await book.clock.advance(15 * MINUTE)
  book.isBroken = false
  await book.clock.advance(MINUTE)
  assert.deepEqual(ids(), [])
  assert.equal(book.of('silence.ended').length, 1)
})

test('a wall clock that is set on ends it within a minute; one that is set back leaves it', async () => {
  const { book, create, ids } = begin()
  await create('db', '2h')
  await create('web-1', '200d')
  await book.clock.advance(MINUTE)
  book.clock.setWall(-60 * MINUTE)
  await book.clock.advance(119 * MINUTE)
  assert.deepEqual(ids(), ['silence-1', 'silence-2'])
  book.clock.setWall(3 * 60 * MINUTE)
  await book.clock.advance(MINUTE)
  assert.deepEqual(ids(), ['silence-2'])
  assert.ok(book.clock.pending() <= 1, 'one timer, however long the silence')
})

test('there are at most a thousand', async () => {
  const { book, create, end } = begin()
  for (let n = 0; n < 1000; n += 1) await create('db')
  await assert.rejects(create('db'), { code: 'silence.many' })
  await end('silence-500')
  assert.equal((await create('db')).id, 'silence-1001')
  assert.ok(book.clock.pending() <= 1)
})
