import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Ledger } from '../../core/ledger/ledger.ts'
import { openLedger } from '../../core/ledger/open.ts'
import { entriesIn, exit, judged, optionsFor } from '../core/ledger/stand.ts'
import { until } from '../until.ts'

/** A small real disk, or a plain folder where none can be mounted; it goes after the ledgers upon it are closed. */
function disk(size: string): { readonly at: string; readonly mounted: boolean; remove(): void } {
  const at = mkdtempSync(join(tmpdir(), 'heald-disk-'))
  let mounted = true
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'heald-test', at], { stdio: 'pipe' })
  } catch {
    mounted = false
  }
  return {
    at,
    mounted,
    remove() {
      if (mounted) execFileSync('umount', ['-l', at])
      rmSync(at, { recursive: true, force: true })
    },
  }
}

/** A degraded ledger tries again with growing pauses. */
const RECORDS_AGAIN_MS = 40_000

const order = (ledger: Ledger) => ledger.append({ kind: 'config.applied', data: { sha256: 'x' } })

/** A ledger with one entry whose disk is full; null where no small disk can be mounted. */
async function onFullDisk(t: TestContext, size: string, ballastBytes: number) {
  const { at, mounted, remove } = disk(size)
  if (!mounted) {
    remove()
    return null
  }
  const dir = join(at, 'ledger')
  const ledger = await openLedger(optionsFor(dir, { fsync: true }))
  t.after(async () => {
    await ledger.close(1000)
    remove()
  })
  let pid = 0
  async function fillUp(): Promise<void> {
    while (ledger.head().recording === 'ok')
      await Promise.race([ledger.append(exit(++pid)), new Promise(resolve => setTimeout(resolve, 200))])
  }
  await order(ledger)
  writeFileSync(join(at, 'ballast'), Buffer.alloc(ballastBytes))
  await fillUp()
  return { at, dir, ledger, fillUp }
}

test('a full disk in the middle of a switch: the reserve is given up for its way back', async t => {
  const full = await onFullDisk(t, '24m', 22_500_000)
  if (full === null) return t.skip('needs root, to mount a small disk')
  const { at, dir, ledger, fillUp } = full
  await assert.rejects(order(ledger), { code: 'ledger.degraded' })
  assert.equal(await ledger.spendReserve(), true)
  const back = await order(ledger)
  assert.equal(entriesIn(dir).at(-1)?.seq, back?.seq)
  await fillUp()
  assert.equal(await ledger.spendReserve(), false, 'there is only one')
  judged(dir)
  rmSync(join(at, 'ballast'))
  await until('it records again', () => ledger.head().recording === 'ok', RECORDS_AGAIN_MS)
  await ledger.append({ kind: 'rollback.verified', data: { target: 'app' } })
  await until('there is a reserve again', () => existsSync(join(dir, 'reserve')), RECORDS_AGAIN_MS)
})

test('a full disk: orders are refused, health waits in the ring, the gap is told first when there is room', async t => {
  const full = await onFullDisk(t, '8m', 7_800_000)
  if (full === null) return t.skip('needs root, to mount a small disk')
  const { at, dir, ledger } = full
  assert.match(ledger.head().why ?? '', /disk is full/)
  const size = ledger.head().size
  await assert.rejects(order(ledger), { code: 'ledger.degraded' })
  const waiting = Array.from({ length: 20_000 }, (_, n) => ledger.append(exit(1_000_000 + n)))
  rmSync(join(at, 'ballast'))
  await until('it records again', () => ledger.head().recording === 'ok', RECORDS_AGAIN_MS)
  const answers = await Promise.all(waiting)
  assert.equal(answers[0], null, 'the oldest made room')
  assert.notEqual(answers.at(-1), null, 'the newest are recorded')
  await ledger.close(5000)
  const entries = entriesIn(dir).filter(entry => entry.seq >= size)
  const gap = entries.find(entry => entry.kind === 'ledger.gap')
  assert.ok(gap !== undefined && Number(gap.data.refused) >= 1, JSON.stringify(gap))
  assert.ok(Number((gap.data.lost as { soft: number }).soft) > 3000)
  assert.match(String(gap.data.sha256), /^[0-9a-f]{64}$/)
  assert.equal(judged(dir, '--live').code, 0, judged(dir, '--live').said)
})

test('a read-only folder: the ledger opens degraded, healing can go on, and it records once it may', async t => {
  const { at, mounted, remove } = disk('4m')
  if (!mounted && process.getuid?.() === 0) {
    remove()
    return t.skip('needs a mount, since root may write anywhere')
  }
  const dir = join(at, 'ledger')
  const before = await openLedger(optionsFor(dir))
  await order(before)
  await before.close(1000)
  if (mounted) execFileSync('mount', ['-o', 'remount,ro', at])
  else chmodSync(dir, 0o500)
  const ledger = await openLedger(optionsFor(dir))
  t.after(async () => {
    await ledger.close(1000)
    remove()
  })
  assert.equal(ledger.head().recording, 'degraded')
  assert.match(ledger.head().why ?? '', /read-only|may not be written/)
  const health = ledger.append(exit(7))
  await assert.rejects(order(ledger), { code: 'ledger.degraded' })
  if (mounted) execFileSync('mount', ['-o', 'remount,rw', at])
  else chmodSync(dir, 0o700)
  assert.notEqual(await health, null, 'what waited is recorded')
  await ledger.close(1000)
  const kinds = entriesIn(dir).map(entry => entry.kind)
  assert.deepEqual(kinds.slice(-2), ['ledger.gap', 'service.exited'])
  assert.equal(judged(dir).code, 0, judged(dir).said)
})
