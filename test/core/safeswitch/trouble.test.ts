import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFolded, fold, foldedFromJson, foldedToJson } from '../../../core/folded.ts'
import { makeManaged, polls } from './managed-stand.ts'
import { entryOf } from './written.ts'

type Stand = Awaited<ReturnType<typeof makeManaged>>

const PLACE = 'releases /srv/app'

function told({ ledger }: Stand): unknown[][] {
  const about = ledger.entries.filter(({ kind }) => kind.startsWith('target.'))
  return about.map(({ kind, data: { target, place, why } }) => [
    kind,
    target,
    place,
    ...(why === undefined ? [] : [why]),
  ])
}

/** From now on it can't be looked at, for this reason; null: it can. */
function fail({ fake }: Stand, why: string | null): void {
  fake.before = act => {
    if (why !== null && act === 'look') throw new Error(why)
  }
}

test('a target that can not be looked at is told once, and once that it is in order again', async () => {
  const stand = await makeManaged()
  await stand.known()
  assert.deepEqual(told(stand), [])
  fail(stand, '/srv/app may not be read')
  const standing = [['target.trouble', 'app', PLACE, '/srv/app may not be read']]
  await polls(stand, () => told(stand).length > 0)
  for (let n = 0; n < 5; n += 1) await polls(stand)
  assert.deepEqual(told(stand), standing, 'and no more while it lasts')
  fail(stand, null)
  await polls(stand, () => told(stand).length > 1)
  await polls(stand)
  assert.deepEqual(told(stand), [...standing, ['target.clear', 'app', PLACE]])
})

test('the same trouble is not told again by a later daemon, nor by one that knows another place of the same name', async () => {
  const stand = await makeManaged()
  await stand.known()
  fail(stand, 'gone')
  await polls(stand, () => told(stand).length > 0)
  await stand.managed.release()
  const later = stand.daemon()
  await later.look()
  assert.equal(told(stand).length, 1)
  later.begin()
  await polls(stand)
  assert.equal(told(stand).length, 1)
  await later.release()
  const elsewhere = stand.daemon({ path: '/srv/elsewhere' })
  elsewhere.begin()
  await polls(stand, () => told(stand).length > 1)
  assert.deepEqual(told(stand).at(-1), ['target.trouble', 'app', 'releases /srv/elsewhere', 'gone'])
  assert.equal(stand.memory().journal.good.length, 1, 'what is known of the first place stays')
  await elsewhere.release()
})

test('words that keep changing are told once a minute', async () => {
  const stand = await makeManaged()
  await stand.known()
  let n = 0
  stand.fake.before = act => {
    n += 1
    if (act === 'look') throw new Error(`trouble number ${n}`)
  }
  for (let turn = 0; turn < 200 && told(stand).length < 3; turn += 1) await polls(stand, () => told(stand).length > 2)
  const atMs = stand.ledger.entries.filter(({ kind }) => kind === 'target.trouble').map(({ mono }) => mono / 1000)
  assert.equal(atMs.length, 3)
  assert.ok(n > 10, 'it was looked at far more often')
  for (const [index, ms] of atMs.slice(1).entries()) assert.ok(ms - (atMs[index] ?? 0) >= 60_000)
})

test('trouble that could not be recorded is told when there is room again', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.ledger.refused = /^target\./
  fail(stand, 'gone')
  await polls(stand)
  assert.deepEqual(told(stand), [])
  stand.ledger.refused = /^$/
  for (let n = 0; n < 12; n += 1) await polls(stand, () => told(stand).length > 0)
  assert.deepEqual(told(stand), [['target.trouble', 'app', PLACE, 'gone']])
})

test('that nothing runs is told when it lasts, and not where it is led back from', async () => {
  const stand = await makeManaged()
  stand.point(null)
  stand.managed.begin()
  await polls(stand, () => stand.clock.monoMs() > 8000)
  assert.deepEqual(told(stand), [])
  for (let n = 0; n < 3; n += 1) await polls(stand, () => told(stand).length > 0)
  assert.match(String(told(stand)[0]), /^target\.trouble,app,.*nothing runs/)
  stand.point('r1')
  await polls(stand, () => told(stand).length > 1)
  assert.equal(told(stand)[1]?.[0], 'target.clear')

  const other = await makeManaged()
  await other.known()
  other.point(null)
  for (let n = 0; n < 4; n += 1) await polls(other)
  assert.ok(other.ledger.kinds().includes('rollback.verified'))
  assert.deepEqual(told(other), [])
})

test('while its services are in trouble, it belongs to their incident', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.web.incident = 'web-7'
  fail(stand, 'gone')
  await polls(stand, () => told(stand).length > 0)
  assert.equal(stand.ledger.entries.at(-1)?.inc, 'web-7')
})

test('a snapshot holds it, and nothing odd in an entry makes it fail', () => {
  const folded = emptyFolded()
  const data = { target: 'app', place: PLACE, why: 'gone' }
  fold(folded, entryOf('target.trouble', data))
  const restored = foldedFromJson(JSON.parse(JSON.stringify(foldedToJson(folded))))
  assert.deepEqual(restored?.targets.app?.trouble, { place: PLACE, why: 'gone' })
  assert.equal(restored?.targets.app?.place, null, 'nothing is known of what is there')
  for (const odd of [{ target: 'app', place: 7 }, { target: 7 }, { target: '__proto__', place: PLACE, why: '' }, {}])
    for (const kind of ['target.trouble', 'target.clear'] as const)
      fold(folded, { ...entryOf(kind, odd), seq: folded.nextSeq })
  assert.equal(folded.targets.app?.trouble, null)
})
