import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../core/cli/ledger.ts'
import { verdictText, verify } from '../../../core/cli/ledger-verify.ts'
import { codeOf } from '../../../core/fault.ts'
import { ZEROS } from '../../../core/ledger/line.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { folder, optionsFor, written } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

const SEGMENT = 'seg/000000000000.jsonl'

test('a torn end is told as what the next start mends, damage as what nobody may mend', async t => {
  const dir = await written(t, 3)
  const { context, out } = paperContext()
  appendFileSync(join(dir, SEGMENT), '{"v":1,"se')
  assert.equal(await verify(context, [dir], {}), 1)
  assert.match(out(), /^The ledger ends in a torn write \(line 5 of segment 000000000000: the line has no end\)/)
  assert.match(out(), /\nAll before it is whole: 4 entries in one unbroken chain, the last one is #3·/)
  assert.match(out(), /\nNothing has to be done: the next start of heald sets these bytes aside and records that\.\n$/)
  assert.doesNotMatch(out(), /DAMAGED/)

  const damaged = paperContext()
  writeFileSync(
    join(dir, 'head'),
    JSON.stringify({ size: 5, h: 'f'.repeat(64), root: null, seg: '000000000000', off: 9 }),
  )
  assert.equal(await verify(damaged.context, [dir], {}), 1)
  assert.match(damaged.out(), /^THE LEDGER IS DAMAGED at entry #4 .*\n.*\nThis is no torn write.*\nWhat to do: copy /)
})

test('bytes that do not count are said, with the entry that tells why', async t => {
  const dir = await written(t, 3)
  writeFileSync(join(dir, 'seg/000000000004.jsonl'), '')
  const verdict = {
    ...{ ok: true, size: 9, head: 'a'.repeat(64), firstBad: null, torn: false, provableUpTo: 9, tookMs: 1 },
    checked: { chain: true, tree: true, checkpoints: null, epochs: null, index: null },
    ...{ prunedUpTo: 0, root: '', origin: null, vkeys: [], trusted: 'nothing' as const, signedUpTo: 0, evidence: [] },
    void: [{ segment: '000000000000', bytes: 1234 }],
  }
  const text = verdictText(verdict, dir, paperContext().context)
  assert.match(text, /\n1,234 bytes at the end of segment 000000000000 don't count; entry #4 says why\.\n$/)
})

test('a folder that was named and holds no ledger is wrong use; a state folder stands for its ledger', async t => {
  const dir = await written(t, 3)
  assert.equal(await verify(paperContext().context, [join(dir, '..')], {}), 0)
  const empty = join(dir, '../empty')
  mkdirSync(empty)
  for (const path of [empty, join(dir, '../nothing'), join(dir, SEGMENT)])
    await assert.rejects(verify(paperContext().context, [path], {}), (error: unknown) => codeOf(error) === 'usage.path')
})

test('the commands by themselves are listed and verified as the docs say, whatever else has the word in it', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  const chain = { h: ZEROS }
  await ledger.append({ kind: 'command.requested', data: { id: 'c1', verb: 'freeze' }, chain })
  await ledger.append({ kind: 'freeze.on', data: { id: 'c1', by: 'local:admin', why: 'a command went wrong' } })
  await ledger.append({ kind: 'command.succeeded', data: { id: 'c1' }, chain })
  await ledger.close(2000)
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/commands.md'), 'utf8')
  const [, words = ''] = /heald ledger list (.*) --json --limit 100000 > commands.jsonl/.exec(docs) ?? []
  const state = join(dir, '..')
  const listed = paperContext({ json: true, state })
  assert.equal(await run(listed.context, ['list', ...words.split(' ')], { limit: '100000' }), 0)
  const path = join(state, 'commands.jsonl')
  writeFileSync(path, listed.out())
  const verified = paperContext({ json: true, state })
  assert.equal(await run(verified.context, ['verify', path], { commands: true }), 0, verified.out())
  assert.equal(JSON.parse(verified.out()).commands, 2)
})
