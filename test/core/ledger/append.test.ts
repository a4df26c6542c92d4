import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Draft, Entry } from '../../../core/entry.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { readEntry } from '../../../core/ledger/read.ts'
import { readTail } from '../../../core/ledger/side.ts'
import { readSnapshot } from '../../../core/ledger/state.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { entriesIn, exit, folder, judged, opened, optionsFor, ROOT, rehashed } from './stand.ts'

const drafts = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('service.exited' as const),
      svc: fc.constantFrom('api', 'db'),
      data: fc.record({ pid: fc.nat(), diagnosis: fc.string({ unit: 'binary' }) }),
    }),
    fc.record({
      kind: fc.constant('config.applied' as const),
      actor: fc.constant('local:admin'),
      data: fc.record({ sha256: fc.stringMatching(/^[0-9a-f]*$/) }),
    }),
    fc.record({
      kind: fc.constant('service.hung' as const),
      svc: fc.constant('api'),
      data: fc.record({ error: fc.string() }),
      tail: fc.string({ unit: 'binary', maxLength: 500 }),
    }),
  ),
  { minLength: 1, maxLength: 60 },
)

test('a batch of texts of three bytes a character comes back whole, and followers see the same', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  const seen: Entry[] = []
  ledger.onDurable(entries => seen.push(...entries))
  const texts = Array.from({ length: 40 }, (_, n) => '\u20ac'.repeat(100 * n))
  await Promise.all(texts.map(error => ledger.append({ kind: 'service.hung', svc: 'api', data: { error } })))
  assert.deepEqual(
    seen.filter(({ kind }) => kind === 'service.hung').map(({ data }) => data.error),
    texts,
  )
  assert.equal(judged(dir).code, 0, judged(dir).said)
})

test('random appends come back as they were, in order, and followers see the same', async t => {
  await fc.assert(
    fc.asyncProperty(drafts, fc.nat(3), async (list, pause) => {
      const dir = join(folder(t), 'ledger')
      const ledger = await openLedger(optionsFor(dir))
      const seen: Entry[] = []
      ledger.onDurable(entries => seen.push(...entries))
      const answers: Promise<unknown>[] = []
      for (const [n, draft] of list.entries()) {
        answers.push(ledger.append(draft))
        if (pause > 0 && n % pause === 0) await answers.at(-1)
      }
      const recorded = await Promise.all(answers)
      await ledger.close(2000)
      const entries = entriesIn(dir)
      assert.deepEqual(
        recorded,
        entries.slice(1).map(({ seq, h }) => ({ seq, h })),
      )
      assert.deepEqual(seen, entries.slice(1))
      for (const [n, draft] of list.entries()) {
        const entry = entries[n + 1] ?? assert.fail()
        const { tail, ...data } = entry.data
        assert.deepEqual([entry.kind, data], [draft.kind, { ...draft.data }])
        if ('tail' in draft) assert.equal(readTail(dir, entry), draft.tail.toWellFormed())
      }
      assert.equal(judged(dir).code, 0, judged(dir).said)
    }),
    { numRuns: 12 },
  )
})

test('an incident is named after its opening entry, also by entries of the same turn', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  const inc: { svc: string; seq?: number } = { svc: 'api' }
  await Promise.all([
    ledger.append({
      kind: 'incident.opened',
      svc: 'api',
      inc,
      opens: true,
      data: { id: 'api-?', severity: 'warning' },
    }),
    ledger.append(exit(1, { inc })),
    ledger.append({ kind: 'incident.resolved', svc: 'api', inc, data: { how: 'restarted' } }),
  ])
  const [, openedEntry, exited, resolved] = entriesIn(dir)
  assert.deepEqual([inc.seq, openedEntry?.inc, exited?.inc, resolved?.inc], [1, 'api-1', 'api-1', 'api-1'])
  assert.deepEqual(
    [openedEntry?.data, resolved?.data],
    [
      { id: 'api-1', severity: 'warning' },
      { id: 'api-1', how: 'restarted' },
    ],
  )
})

test('a caller that changes its draft afterwards changes nothing', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  const data = { pid: 1, diagnosis: 'as it was' }
  const answer = ledger.append({ kind: 'service.exited', data })
  data.diagnosis = 'changed'
  await answer
  assert.equal(entriesIn(dir)[1]?.data.diagnosis, 'as it was')
})

test('known secrets and unknown fields stay out, in every form and field', async t => {
  const dir = join(folder(t), 'ledger')
  const secrets = ['s3cr"et/töken\n', '123456:AAbb', 'abc']
  const ledger = await opened(t, dir, { redact: secrets })
  const plain = secrets[0]?.trim() ?? ''
  const forms = [
    plain,
    encodeURIComponent(plain),
    Buffer.from(plain).toString('base64'),
    '123456:AAbb',
    encodeURIComponent('123456:AAbb'),
  ]
  await ledger.append({
    kind: 'service.exited',
    svc: 'api',
    data: {
      pid: 123456,
      diagnosis: `x${forms.join(' ')}y abc`,
      exit: { [plain]: [plain] },
      password: plain,
      note: 'no',
    } as Draft['data'],
    tail: `Authorization: ${plain}\nhttps://api/bot${encodeURIComponent('123456:AAbb')}/x`,
  })
  await ledger.close(1000)
  const text =
    readFileSync(join(dir, 'seg/000000000000.jsonl'), 'utf8') +
    readFileSync(join(dir, 'side/000000000000.jsonl'), 'utf8')
  for (const form of [...forms, JSON.stringify(plain).slice(1, -1)]) assert.ok(!text.includes(form), form)
  const data = entriesIn(dir)[1]?.data
  assert.deepEqual([data?.withheld, data?.pid], [['password', 'note'], 123456])
  assert.match(String(data?.diagnosis), /^x\[redacted\].*y abc$/, 'three letters are no secret')
})

test('soft entries never reject, orders do; both say why', async t => {
  const troubles: string[] = []
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir, { onTrouble: what => troubles.push(what) })
  assert.equal(await ledger.append({ kind: 'service.exited', svc: 'not a name', data: {} }), null)
  await assert.rejects(ledger.append({ kind: 'config.applied', actor: 'not an actor', data: {} }), {
    code: 'ledger.bad-entry',
  })
  await assert.rejects(ledger.append({ kind: 'no.such' as Draft['kind'], data: {} }), { code: 'ledger.bad-entry' })
  assert.equal(troubles.length, 1)
  await ledger.append(exit(1))
  const gap = entriesIn(dir).find(entry => entry.kind === 'ledger.gap')
  assert.deepEqual([gap?.data.what, gap?.data.lost], ['entries lost', { must: 0, soft: 1, tails: 0 }])
  const last = ledger.append(exit(2))
  await Promise.all([ledger.close(1000), ledger.close(1000)])
  assert.notEqual(await last, null, 'what was handed over before is flushed')
  assert.equal(await ledger.append(exit(3)), null)
  await assert.rejects(ledger.append({ kind: 'config.applied', data: {} }), { code: 'ledger.closed' })
})

test('a follower that throws harms nobody', async t => {
  const ledger = await opened(t, join(folder(t), 'ledger'))
  let seen = 0
  ledger.onDurable(() => {
    throw new Error('broken')
  })
  const stop = ledger.onDurable(entries => {
    seen += entries.length
  })
  await ledger.append(exit(1))
  stop()
  await ledger.append(exit(2))
  assert.equal(seen, 1)
})

test('segments rotate, are sealed, vouch for each other and for the state', async t => {
  const dir = join(folder(t), 'ledger')
  let folded = 0
  const ledger = await openLedger(optionsFor(dir, { snapshot: () => ({ folded }) }))
  ledger.onDurable(entries => {
    folded += entries.length
  })
  const count = 70_000
  for (let n = 0; n < count; n += 8000)
    await Promise.all(Array.from({ length: Math.min(8000, count - n) }, (_, k) => ledger.append(exit(n + k))))
  await ledger.close(5000)
  const files = readdirSync(join(dir, 'seg')).sort()
  assert.equal(files.length, 2)
  const [sealed = '', last = ''] = files
  assert.equal(statSync(join(dir, 'seg', sealed)).mode & 0o777, 0o444)
  const first = Number(last.slice(0, 12))
  const found = readSnapshot(dir)
  assert.ok('snapshot' in found, JSON.stringify(found))
  assert.deepEqual([found.snapshot.seq, found.snapshot.state], [first - 1, { folded: first - 1 }])
  assert.equal(judged(dir).code, 0, judged(dir).said)
  for (const workers of [1, 2]) assert.deepEqual((await verifyLedger(dir, { workers })).size, count + 2)
  for (const seq of [0, 1, first - 1, first, first + 1, count + 1]) {
    const read = await readEntry(dir, seq)
    assert.ok(read !== null && 'entry' in read)
    assert.equal(read.entry.seq, seq)
  }
  assert.equal(await readEntry(dir, count + 2), null)
  writeFileSync(join(dir, 'state.json'), '{}')
  assert.ok('why' in readSnapshot(dir))
  // Damage in a sealed segment: found by any number of threads, the start does not look there.
  const path = join(dir, 'seg', sealed)
  const bytes = readFileSync(path)
  bytes[bytes.indexOf('"pid":5000,') + 7] = 57
  rmSync(path)
  writeFileSync(path, bytes)
  for (const workers of [1, 2]) assert.equal((await verifyLedger(dir, { workers })).firstBad?.seq, 5001)
  // The same, with every later hash of that segment computed anew: it no longer fits the segment behind it.
  writeFileSync(path, rehashed(bytes.toString()))
  for (const workers of [1, 2]) {
    const { firstBad } = await verifyLedger(dir, { workers })
    assert.deepEqual([firstBad?.seq, firstBad?.line], [first, 1])
    assert.match(firstBad?.why ?? '', /"prev" is not the hash/)
  }
})

test('a second writer is refused and told the first one; the seat is free when that one dies', async t => {
  const dir = join(folder(t), 'ledger')
  const writer = spawn(process.execPath, [join(ROOT, 'test/fixtures/ledger-writer.ts'), dir, '1000000', '1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.after(() => writer.kill('SIGKILL'))
  await once(writer.stdout, 'data')
  await assert.rejects(openLedger(optionsFor(dir)), error => {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'ledger.locked')
    assert.match(error.message, new RegExp(`process ${writer.pid}\\b`))
    return true
  })
  writer.kill('SIGKILL')
  await once(writer, 'exit')
  const ledger = await opened(t, dir)
  assert.equal(ledger.head().recording, 'ok')
  await assert.rejects(openLedger(optionsFor(dir)), { code: 'ledger.locked' })
  await ledger.close(1000)
  assert.ok(!existsSync(join(dir, 'lock.pid')))
})
