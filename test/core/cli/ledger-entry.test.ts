import assert from 'node:assert/strict'
import { chmodSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../core/cli/ledger.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { manySegments } from '../ledger/many-segments.ts'
import { entriesIn } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

test('a receipt names the entry that it was given for, and no other that has its number', async t => {
  const dir = await manySegments(t, 2)
  const say = async (...words: string[]) => {
    const { context, out } = paperContext({ state: dirname(dir) })
    assert.equal(await run(context, words, {}), 0)
    return out()
  }
  const { seq, h } = entriesIn(dir).find(({ data }) => data.tail !== undefined) ?? assert.fail()
  const [own, other] = [receiptOf(seq, h), receiptOf(seq, 'f'.repeat(64))]
  for (const word of ['show', 'prove', 'erase'])
    await assert.rejects(say(word, other), {
      code: 'entry.other',
      message: `entry #${seq} is not the one that this receipt was given for: its own is ${own}`,
      hint: /"heald ledger verify".*write 1$/,
    })
  assert.match(await say('show', own), /password 0/)
  assert.match(await say('prove', own), /^c2sp\.org\/tlog-proof@v1\n/)
  assert.match(await say('erase', own), /is erased/)
  await assert.rejects(say('show', receiptOf(99_999, h)), { code: 'entry.unknown' })

  const path = join(dir, 'seg/000000000000.jsonl')
  chmodSync(path, 0o600)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":7', '"pid":8'))
  const bad = entriesIn(dir).find(({ data }) => data.pid === 8) ?? assert.fail()
  await assert.rejects(say('show', receiptOf(bad.seq, bad.h)), { code: 'entry.damaged' })
})

test('where no ledger can be read, that is said of a receipt as of a number', async t => {
  const dir = await manySegments(t, 1)
  const { seq, h } = entriesIn(dir).at(-1) ?? assert.fail()
  renameSync(join(dir, 'seg'), join(dir, 'elsewhere'))
  // Not even whoever is root may list it: a link to itself.
  symlinkSync(join(dir, 'seg'), join(dir, 'seg'))
  for (const word of ['show', 'prove', 'erase'])
    await assert.rejects(run(paperContext({ state: dirname(dir) }).context, [word, receiptOf(seq, h)], {}), {
      code: 'state.unreadable',
    })
})
