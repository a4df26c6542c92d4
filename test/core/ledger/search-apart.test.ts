import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../core/clock.ts'
import type { Filter } from '../../../core/ledger/filter.ts'
import { sizeOf } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../../core/ledger/index/database.ts'
import { indexKeeper } from '../../../core/ledger/index/keeper.ts'
import { indexReader, type ReaderOptions } from '../../../core/ledger/index/reader.ts'
import { verifyIndex } from '../../../core/ledger/index/verify-index.ts'
import { listEntries, type Page } from '../../../core/ledger/list.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { until } from '../../until.ts'
import { mixed } from './mixed-ledger.ts'
import { entriesIn, exit, folder, opened, ROOT, written } from './stand.ts'

const seqsOf = ({ rows }: Page) => rows.map(({ entry }) => entry.seq)
const COUNT = 16_000

/** A ledger that is long enough to have an index. */
async function long(t: TestContext): Promise<string> {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, COUNT)
  return dir
}

function readerOf(t: TestContext, dir: string, limits: ReaderOptions['limits'] = {}) {
  const size = entriesIn(dir).length
  const reader = indexReader({ dir, clock: systemClock, size: () => size, limits })
  t.after(() => reader.close())
  return reader
}

/** Processes that read this ledger for another one. */
function readersOf(dir: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return argv.some(word => word.endsWith('reader-worker.ts')) && argv.includes(dir)
      } catch {
        return false
      }
    })
    .map(Number)
}

const FILTERS: readonly Filter[] = [
  { svc: 'api', text: 'oom' },
  { kinds: ['incident'], text: '"disk full"' },
  { severity: 'critical' },
  { text: 'no-such-word' },
  { actor: 'local:u1' },
  {},
]

test('an open ledger is searched while it grows, and answers what its files say, page by page', async t => {
  const dir = await long(t)
  const ledger = await opened(t, dir)
  for (const [round, filter] of FILTERS.entries()) {
    await ledger.append(exit(round, { data: { exit: 'code', diagnosis: 'oom disk full' } }))
    let cursor: string | undefined
    for (let page = 0; page < 3; page += 1) {
      const options = { limit: 7, ...(cursor === undefined ? {} : { cursor }) }
      const [found, right] = [await ledger.find(filter, options), await listEntries(dir, filter, options)]
      assert.deepEqual([found.rows, found.next, found.bad], [right.rows, right.next, right.bad], JSON.stringify(filter))
      if (found.next === null) break
      cursor = found.next
    }
  }
  assert.equal(statSync(indexPath(dir)).mode & 0o777, 0o600)
  await ledger.close(2000)
  await assert.rejects(ledger.find({}, { limit: 1 }), { code: 'search.closed' })
  await until('its process has ended', () => readersOf(dir).length === 0)
  assert.deepEqual(await verifyIndex(dir), { ok: true })
})

test('a page is cut where it is too long to be handed on at once, and the next one goes on there', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  const long = 'x'.repeat(9000)
  const all = Array.from({ length: 500 }, (_, n) => ledger.append(exit(n, { data: { exit: 'code', diagnosis: long } })))
  await Promise.all(all)
  const seqs: number[] = []
  let pages = 0
  for (let cursor: string | undefined = ''; cursor !== undefined; pages += 1) {
    const page: Page = await ledger.find({ svc: 'api' }, { limit: 1000, ...(cursor === '' ? {} : { cursor }) })
    assert.ok(page.rows.reduce((sum, { line }) => sum + line.length, 0) < 300_000)
    seqs.push(...seqsOf(page))
    cursor = page.next ?? undefined
  }
  assert.deepEqual(
    seqs,
    Array.from({ length: 500 }, (_, n) => 500 - n),
  )
  assert.ok(pages > 10)
})

test('whatever becomes of the index, the answer is the same', async t => {
  const dir = await long(t)
  const reader = readerOf(t, dir)
  const filter = { kinds: ['incident'], text: 'jürgen' }
  const wanted = seqsOf(await listEntries(dir, filter, { limit: 30 }))
  assert.equal(wanted.length, 30)
  const ask = async () => seqsOf(await reader.find(filter, { limit: 30 }))
  assert.deepEqual(await ask(), wanted)
  const whole = readFileSync(indexPath(dir))
  for (const harmed of [
    Buffer.from('no database'),
    Buffer.alloc(0),
    whole.subarray(0, whole.length / 2),
    Buffer.concat([whole.subarray(0, 100), Buffer.alloc(whole.length - 100, 0xff)]),
  ]) {
    writeFileSync(indexPath(dir), harmed)
    assert.deepEqual(await ask(), wanted, `${harmed.length} bytes`)
  }
  const other = await openDatabase(indexPath(dir))
  assert.deepEqual(await ask(), wanted, 'while another process has it')
  other.close()
  writeFileSync(indexPath(dir), 'no database')
  assert.deepEqual(await ask(), wanted, 'the next question has it again')
  assert.notEqual(readFileSync(indexPath(dir)).subarray(0, 6).toString(), 'no dat', 'it was made anew')
  const again = await openDatabase(indexPath(dir))
  again.exec('PRAGMA user_version = 99')
  again.close()
  assert.deepEqual(await ask(), wanted, 'of another version')
  for (const pid of readersOf(dir)) process.kill(pid, 'SIGKILL')
  await until('it is gone', () => readersOf(dir).length === 0)
  assert.deepEqual(await ask(), wanted, 'after a kill')
  await reader.close()
  assert.deepEqual(await verifyIndex(dir), { ok: true })
})

test('its process is killed in the middle: a question is asked once more, the catching up is told', async t => {
  const dir = await long(t)
  for (const isTwice of [false, true]) {
    const reader = readerOf(t, dir)
    const asked = reader.find({ svc: 'api' }, { limit: 5 })
    const caughtUp = reader.catchUp(COUNT)
    const both = Promise.allSettled([asked, caughtUp])
    const killed: number[] = []
    while (killed.length < (isTwice ? 2 : 1)) {
      const pid = readersOf(dir).find(each => !killed.includes(each))
      if (pid !== undefined) {
        process.kill(pid, 'SIGKILL')
        killed.push(pid)
      }
      await sleep(5)
    }
    const [found, reached] = await both
    assert.deepEqual(
      [found.status, reached.status === 'rejected' && reached.reason.code],
      [isTwice ? 'rejected' : 'fulfilled', 'search.lost'],
    )
    assert.equal((await reader.find({ svc: 'api' }, { limit: 5 })).rows.length, 5)
    await reader.close()
  }
})

test('not more than so many wait, none waits longer than its time, and what hangs is replaced', async t => {
  const dir = await written(t, 20)
  const reader = readerOf(t, dir, { waiting: 2, questionMs: 8000 })
  assert.equal((await reader.find({ svc: 'api' }, { limit: 5 })).rows.length, 5)
  const [pid = 0] = readersOf(dir)
  process.kill(pid, 'SIGSTOP')
  const waiting = [1, 2].map(() => reader.find({ svc: 'api' }, { limit: 5 }))
  await assert.rejects(reader.find({ svc: 'api' }, { limit: 5 }), { code: 'search.busy', retry: 1000 })
  for (const each of waiting) await assert.rejects(each, { code: 'search.slow' })
  await until('it is killed', () => !readersOf(dir).includes(pid))
  assert.equal((await reader.find({ svc: 'api' }, { limit: 5 })).rows.length, 5)
})

test('it ends when nobody asks, and with the daemon, however that ends', async t => {
  const dir = await long(t)
  const reader = readerOf(t, dir, { idleMs: 300 })
  await reader.find({ svc: 'api' }, { limit: 5 })
  assert.equal(readersOf(dir).length, 1)
  await until('it has ended', () => readersOf(dir).length === 0)
  assert.equal((await reader.find({ svc: 'api' }, { limit: 5 })).rows.length, 5)
  await reader.close()
  const daemon = spawn(process.execPath, [join(ROOT, 'test/fixtures/asks-ledger.ts'), dir, String(COUNT)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => daemon.kill('SIGKILL'))
  await once(daemon.stdout, 'data')
  assert.equal(readersOf(dir).length, 1)
  daemon.kill('SIGKILL')
  await until('it has ended too', () => readersOf(dir).length === 0)
})

test('a long ledger without an index is asked at once, and has one soon after', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  for (let n = 0; n < 70_000; n += 7000)
    await Promise.all(Array.from({ length: 7000 }, (_, k) => ledger.append(exit(n + k))))
  const { size } = ledger.head()
  const reader = indexReader({ dir, clock: systemClock, size: () => size })
  t.after(() => reader.close())
  assert.equal((await reader.find({ text: '69999' }, { limit: 1 })).rows.length, 1)
  await until('its index is whole', async () => {
    await sleep(200)
    const db = await openDatabase(indexPath(dir), { busyMs: 60_000 })
    const indexed = sizeOf(db)
    db.close()
    return indexed === size
  })
  assert.deepEqual(seqsOf(await reader.find({ text: '1' }, { limit: 1 })), [2])
})

test('a short ledger, and one that is not there, are read without an index', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  await ledger.append(exit(1))
  assert.deepEqual(seqsOf(await ledger.find({ svc: 'api' }, { limit: 5 })), [1])
  assert.equal(existsSync(indexPath(dir)), false)
  const none = indexReader({ dir: join(dir, 'nowhere'), clock: systemClock, size: () => 0 })
  t.after(() => none.close())
  assert.deepEqual(await none.find({ svc: 'api' }, { limit: 5 }), { rows: [], next: null, bad: [] })
})

test('the index catches up by itself: looked for once a minute, after trouble once in ten', async () => {
  const clock = fakeClock()
  let size = 0
  let result: () => Promise<number> = async () => size
  const asked: number[] = []
  const troubles: string[] = []
  const keeper = indexKeeper({
    clock,
    size: () => size,
    isWorth: () => true,
    catchUp(upTo) {
      asked.push(upTo)
      return result()
    },
    onTrouble: what => troubles.push(what),
  })
  const grow = async (by: number, ms: number) => {
    size += by
    keeper.moved()
    await clock.advance(ms)
  }
  await grow(8191, 60_000)
  assert.deepEqual(asked, [])
  await grow(1, 59_999)
  assert.deepEqual(asked, [])
  await clock.advance(1)
  assert.deepEqual(asked, [8192])
  await grow(5000, 60_000)
  assert.deepEqual(asked, [8192], 'few more are left to the next question')
  result = () => Promise.reject(new Error('the disk is full'))
  await grow(5000, 60_000)
  assert.deepEqual([asked.at(-1), troubles.length], [18_192, 1])
  assert.match(troubles[0] ?? '', /searches take longer: the disk is full/)
  await grow(1, 599_999)
  assert.equal(asked.length, 2)
  await clock.advance(1)
  assert.deepEqual([asked.length, troubles.length], [3, 1], 'told once')
  result = async () => size
  await grow(1, 600_000)
  await grow(9000, 60_000)
  assert.deepEqual(asked.slice(3), [18_194, 27_194])
  keeper.close()
  await grow(100_000, 600_000)
  assert.equal(asked.length, 5)
})
