import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { originOf } from '../../../core/ledger/epochs.ts'
import { keptCheckpoints, latestCheckpoint } from '../../../core/ledger/kept.ts'
import { keyStore } from '../../../core/ledger/keys.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { leafHash, toHex } from '../../../core/ledger/tree/hash.ts'
import { emptyRange, rangeBuilder, rootOf } from '../../../core/ledger/tree/range.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { manySegments, nextSegment, reopened } from './many-segments.ts'
import { copyOf, entriesIn, folder } from './stand.ts'

/*
 * Pruning is no way to hide a change: the attacker may write every file, has the present key, changes an entry, makes all
 * hashes, roots and snapshots fit, signs what he can, and then has heald prune what he changed.
 */

/** Changes one entry and makes all that follows fit, as somebody would do who knows this code. */
function forge(dir: string, seq: number): void {
  const tree = rangeBuilder(emptyRange(0))
  let prev = '0'.repeat(64)
  let before: Record<string, unknown> | null = null
  const firsts = readdirSync(join(dir, 'seg')).sort()
  for (const [index, name] of firsts.entries()) {
    const path = join(dir, 'seg', name)
    const end = Number(firsts[index + 1]?.slice(0, 12) ?? Number.POSITIVE_INFINITY)
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    const forged: string[] = []
    for (const line of lines.slice(0, end - Number(name.slice(0, 12)))) {
      let body = line.slice(0, -72).replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
      const at = Number(/"seq":(\d+)/.exec(body)?.[1])
      if (at === seq) body = body.replace('"oom":false', '"oom":true')
      if (body.includes('"kind":"segment.opened"')) {
        const state = `${JSON.stringify({ seq: at - 1, h: prev, state: { known: true } })}\n`
        writeFileSync(join(dir, 'state.json'), state)
        const told = { previous: before, tree: { size: at, root: toHex(rootOf(tree.range())) } }
        const data = JSON.stringify({ ...told, stateSha256: hash('sha256', state, 'hex') })
        body = body.replace(/"data":.*/, `"data":${data}`)
      }
      prev = hash('sha256', body, 'hex')
      forged.push(`${body},"h":"${prev}"}`)
      tree.append(leafHash(`${body},"h":"${prev}"}`))
    }
    const text = `${forged.join('\n')}\n`
    before = {
      name: name.slice(0, 12),
      sha256: hash('sha256', text, 'hex'),
      validBytes: text.length,
      count: forged.length,
    }
    chmodSync(path, 0o600)
    writeFileSync(path, text)
  }
  rmSync(join(dir, 'head'), { force: true })
  rmSync(join(dir, 'tree'), { recursive: true, force: true })
}

/** Signs with the present key what is of its epoch, or all there is. */
async function sign(dir: string, isAll: boolean): Promise<void> {
  const keys = keyStore(dir)
  const [genesis] = entriesIn(dir)
  const newest = keys.epochs().at(-1)
  if (genesis === undefined || newest === undefined) assert.fail()
  for (const { name } of keptCheckpoints(dir)) {
    if (name !== 'checkpoint' && !isAll) continue
    const size = name === 'checkpoint' ? entriesIn(dir).length : Number(name.slice(3, 15))
    const { root } = await treeOfSegments(dir, size)
    writeFileSync(join(dir, name), signCheckpoint({ origin: originOf(genesis), size, root }, keys.load(newest)))
  }
}

for (const treeFiles of ['kept', 'removed', 'put back as they were'])
  test(`a change in an old epoch that is pruned then is noticed: tree files ${treeFiles}`, async t => {
    const victim = await manySegments(t, 3)
    const kept = join(folder(t), 'tree')
    cpSync(join(victim, 'tree'), kept, { recursive: true })
    const note = latestCheckpoint(victim) ?? assert.fail()
    for (const isAll of [false, true]) {
      const dir = copyOf(t, victim)
      forge(dir, 20)
      await sign(dir, isAll)
      const before = await verifyLedger(dir)
      assert.deepEqual([before.checked.chain, before.ok], [true, false], before.firstBad?.why)
      const ledger = await reopened(t, dir)
      await ledger.prune({ upTo: sealedSegments(dir)[1]?.end ?? -1, archive: null, by: 'local:admin' })
      await ledger.checkpoint()
      await ledger.close(2000)
      if (treeFiles !== 'kept') rmSync(join(dir, 'tree'), { recursive: true })
      if (treeFiles === 'put back as they were') cpSync(kept, join(dir, 'tree'), { recursive: true })
      const verdict = await verifyLedger(dir)
      assert.deepEqual([verdict.checked.chain, verdict.ok], [true, false], 'the handovers of the old keys tell')
      assert.match(
        verdict.firstBad?.why ?? '',
        /not those that were signed|can't be believed|another epoch|does not vouch/,
      )
      const trust = { keys: [], checkpoints: [{ name: 'kept.txt', note }] }
      assert.equal((await verifyLedger(dir, { trust })).ok, false)
    }
  })

test('a change in the present epoch that is pruned then is noticed by a checkpoint kept elsewhere only, as ever', async t => {
  const dir = await manySegments(t, 1)
  const first = await reopened(t, dir)
  const note = (await first.checkpoint()).note
  await first.close(2000)
  // The newest epoch begins in the last segment; another segment makes part of it prunable.
  const ledger = await reopened(t, dir, { fsync: true })
  await nextSegment(t, ledger)
  await ledger.close(2000)
  forge(dir, (sealedSegments(dir)[0]?.end ?? 0) + 10)
  await sign(dir, false)
  const again = await reopened(t, dir)
  await again.prune({ upTo: sealedSegments(dir)[1]?.end ?? -1, archive: null, by: 'local:admin' })
  await again.close(2000)
  assert.deepEqual((await verifyLedger(dir)).firstBad, null, 'the cell that says "no"')
  const verdict = await verifyLedger(dir, { trust: { keys: [], checkpoints: [{ name: 'kept.txt', note }] } })
  assert.equal(verdict.ok, false)
})
