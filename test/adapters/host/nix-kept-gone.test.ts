import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

test('a broken database does not keep a rollback to what is kept already from being settled', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  const [good, candidate] = [await target.resolve('2'), await target.resolve('3')]
  await target.activate(good, 20_000)
  await target.settle(good, [good.path])
  await target.activate(candidate, 20_000)

  const database = join(stand.root, 'var/nix/db/db.sqlite')
  for (const end of ['', '-wal', '-shm']) rmSync(`${database}${end}`, { force: true })
  writeFileSync(database, 'no database '.repeat(500))
  assert.equal((await target.activate(good, 20_000)).verdict, 'done')
  await assert.doesNotReject(target.settle(good, [good.path]))
  await target.activate(candidate, 20_000)
  await assert.rejects(target.settle(candidate, [candidate.path, good.path]), { code: 'target.nix' })
})
