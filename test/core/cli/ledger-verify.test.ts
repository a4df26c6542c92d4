import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Values } from '../../../core/cli/command.ts'
import { run } from '../../../core/cli/ledger.ts'
import { verdictText, verify } from '../../../core/cli/ledger-verify.ts'
import { codeOf } from '../../../core/fault.ts'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { keyStore } from '../../../core/ledger/keys.ts'
import { ZEROS } from '../../../core/ledger/line.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { exit, folder, optionsFor, written } from '../ledger/stand.ts'
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

  const full = paperContext()
  writeFileSync(join(dir, 'lock.pid'), `${process.pid}\n`)
  assert.equal(await verify(full.context, [dir], {}), 1)
  assert.match(
    full.out(),
    /^The ledger ends in a write that is not finished \(line 5 [\s\S]*\nheald is running and goes on/,
  )
  rmSync(join(dir, 'lock.pid'))

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
    ...{
      prunedUpTo: 0,
      root: '',
      origin: null,
      vkeys: [],
      keyReceipts: [],
      keysFound: [],
      trusted: 'nothing' as const,
      signedUpTo: 0,
      evidence: [],
    },
    ...{ comparedUpTo: 0, trouble: null, unbelieved: null, doubts: [], unvouched: [], hasWriter: false },
    void: [{ segment: '000000000000', bytes: 1234 }],
  }
  const text = verdictText(verdict, dir, paperContext().context)
  assert.match(text, /\n1,234 bytes at the end of segment 000000000000 don't count; entry #4 says why\.\n$/)
})

test('what a key proves is said, and what it does not', async t => {
  const dir = join(folder(t), 'ledger')
  let code = 0
  const said = async (key: string, more: Values = {}): Promise<string> => {
    const { context, out } = paperContext()
    code = await verify(context, [dir], { key, ...more })
    return out().replaceAll('\n', ' ')
  }
  const one = await openLedger(optionsFor(dir))
  await one.settled()
  await one.append(exit(1))
  const first = one.vkey() ?? assert.fail()
  await one.close(2000)
  assert.match(
    await said(first),
    /^The ledger is whole.* The key that was given vouches for all of them\. The key that was given is that of epoch 0, told of by entry #0·\w+\. Whoever/,
  )
  rmSync(join(dir, 'checkpoint'))
  const bare = await said(first)
  assert.match(
    bare,
    /^NOTHING HERE IS PROVED BY THE KEY THAT WAS GIVEN: .* 2 entries in one unbroken chain, and whoever/,
  )
  assert.doesNotMatch(bare, /changed the past|NOT THE ONE/)
  rmSync(join(dir, 'keys'), { recursive: true })
  const two = await openLedger(optionsFor(dir))
  await two.settled()
  const { vkey } = await two.rotateKey('local:admin')
  await two.append(exit(2))
  const { size } = await two.checkpoint()
  await two.append(exit(3))
  await two.close(2000)
  // As it was before the last one was signed.
  const note = signCheckpoint(
    { origin: vkey.split('+')[0] ?? '', size, root: (await treeOfSegments(dir, size)).root },
    keyStore(dir).load(1),
  )
  writeFileSync(join(dir, 'checkpoint'), note)
  const bad = await said(vkey)
  assert.match(
    bad,
    /^NOT ALL OF THIS LEDGER IS VOUCHED FOR: .* what is behind the gap, from #2 up to #3, and not yet.* --accept-gap/,
  )
  assert.equal(code, 1)
  const later = await said(vkey, { 'accept-gap': true })
  assert.equal(code, 0)
  assert.match(
    later,
    /the first 4 entries are signed, 1 entry came later\. 2 keys\. The key that was given vouches for what is behind the gap, from #2 up to #3, and not yet/,
  )
  assert.match(later, /Nobody vouched for the key of epoch 1: its entry tells/)
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
