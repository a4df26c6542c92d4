import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Values } from '../../../core/cli/command.ts'
import { run } from '../../../core/cli/ledger.ts'
import { manySegments } from '../ledger/many-segments.ts'
import { entriesIn, written } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

async function said(state: string, words: readonly string[], values: Values = {}) {
  const { context, out, err } = paperContext({ state })
  return { code: await run(context, words, values), out: out(), err: err() }
}

test('numbers that make no sense are wrong use, with those that do', async t => {
  const state = dirname(await written(t, 3))
  for (const [words, values, message] of [
    [['list'], { limit: '0' }, '--limit 0: it has to be 1 at least'],
    [['verify'], { workers: '0' }, '--workers 0: it has to be from 1 to 64'],
    [['verify'], { workers: '99999' }, '--workers 99999: it has to be from 1 to 64'],
  ] as const)
    await assert.rejects(said(state, words, values), { code: 'usage.number', message })
  assert.equal((await said(state, ['list'], { limit: '1' })).out.split('\n').length, 3)
})

test('an end of the ledger that is no file is not passed over as if nothing had happened', async t => {
  const dir = await written(t, 3, { mark: true })
  const segment = join(dir, 'seg/000000000000.jsonl')
  rmSync(segment)
  for (const put of [() => symlinkSync('/dev/zero', segment), () => execFileSync('mkfifo', [segment]), () => {}]) {
    put()
    const { code, out, err } = await said(dirname(dir), ['list'])
    assert.deepEqual([code, out], [1, ''])
    assert.match(
      err,
      /^heald: the newest entries can't be read: segment 000000000000 is missing, or is no file\. Run "heald ledger verify"/,
    )
    rmSync(segment, { force: true })
  }
})

test('a range that begins before what is left is answered with a word about the prune', async t => {
  const dir = await manySegments(t, 2)
  const state = dirname(dir)
  const [first = 0] = entriesIn(dir).flatMap(({ kind, seq }) => (kind === 'segment.opened' && seq > 0 ? [seq] : []))
  assert.equal((await said(state, ['list', 'seq:..5'])).err, '')
  await said(state, ['prune'], { 'no-archive': true, to: String(first + 1) })
  const gone = await said(state, ['list', 'seq:..5'])
  assert.deepEqual(gone, { code: 0, out: 'No entry fits.\n', err: `… the entries before #${first} were pruned\n` })
  assert.equal((await said(state, ['list', `seq:3..${first}`])).err, `… the entries before #${first} were pruned\n`)
  assert.equal((await said(state, ['list', `seq:${first}..`], { limit: '99999' })).err, '')
  assert.equal((await said(state, ['list'], { limit: '99999' })).err, '')
})
