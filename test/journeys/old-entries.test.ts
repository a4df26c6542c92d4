import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fittingEntries } from '../../bot/fitting.ts'
import { isPrunedUpTo } from '../../bot/joined.ts'
import { request, stream } from '../../core/api/client.ts'
import { codeOf } from '../../core/fault.ts'
import type { Pruned } from '../../core/ledger/prune.ts'
import type { Verdict } from '../../core/ledger/verify.ts'
import { manySegments } from '../core/ledger/many-segments.ts'
import { makeStand } from './stand.ts'

test('old entries are pruned and a text erased while the daemon heals; it starts again from what is left', async t => {
  const stand = await makeStand(t)
  cpSync(await manySegments(t, 2), join(stand.state, 'ledger'), { recursive: true, preserveTimestamps: true })
  stand.configure({ services: { app: { run: ['sh', '-c', 'echo my password is swordfish; exec sleep 100000'] } } })
  const daemon = await stand.up()
  await stand.inState('app', 'ready')
  process.kill(await stand.onlyProcess('app'), 'SIGKILL')
  const exited = await stand.wait('the crash', () => stand.of('service.exited', 'app')[0])
  await stand.inState('app', 'ready')

  const socket = join(stand.state, 'heald.sock')
  const archive = join(stand.root, 'archive')
  const made = await stand.json<Pruned>('ledger', 'prune', '--to', '9999', '--archive', archive)
  assert.equal(made.segments, 2)
  assert.equal(readdirSync(join(stand.state, 'ledger/seg')).length, 1)
  assert.equal(readdirSync(archive).length, 3)
  assert.match(await stand.must('ledger', 'show', String(exited.seq)), /swordfish/)
  await stand.must('ledger', 'erase', String(exited.seq))
  for (const name of readdirSync(join(stand.state, 'ledger/side')))
    assert.doesNotMatch(readFileSync(join(stand.state, 'ledger/side', name), 'utf8'), /swordfish/)
  const link = {
    head: async () => made.seq + 1,
    follow: (from: number, signal: AbortSignal) =>
      fittingEntries(stream(socket, `/v1/ledger/follow?from=${from}`, signal), assert.fail),
  }
  const { signal } = new AbortController()
  for await (const { seq } of link.follow(0, signal)) {
    assert.equal(seq, made.upTo, 'a bot that was away finds the beginning gone')
    break
  }
  assert.deepEqual(
    [await isPrunedUpTo(made.upTo, link, signal), await isPrunedUpTo(made.upTo + 1, link, signal)],
    [true, false],
    'and why, in the ledger itself',
  )
  for (const body of [
    {},
    { upTo: -1 },
    { upTo: made.upTo, sha256: 'x', folder: '/x' },
    { upTo: made.upTo, sha256: 'a'.repeat(64) },
  ])
    await assert.rejects(
      request(socket, 'POST', '/v1/ledger/prune', body, { timeoutMs: 5000 }),
      (error: unknown) => codeOf(error) === 'request.body',
      JSON.stringify(body),
    )
  const prune = (upTo: number) => request(socket, 'POST', '/v1/ledger/prune', { upTo }, { timeoutMs: 5000 })
  const { upTo, seq, segments } = made
  assert.deepEqual(await prune(upTo), { upTo, seq, segments }, 'ordered once more it is done')
  await assert.rejects(prune(upTo + 1), (error: unknown) => codeOf(error) === 'prune.place')

  await daemon.kill()
  await stand.up()
  await stand.inState('app', 'ready')
  await stand.must('ledger', 'checkpoint')
  const verdict = await stand.json<Verdict & { prunedUpTo: number }>('ledger', 'verify')
  assert.deepEqual([verdict.firstBad, verdict.prunedUpTo], [null, made.upTo])
  assert.deepEqual(verdict.checked, { chain: true, tree: true, checkpoints: true, epochs: true, index: null })
  assert.equal((await stand.status()).incidents.open, 0)
})
