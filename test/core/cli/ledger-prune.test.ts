import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Values } from '../../../core/cli/command.ts'
import { run } from '../../../core/cli/ledger.ts'
import { codeOf } from '../../../core/fault.ts'
import { manySegments } from '../ledger/many-segments.ts'
import { entriesIn, folder } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

/** A state folder with a ledger of three segments, and a way to say `heald ledger …` to it. */
async function site(t: TestContext) {
  const dir = await manySegments(t, 2)
  const say = async (words: readonly string[], values: Values = {}, json = false) => {
    const { context, out, err } = paperContext({ state: dirname(dir), json })
    const code = await run(context, words, values)
    return { code, said: out(), err: err() }
  }
  return { dir, say, ends: entriesIn(dir).flatMap(({ kind, seq }) => (kind === 'segment.opened' ? [seq] : [])) }
}

test('pruning asks how far, and what is to become of it; it tells before, and does what it told', async t => {
  const { dir, say, ends } = await site(t)
  const wrong: [Values, RegExp][] = [
    [{ to: '99' }, /what is to become/],
    [{ to: '99', archive: '/x', 'no-archive': true }, /what is to become/],
    [{ 'no-archive': true }, /how far/],
    [{ 'no-archive': true, to: '99', svc: 'api' }, /has no option --svc/],
  ]
  for (const [values, why] of wrong)
    await assert.rejects(
      say(['prune'], values),
      (error: Error) => why.test(error.message) && codeOf(error).startsWith('usage.'),
    )
  const first = ends[0] ?? -1
  const to = String(first + 5)
  const plan = await say(['prune'], { to, 'no-archive': true, 'dry-run': true }, true)
  assert.deepEqual([JSON.parse(plan.said).upTo, JSON.parse(plan.said).segments], [first, 1])
  assert.match(
    (await say(['prune'], { to, 'no-archive': true, 'dry-run': true })).said,
    /^Would prune 1 segment with all/,
  )
  assert.equal(readdirSync(join(dir, 'seg')).length, 3, 'nothing was changed')
  assert.match((await say(['prune'], { to: '5', 'no-archive': true })).said, /^Nothing to do/)

  const archive = join(folder(t), 'archive')
  const { code, said } = await say(['prune'], { to, archive })
  assert.equal(code, 0)
  assert.match(
    said,
    new RegExp(`^Pruned 1 segment with all entries before #${first} .*Entry #\\d+ tells of it.*${archive}`, 's'),
  )
  assert.match(readdirSync(archive).sort().join(' '), /^000000000000-\d{12}\.sha256 000000000000\.jsonl\.zst$/)
  const told = entriesIn(dir).find(({ kind }) => kind === 'ledger.pruned')
  assert.deepEqual([told?.data.upTo, told?.actor], [first, 'local:admin'])
  const verified = await say(['verify'])
  assert.equal(verified.code, 0)
  assert.match(verified.said, new RegExp(`The entries before #${first} were pruned, as an entry tells`))
  await assert.rejects(say(['show', '3']), (error: Error) => codeOf(error) === 'entry.pruned')
  assert.equal((await say(['check', '#3·AAAAAAAAAAAAAAAAAAAAAAAAAA'])).code, 1)
})

test('an archive alone takes what is done with; a text kept aside is erased by its entry', async t => {
  const { dir, say } = await site(t)
  const archive = join(folder(t), 'archive')
  assert.match((await say(['archive', archive])).said, /^2 segments .*read back and compared/)
  assert.equal(JSON.parse((await say(['archive', archive], {}, true)).said).segments, 2)
  assert.equal(readdirSync(join(dir, 'seg')).length, 3)
  const seq = entriesIn(dir).find(({ data }) => data.tail !== undefined)?.seq ?? -1
  assert.match((await say(['show', String(seq)])).said, /password 0/)
  assert.match((await say(['erase', String(seq)])).said, /is erased, and entry #\d+ tells of it/)
  const shown = await say(['show', String(seq)])
  assert.doesNotMatch(shown.said, /password/)
  assert.match(shown.said, /was erased or lost/)
  assert.equal((await say(['verify'])).code, 0)
})

test('nothing is pruned from a ledger that is damaged', async t => {
  const { dir, say } = await site(t)
  const path = join(dir, 'seg/000000000000.jsonl')
  chmodSync(path, 0o600)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":7', '"pid":8'))
  const { code, err } = await say(['prune'], { to: '99', 'no-archive': true })
  assert.equal(code, 1)
  assert.match(err, /THE LEDGER IS DAMAGED.*nothing was pruned/s)
  assert.equal(readdirSync(join(dir, 'seg')).length, 3)
})

test('nothing is pruned where the archive holds something else, or nothing that can be read', async t => {
  const { dir, say, ends } = await site(t)
  const [archive, to] = [join(folder(t), 'archive'), String((ends[0] ?? 0) + 5)]
  await say(['archive', archive])
  const [one = '', two = ''] = readdirSync(archive).filter(name => name.endsWith('.zst'))
  for (const [bytes, code] of [
    [readFileSync(join(archive, two)), 'archive.other'],
    [Buffer.alloc(1_048_576, 'A'), 'archive.broken'],
  ] as const) {
    writeFileSync(join(archive, one), bytes)
    await assert.rejects(say(['prune'], { to, archive }), { code })
    await assert.rejects(say(['archive', archive]), { code })
    assert.ok(readFileSync(join(archive, one)).equals(bytes), 'it is not replaced')
  }
  assert.equal(readdirSync(join(dir, 'seg')).length, 3)
  assert.equal((await say(['verify'])).code, 0)
})
