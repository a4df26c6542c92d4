import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Ledger } from '../../core/ledger/ledger.ts'
import { parseVkey } from '../../core/ledger/note.ts'
import { proveEntry } from '../../core/ledger/prove.ts'
import { sealedSegments } from '../../core/ledger/prune-plan.ts'
import { fullReceiptText, parseFullReceipt, proveFullReceipt } from '../../core/ledger/tlog-proof.ts'
import { holds } from './holds.ts'
import { bareReceipt } from './ledger-peers.ts'
import { type BenchRow, percentile, row } from './row.ts'
import { count } from './size.ts'

/** A full receipt of an entry anywhere in the ledger, made from its files and verified with the key alone. */
export async function receipts(open: () => Promise<Ledger>, dir: string): Promise<BenchRow> {
  const ledger = await open()
  await ledger.settled()
  const { size } = await ledger.checkpoint()
  const keys = [parseVkey(ledger.vkey() ?? '')].filter(key => key !== null)
  await ledger.close(10_000)
  const times: number[] = []
  const bare: number[] = []
  const bareOne = bareReceipt(size)
  for (let n = 0; n < count(100, 1000); n++) {
    const startMs = performance.now()
    const text = fullReceiptText(await proveEntry(dir, Math.floor((size * n * 0.618) % size)))
    const receipt = parseFullReceipt(text)
    if (typeof receipt === 'string' || !proveFullReceipt(receipt, keys).ok)
      throw new Error('a receipt that proves nothing')
    times.push(performance.now() - startMs)
    bare.push(bareOne())
  }
  return row({
    what: 'full receipt made and verified, p50',
    ours: percentile(times, 0.5),
    peer: { name: 'its hashes and one signature verified', value: percentile(bare, 0.5) },
    limit: { of: 'ours', atMost: 1 },
    unit: 'ms',
    note: `of ${size} entries; p99 ${percentile(times, 0.99).toFixed(2)} ms`,
  })
}

/** The tree of the whole ledger, whose files were lost, while the process has other things to do. */
export async function rebuiltTree(open: () => Promise<Ledger>, dir: string): Promise<BenchRow> {
  rmSync(join(dir, 'tree'), { recursive: true })
  const ledger = await open()
  const hold = holds()
  const startMs = performance.now()
  while (ledger.tree() === null) await new Promise(resolve => setTimeout(resolve, 5))
  const tookMs = performance.now() - startMs
  const { ms, processorMs } = hold.longest()
  hold.end()
  await ledger.close(10_000)
  return row({
    what: 'tree made anew beside everything else: longest hold of the event loop',
    ours: ms,
    peer: null,
    limit: { of: 'ours', atMost: 10 },
    unit: 'ms',
    note: `all of it took ${Math.round(tookMs)} ms; ${processorMs.toFixed(1)} ms of processor time at most in one go`,
  })
}

/** The older half of the ledger, pruned by a daemon that has other things to do. The half is gone afterwards. */
export async function halfPruned(open: () => Promise<Ledger>, dir: string): Promise<BenchRow> {
  const ledger = await open()
  await ledger.settled()
  const sealed = sealedSegments(dir)
  const upTo = sealed[sealed.length >> 1]?.end ?? 0
  const hold = holds()
  const startMs = performance.now()
  await ledger.prune({ upTo, archive: null, by: 'local:admin' })
  const tookMs = performance.now() - startMs
  const { ms, processorMs } = hold.longest()
  hold.end()
  await ledger.close(10_000)
  return row({
    what: 'the older half pruned: longest hold of the event loop',
    ours: ms,
    peer: null,
    limit: { of: 'ours', atMost: 10 },
    unit: 'ms',
    note: `${upTo} entries, in ${Math.round(tookMs)} ms; ${processorMs.toFixed(1)} ms of processor time at most in one go`,
  })
}
