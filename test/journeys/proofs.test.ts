import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CheckedReceipt } from '../../core/ledger/check.ts'
import type { Verdict } from '../../core/ledger/verify.ts'
import { makeStand } from './stand.ts'

test('what a person does with checkpoints, keys and receipts, with a daemon, without one, and elsewhere', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: { app: { run: ['sleep', '100000'] } } })
  await stand.up()
  await stand.inState('app', 'ready')
  process.kill(await stand.onlyProcess('app'), 'SIGKILL')
  const { seq } = await stand.wait('the end of it', () => stand.of('incident.resolved', 'app')[0])

  const note = await stand.must('ledger', 'checkpoint')
  assert.match(note, /^[a-z0-9.-]+\/heald\/[0-9a-f]{8}\n\d+\n[A-Za-z0-9+/]{43}=\n\n— /)
  const kept = join(stand.root, 'kept.txt')
  writeFileSync(kept, note)
  const receipt = await stand.must('ledger', 'prove', String(seq))
  writeFileSync(join(stand.root, 'receipt.txt'), receipt)
  assert.ok(receipt.length < 4096, 'it fits one message of a chat')
  assert.equal((await stand.status()).ledger.checkpointSize, Number(note.split('\n')[1]))

  const { vkey } = await stand.json<{ vkey: string; epoch: number }>('keygen')
  const verdict = await stand.json<Verdict>('ledger', 'verify', '--key', vkey, '--checkpoint', kept)
  assert.deepEqual(verdict.checked, { chain: true, tree: true, checkpoints: true, epochs: true, index: null })
  assert.deepEqual([verdict.trusted, verdict.vkeys.at(-1), verdict.vkeys.length], ['checkpoint', vkey, 2])
  assert.match(
    await stand.must('ledger', 'verify'),
    /The ledger is whole[\s\S]*Its checkpoints fit[\s\S]*would not be noticed/,
  )

  const short = /receipt\s+(#\d+·[a-z2-7]{26})/.exec(await stand.must('ledger', 'show', String(seq)))?.[1] ?? ''
  assert.match(
    await stand.must('ledger', 'check', short, kept, join(stand.root, 'receipt.txt')),
    /^(✓ fits {2}.*\n(?: {2}.*\n)?){3}$/,
  )
  const wrong = await stand.cli('ledger', 'check', short.replace('#', '#1'))
  assert.deepEqual([wrong.code, wrong.stdout.startsWith('✗ DOES NOT FIT')], [1, true])

  // Elsewhere: nothing but the key, the receipt and the program.
  const empty = join(stand.root, 'elsewhere')
  mkdirSync(empty)
  const [old = ''] = verdict.vkeys
  const far = ['ledger', 'check', join(stand.root, 'receipt.txt'), '--state', empty, '--json', '--key']
  const proved = JSON.parse(await stand.must(...far, old)) as CheckedReceipt[]
  assert.deepEqual([proved[0]?.fits, proved[0]?.entry?.seq], [true, seq])
  assert.equal((await stand.cli(...far, vkey)).code, 1, 'it was signed in the epoch before')

  const tiles = join(stand.root, 'tiles')
  assert.match(await stand.must('ledger', 'export', tiles), /entries are in .*tlog-tiles/)
  assert.match(readFileSync(join(tiles, 'checkpoint'), 'utf8'), /^— /m)

  // Without a daemon the command is the writer itself; and a copy is enough to verify.
  await stand.must('down')
  const later = await stand.json<{ epoch: number; vkey: string }>('keygen')
  assert.equal(later.epoch, 2)
  const copy = join(stand.root, 'copy')
  cpSync(join(stand.state, 'ledger'), copy, { recursive: true })
  const there = await stand.json<Verdict>('ledger', 'verify', copy, '--key', later.vkey, '--checkpoint', kept)
  assert.deepEqual([there.firstBad, there.ok, there.vkeys.length], [null, true, 3])
  await stand.nothingLeft()
})
