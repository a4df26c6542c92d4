import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { catchUp } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../../core/ledger/index/database.ts'
import { queryLedger } from '../../../core/ledger/index/query.ts'
import { verifyIndex } from '../../../core/ledger/index/verify-index.ts'
import { keyEntries } from '../../../core/ledger/key-entries.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { proveEntry } from '../../../core/ledger/prove.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { foldFrom, readEntry } from '../../../core/ledger/read.ts'
import { MAX_SEGMENT_BYTES } from '../../../core/ledger/segment.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { verifyCommands } from '../../../core/ledger/verify-commands.ts'
import { linesIn } from './forged.ts'
import { manySegments, reopened } from './many-segments.ts'
import { copyOf, exit, lineOf } from './stand.ts'

/*
 * Files that a reader could read for ever, or with all memory. A whole segment has 66 MiB at most, and to read as much takes
 * a second or two.
 */

const MOST_MS = 10_000

/** Everything that reads the entries; some find nothing, or say what is wrong. */
const READERS: Readonly<Record<string, (dir: string) => Promise<unknown>>> = {
  list: dir => listEntries(dir, {}, { limit: 10_000 }),
  search: dir => queryLedger(dir, { svc: 'api' }, { limit: 10_000 }),
  keys: keyEntries,
  verify: dir => verifyLedger(dir),
  commands: dir => verifyCommands(dir, { receipts: [] }),
  read: dir => readEntry(dir, 100_000),
  prove: dir => proveEntry(dir, 60),
  async fold(dir) {
    for await (const { seq } of foldFrom(dir, 0)) assert.ok(seq >= 0)
  },
  async index(dir) {
    const db = await openDatabase(indexPath(dir))
    try {
      await catchUp(db, dir)
    } finally {
      db.close()
    }
    await verifyIndex(dir)
  },
}

async function allEnd(dir: string, what: string): Promise<void> {
  for (const [name, read] of Object.entries(READERS)) {
    const startMs = performance.now()
    // What comes of it is asked elsewhere.
    await read(dir).catch(() => null)
    const tookMs = performance.now() - startMs
    assert.ok(tookMs < MOST_MS, `${what}: ${name} took ${tookMs.toFixed()} ms`)
  }
}

test('a line without end keeps no reader, wherever it stands', { timeout: 120_000 }, async t => {
  const whole = await manySegments(t, 2)
  const names = readdirSync(join(whole, 'seg')).sort()
  for (const name of names)
    for (const bytes of [64 * 1024 * 1024, 2 ** 40])
      for (const end of bytes < MAX_SEGMENT_BYTES ? ['', '\n'] : ['']) {
        const dir = copyOf(t, whole)
        const path = join(dir, 'seg', name)
        chmodSync(path, 0o600)
        truncateSync(path, bytes)
        appendFileSync(path, end)
        await allEnd(dir, `${name}, ${bytes} bytes${end === '' ? '' : ' and a line end'}`)
        rmSync(dir, { recursive: true })
      }
})

test('a line that is too long shows nothing of what it begins with, and hides nothing before it', async t => {
  const dir = await manySegments(t, 0)
  const lines = linesIn(dir)
  const [name = ''] = readdirSync(join(dir, 'seg'))
  const last = lines.at(-1) ?? ''
  for (const more of [20_000, 300_000, 3_000_000]) {
    writeFileSync(join(dir, 'seg', name), `${lines.join('\n')}${'x'.repeat(more)}\n`)
    const { rows, bad } = await listEntries(dir, {}, { limit: 1000 })
    assert.deepEqual(rows.map(({ line }) => line).reverse(), lines.slice(0, -1))
    assert.deepEqual(
      bad.map(({ seq }) => seq),
      [lines.length - 1],
      `${last.length} and ${more} bytes`,
    )
  }
})

test('a segment larger than heald writes any is damage, and no reader goes beyond', async t => {
  const dir = await manySegments(t, 0)
  const [name = ''] = readdirSync(join(dir, 'seg'))
  const path = join(dir, 'seg', name)
  const lines = linesIn(dir)
  const stamp = { ts: '2026-01-01T00:00:00.000Z', mono: 1, boot: '00000000' }
  const data = JSON.stringify({ text: 'x'.repeat(16_000) })
  let h = lines.at(-1)?.slice(-66, -2) ?? ''
  const more = Array.from({ length: 4400 }, (_, n) => {
    const line = lineOf({ seq: lines.length + n, prev: h, ...stamp }, `"kind":"config.applied","data":${data}`)
    h = line.h
    return line.text
  })
  for (const name of ['head', 'checkpoint']) rmSync(join(dir, name))
  writeFileSync(path, `${lines.join('\n')}\n${more.slice(0, 4000).join('')}`)
  assert.ok(statSync(path).size < MAX_SEGMENT_BYTES)
  assert.equal((await verifyLedger(dir)).firstBad, null)
  writeFileSync(path, `${lines.join('\n')}\n${more.join('')}`)
  assert.ok(statSync(path).size > MAX_SEGMENT_BYTES)
  const { ok, torn, firstBad } = await verifyLedger(dir)
  assert.deepEqual([ok, torn], [false, false])
  assert.match(firstBad?.why ?? '', /larger than \d+ bytes/)
})

test('what stands for pruned entries is read to a bound', async t => {
  const dir = await manySegments(t, 1)
  const ledger = await reopened(t, dir)
  await ledger.prune({ upTo: sealedSegments(dir)[0]?.end ?? -1, archive: null, by: 'local:admin' })
  await ledger.append(exit(1))
  await ledger.close(2000)
  const path = join(dir, 'base.json')
  const base = readFileSync(path, 'utf8')
  const { kept } = JSON.parse(base) as { kept: unknown[] }
  const hostile: [string, string][] = [
    ['nonsense', 'A'.repeat(1_048_576)],
    ['nothing but beginnings', '['.repeat(1_048_576)],
    ['many lines', base.replace('"kept":[', `"kept":[${`${JSON.stringify(kept[0])},`.repeat(2000)}`)],
    ['long proofs', base.replace('"proof":[', `"proof":[${`"${'ab'.repeat(32)}",`.repeat(10_000)}`)],
    ['a place far off', base.replace(/"seq":\d+/, '"seq":9007199254740991')],
  ]
  for (const [what, text] of hostile) {
    writeFileSync(path, text)
    await allEnd(dir, what)
    assert.equal((await verifyLedger(dir)).ok, false, what)
  }
  truncateSync(path, 2 ** 40)
  await allEnd(dir, 'without end')
  rmSync(path)
  symlinkSync('/dev/zero', path)
  await allEnd(dir, 'zeros without end')
  assert.equal((await verifyLedger(dir)).ok, false)
})
