import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseVkey } from '../../core/ledger/note.ts'
import { sealedSegments } from '../../core/ledger/prune-plan.ts'
import { verifyLedger } from '../../core/ledger/verify.ts'
import { nextSegment, reopened } from '../core/ledger/many-segments.ts'
import { entriesIn, exit, has } from '../core/ledger/stand.ts'
import { folder, ROOT } from './ledger-stand.ts'

/* Commands that people run on a ledger, killed in the middle (SIGKILL, at a call to the disk). */

interface Ended {
  readonly code: number | null
  readonly said: string
}

/** `heald ledger …`, killed at the `nth` call `name` to one of `paths`; null: not killed. */
async function heald(
  state: string,
  words: readonly string[],
  at: { readonly name: string; readonly nth: number; readonly paths: readonly string[] } | null = null,
): Promise<Ended> {
  const argv = [process.execPath, join(ROOT, 'heald.ts'), '--state', state, 'ledger', ...words]
  const trace =
    at === null
      ? []
      : [
          ...['strace', '-f', '-qq', '-o', '/dev/null', ...at.paths.flatMap(path => ['-P', path])],
          ...['-e', `trace=${at.name}`, '-e', `inject=${at.name}:signal=SIGKILL:when=${at.nth}`],
        ]
  const [command = '', ...args] = [...trace, ...argv]
  const env = { ...process.env, NO_COLOR: '1', UV_THREADPOOL_SIZE: '1' }
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 90_000, killSignal: 'SIGKILL' })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said: said.replaceAll(/\s+/g, ' ') }
}

test('an export that is killed half-way is no log, and it is said what to do with it', async t => {
  if (!has('strace')) return t.skip('needs strace')
  const state = folder(t)
  const ledger = await reopened(t, join(state, 'ledger'), { fsync: true })
  await Promise.all(Array.from({ length: 600 }, (_, n) => ledger.append(exit(n))))
  await ledger.checkpoint()
  await ledger.close(2000)
  const to = join(state, 'tiles')
  const paths = ['tile/entries/000', 'tile/entries/001', 'tile/0/000', 'tile/0/001', 'checkpoint.tmp']
  const calls = [...paths.map(path => ['openat', path] as const), ['rename', 'checkpoint.tmp'] as const]
  for (const [index, [name, path]] of calls.entries()) {
    const killed = await heald(state, ['export', to], { name, nth: 1, paths: [join(to, path)] })
    assert.equal(existsSync(join(to, 'checkpoint.tmp')), name === 'rename', path)
    assert.notEqual(killed.code, 0, path)
    assert.ok(existsSync(join(to, 'tile')), `${path}: it was killed half-way`)
    assert.ok(!existsSync(join(to, 'checkpoint')), `${path}: without a checkpoint it is no log`)
    assert.match((await heald(state, ['verify', to])).said, /holds no ledger/)
    const again = await heald(state, ['export', to])
    assert.equal(again.code, 2, again.said)
    assert.match(
      again.said,
      /holds an export that was not finished.*remove it \(rm -r .*tiles\), or name another folder/,
    )
    if (index === 0) assert.equal((await heald(state, ['export', join(state, 'other')])).code, 0)
    rmSync(to, { recursive: true })
  }
  assert.equal((await heald(state, ['export', to])).code, 0)
  assert.ok(existsSync(join(to, 'checkpoint')) && !existsSync(join(to, 'checkpoint.tmp')))
  const full = await heald(state, ['export', to])
  assert.match(full.said, /is not empty/)
  assert.doesNotMatch(full.said, /not finished/)
})

test('a prune with a gap that is accepted, killed half-way, is done at the next start or not begun', async t => {
  if (!has('strace')) return t.skip('needs strace')
  const base = folder(t)
  const model = join(base, 'model/ledger')
  const one = await reopened(t, model, { fsync: true })
  for (let n = 1; n <= 9; n++) await one.append(exit(n))
  await one.checkpoint()
  await one.close(2000)
  rmSync(join(model, 'keys'), { recursive: true })
  const two = await reopened(t, model, { fsync: true })
  await nextSegment(t, two)
  const { vkey } = await two.rotateKey('local:admin')
  await two.append(exit(1))
  await two.checkpoint()
  await two.close(2000)
  const before = entriesIn(model)
  const upTo = sealedSegments(model)[0]?.end ?? assert.fail()
  const trust = { keys: [parseVkey(vkey) ?? assert.fail()], checkpoints: [], isGapAccepted: true }
  const words = ['prune', '--to', String(upTo - 1), '--no-archive', '--key', vkey, '--accept-gap']
  const sum: Record<string, number> = {}
  for (const [index, [name, nth, file]] of (
    [
      ['openat', 1, 'pruning.tmp'],
      ['rename', 1, 'pruning.tmp'],
      ['openat', 1, 'base.json.tmp'],
      ['rename', 1, 'base.json.tmp'],
      ['unlink', 1, 'seg/000000000000.jsonl'],
      ['unlink', 1, 'pruning'],
      ['rename', 2, 'checkpoint.tmp'],
    ] as const
  ).entries()) {
    const state = join(base, `state-${index}`)
    const dir = join(state, 'ledger')
    cpSync(model, dir, { recursive: true, preserveTimestamps: true })
    const where = `${name} #${nth} of ${file}`
    const { code, said } = await heald(state, words, { name, nth, paths: [join(dir, file)] })
    const asItLies = await verifyLedger(dir, { trust })
    assert.ok(asItLies.ok || asItLies.torn, `${where}, as it lies: ${asItLies.firstBad?.why}`)
    const troubles: string[] = []
    const next = await reopened(t, dir, { fsync: true, onTrouble: trouble => troubles.push(trouble) })
    await next.append(exit(2))
    await next.checkpoint()
    await next.close(2000)
    assert.deepEqual(troubles, [], where)
    const { firstBad, prunedUpTo, unvouched } = await verifyLedger(dir, { trust })
    assert.deepEqual([firstBad, unvouched], [null, [1]], where)
    const entries = entriesIn(dir)
    assert.ok(!entries.some(({ kind }) => kind === 'integrity.alert'), `${where}: a false alarm`)
    assert.ok([0, upTo].includes(prunedUpTo), where)
    assert.equal(entries[0]?.seq, prunedUpTo, `${where}: half a prune`)
    if (said.includes('Pruned')) assert.equal(prunedUpTo, upTo, `${where}: it was answered`)
    const hashes = new Set(entries.map(({ h }) => h))
    assert.ok(
      before.every(({ seq, h }) => seq < prunedUpTo || hashes.has(h)),
      `${where}: entries are missing`,
    )
    const is = `${code === 0 ? 'not killed' : 'killed'}, ${prunedUpTo === 0 ? 'not begun' : 'done'}`
    sum[is] = (sum[is] ?? 0) + 1
    const again = await heald(state, words)
    assert.equal(again.code, 0, `${where}, once more: ${again.said}`)
    assert.equal((await verifyLedger(dir, { trust })).prunedUpTo, upTo, where)
  }
  t.diagnostic(JSON.stringify(sum))
  assert.ok((sum['killed, done'] ?? 0) > 0 && (sum['killed, not begun'] ?? 0) > 0, JSON.stringify(sum))
})
