import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Values } from '../../../core/cli/command.ts'
import { run } from '../../../core/cli/ledger.ts'
import { codeOf } from '../../../core/fault.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { paperContext } from '../cli/context.ts'
import { nextSegment, reopened } from './many-segments.ts'
import { exit, folder, ROOT } from './stand.ts'

/** Two segments; the key of the first epoch was lost, and the second key begins in the second segment. */
async function withGap(t: TestContext) {
  const dir = join(folder(t), 'ledger')
  const one = await reopened(t, dir, { fsync: true })
  for (let n = 1; n <= 9; n++) await one.append(exit(n))
  await one.checkpoint()
  const firstVkey = one.vkey() ?? assert.fail()
  await one.close(2000)
  rmSync(join(dir, 'keys'), { recursive: true })
  const two = await reopened(t, dir, { fsync: true })
  await nextSegment(t, two)
  const { vkey } = await two.rotateKey('local:admin')
  for (let n = 1; n <= 9; n++) await two.append(exit(n))
  await two.checkpoint()
  await two.close(2000)
  const say = async (words: readonly string[], values: Values = {}) => {
    const { context, out, err } = paperContext({ state: dirname(dir) })
    return { code: await run(context, words, values), said: out().replaceAll(/\s+/g, ' '), err: err() }
  }
  return { dir, vkey, firstVkey, say }
}

test('a ledger whose key was lost is pruned by who gives the next one and accepts the gap, and by nobody else', async t => {
  const { dir, vkey, firstVkey, say } = await withGap(t)
  const order = { to: '99', 'no-archive': true }
  for (const values of [{}, { key: vkey }, { key: firstVkey, 'accept-gap': true }]) {
    const { code, err } = await say(['prune'], { ...order, ...values })
    assert.equal(code, 1)
    assert.match(
      err,
      /^NOT ALL OF THIS LEDGER IS VOUCHED FOR.*nothing was pruned: a key was lost, and nobody answered.*with the key of that epoch/s,
    )
    assert.equal(readdirSync(join(dir, 'seg')).length, 2)
  }
  // What the daemon's own retention says.
  const program = join(ROOT, 'core/ledger/prune-apart.ts')
  const args = [program, dir, String(Date.now() + 60_000), '']
  const answer = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as { code: string; why: string }
  assert.equal(answer.code, 'ledger.unvouched')
  assert.match(
    answer.why,
    /^nothing was pruned: nobody vouched .*"heald ledger prune --until … --key KEY --accept-gap", with the key of that epoch$/,
  )
  const pruned = await say(['prune'], { ...order, key: vkey, 'accept-gap': true })
  assert.equal(pruned.code, 0)
  assert.match(pruned.said, /^Pruned 1 segment/)
  const keys = [parseVkey(vkey) ?? assert.fail()]
  const verdict = await verifyLedger(dir, { trust: { keys, checkpoints: [], isGapAccepted: true } })
  assert.deepEqual([verdict.firstBad, verdict.unvouched], [null, [1]])
  assert.equal((await verifyLedger(dir)).trouble, 'gap', 'the gap is there for ever')
})

test('plain verify names the way; the way without a key is wrong use', async t => {
  const { vkey, say } = await withGap(t)
  const plain = await say(['verify'])
  assert.equal(plain.code, 1)
  assert.match(
    plain.said,
    /^NOT ALL OF THIS LEDGER IS VOUCHED FOR: .* --key KEY --accept-gap, with the key of that epoch/,
  )
  for (const words of [['verify'], ['prune']])
    await assert.rejects(
      say(words, { 'accept-gap': true, ...(words[0] === 'prune' ? { to: '9', 'no-archive': true } : {}) }),
      (error: Error) => codeOf(error) === 'usage.option' && /none was given/.test(error.message),
    )
  assert.equal((await say(['verify'], { key: vkey, 'accept-gap': true })).code, 0)
})

test('what is no damage is not called so by a prune that is refused', async t => {
  const { dir, vkey, say } = await withGap(t)
  const order = { to: '99', 'no-archive': true }
  const answerOf = (): { code: string; why: string } => {
    const args = [join(ROOT, 'core/ledger/prune-apart.ts'), dir, String(Date.now() + 60_000), '']
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as { code: string; why: string }
  }
  const last = join(dir, 'seg', readdirSync(join(dir, 'seg')).sort().at(-1) ?? '')
  const whole = readFileSync(last)
  appendFileSync(last, '{"v":1,"seq":')
  const torn = await say(['prune'], { ...order, key: vkey, 'accept-gap': true })
  writeFileSync(last, whole)
  assert.match(torn.err, /nothing was pruned: its end is not finished/)
  rmSync(join(dir, 'checkpoint'))
  const bare = await say(['prune'], order)
  assert.match(bare.err, /^NO CHECKPOINT IS HERE.*nothing was pruned: no checkpoint proves its keys; put "checkpoint"/s)
  assert.equal(answerOf().code, 'ledger.unproved')
  for (const { code, err } of [torn, bare]) {
    assert.equal(code, 1)
    assert.doesNotMatch(err, /damaged is evidence/)
  }
  assert.equal(readdirSync(join(dir, 'seg')).length, 2)
})

test('a key that was given and has signed nothing prunes nothing', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await reopened(t, dir, { fsync: true, checkpointEveryMs: 3_600_000 })
  for (let n = 1; n <= 9; n++) await ledger.append(exit(n))
  await nextSegment(t, ledger)
  const key = ledger.vkey() ?? assert.fail()
  await ledger.close(2000)
  rmSync(join(dir, 'checkpoint'))
  const { context, err } = paperContext({ state: dirname(dir) })
  assert.equal(await run(context, ['prune'], { to: '99', 'no-archive': true, key }), 1)
  assert.match(err(), /nothing was pruned: the key that was given proves nothing here/)
  assert.equal(readdirSync(join(dir, 'seg')).length, 2)
})
