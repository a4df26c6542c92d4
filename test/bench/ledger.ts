import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { Draft } from '../../core/entry.ts'
import { healingBeside } from './ledger-healing.ts'
import { open } from './ledger-open.ts'
import { bareAppend, bareAppends, bareScan } from './ledger-peers.ts'
import { halfPruned, rebuiltTree, receipts } from './ledger-proofs.ts'
import { searches } from './ledger-search.ts'
import { verifications } from './ledger-verified.ts'
import { type BenchRow, percentile, row } from './row.ts'
import { makeSite, type Site } from './site.ts'
import { count } from './size.ts'

// Life of the ledger's figures: rounds of ours and of the peer take turns, so that what else the machine does meets both;
// a figure is the median of its rounds. `node test/bench/ledger.ts` prints these rows alone.

/** An entry whose line has about 385 bytes. */
const draft = (pid: number): Draft => ({
  kind: 'service.exited',
  svc: 'api',
  data: { pid, exit: 'signal', signal: 'SIGKILL', oom: false, uptimeMs: 12_345, wanted: false },
})

/** All rows of the ledger. */
export async function rows(site: Site): Promise<BenchRow[]> {
  const { root } = site
  return [
    await idleAppend(join(root, 'idle')),
    await concurrentAppends(join(root, 'concurrent')),
    await bulkAppends(join(root, 'bulk')),
    ...(await longLedger(join(root, 'long'), site)),
    await startAfterCrash(join(root, 'long')),
  ]
}

async function idleAppend(dir: string): Promise<BenchRow> {
  const ledger = await open(join(dir, 'ledger'))
  const fd = openSync(join(dir, 'bare'), 'a')
  const bytes = Buffer.alloc(300, 'x')
  const ours: number[] = []
  const bare: number[] = []
  for (let round = 0; round < count(4, 20); round++) {
    for (let n = 0; n < 50; n++) {
      const startMs = performance.now()
      await ledger.append({ kind: 'config.applied', data: { sha256: 'x' } })
      ours.push(performance.now() - startMs)
    }
    for (let n = 0; n < 50; n++) {
      const startMs = performance.now()
      await bareAppend(fd, bytes)
      bare.push(performance.now() - startMs)
    }
  }
  closeSync(fd)
  await ledger.close(5000)
  return row({
    what: 'must append on an idle ledger, p50',
    ours: percentile(ours, 0.5),
    peer: { name: 'bare 300-byte append + fdatasync', value: percentile(bare, 0.5) },
    limit: { of: 'ratio', atMost: 1.5 },
    unit: 'ms',
    note: 'one at a time; the peer uses the thread pool too',
  })
}

/** Of a peer, and of ours where it goes by time. */
const ROUND_MS = 500

async function concurrentAppends(dir: string): Promise<BenchRow> {
  const ledger = await open(dir)
  const rates: number[] = []
  const bare: number[] = []
  for (let round = 0; round < count(2, 7); round++) {
    bare.push(await bareAppends(`${dir}.bare`, { entries: 64, isHashed: false, forMs: ROUND_MS }))
    const startMs = performance.now()
    const endMs = startMs + ROUND_MS
    let done = 0
    const caller = async (): Promise<void> => {
      while (performance.now() < endMs) {
        await ledger.append(draft(done))
        done++
      }
    }
    await Promise.all(Array.from({ length: 64 }, caller))
    rates.push((done * 1000) / (performance.now() - startMs))
  }
  await ledger.close(5000)
  return row({
    what: 'durable appends, 64 concurrent callers',
    ours: percentile(rates, 0.5),
    peer: { name: 'bare append + fdatasync of 64', value: percentile(bare, 0.5) },
    limit: { of: 'ours', atLeast: 100_000 },
    unit: 'entries/s',
    note: 'each caller waits for its entry before the next',
  })
}

async function bulkAppends(dir: string): Promise<BenchRow> {
  const ledger = await open(dir)
  const rates: number[] = []
  const bare: number[] = []
  const each = 8192
  for (let round = 0; round < count(3, 9); round++) {
    bare.push(await bareAppends(`${dir}.bare`, { entries: 1024, isHashed: true, forMs: ROUND_MS }))
    const startMs = performance.now()
    let pid = 0
    for (let n = 0; n < 8; n++) await Promise.all(Array.from({ length: each }, () => ledger.append(draft(pid++))))
    // Hashes whatever waits.
    if (ledger.tree()?.size !== ledger.head().size) throw new Error('the tree is behind')
    rates.push((8 * each * 1000) / (performance.now() - startMs))
  }
  await ledger.close(5000)
  return row({
    what: 'durable appends in bulk, 1,024 a batch',
    ours: percentile(rates, 0.5),
    peer: { name: 'one SHA-256, append + fdatasync of 1,024', value: percentile(bare, 0.5) },
    limit: { of: 'ours', atLeast: 250_000 },
    unit: 'entries/s',
    note: 'the tree over them included',
  })
}

async function longLedger(dir: string, site: Site): Promise<BenchRow[]> {
  const entries = count(100_000, 1_000_000)
  const ledger = await open(dir, false)
  // Before the first segment is full: it is pruned later, which its tree has to be known for.
  await ledger.settled()
  for (let n = 0; n < entries; n += 8192)
    await Promise.all(Array.from({ length: Math.min(8192, entries - n) }, (_, k) => ledger.append(draft(n + k))))
  await ledger.close(10_000)
  return [
    ...verifications(dir, entries),
    await receipts(() => open(dir, false), dir),
    await rebuiltTree(() => open(dir, false), dir),
    ...(await searches(dir)),
    ...(await healingBeside(dir, entries, site)),
    await halfPruned(() => open(dir, false), dir),
  ]
}

/** The long ledger, its last segment filled up and torn. */
async function startAfterCrash(dir: string): Promise<BenchRow> {
  const ours: number[] = []
  const bare: number[] = []
  for (let round = 0; round < count(3, 7); round++) {
    const filling = await open(dir, false)
    let last = readdirSync(join(dir, 'seg')).length
    // As full as a last segment gets: the next batch would open a new one.
    while (round === 0) {
      const name = readdirSync(join(dir, 'seg')).sort().at(-1) ?? ''
      const left = 64_500 - (filling.head().size - Number(name.slice(0, 12)))
      if (left <= 0) break
      await Promise.all(Array.from({ length: Math.min(1024, left) }, (_, n) => filling.append(draft(n))))
      last = readdirSync(join(dir, 'seg')).length
    }
    await filling.append(draft(round))
    await filling.close(10_000)
    const path = join(
      dir,
      'seg',
      readdirSync(join(dir, 'seg'))
        .sort()
        .at(last - 1) ?? '',
    )
    const mark = JSON.parse(readFileSync(join(dir, 'head'), 'utf8')) as { size: number }
    truncateSync(path, statSync(path).size - 20)
    // Those of a killed writer lag: they do not know the torn entry.
    for (const name of ['head', 'checkpoint']) rmSync(join(dir, name), { force: true })
    bare.push(bareScan(path))
    const startMs = performance.now()
    const ledger = await open(dir)
    ours.push(performance.now() - startMs)
    if (ledger.head().size !== mark.size)
      throw new Error(`${ledger.head().size} entries after the start, ${mark.size} expected`)
    await ledger.close(10_000)
  }
  return row({
    what: 'start after a crash, full last segment, p50',
    ours: percentile(ours, 0.5),
    peer: { name: 'that segment read + one bulk SHA-256', value: percentile(bare, 0.5) },
    limit: { of: 'ours', atMost: 150 },
    unit: 'ms',
    note: 'lock, scan of 64,500 entries, torn tail cut off and told durably; the mark is missing, which is the slowest case',
  })
}

if (import.meta.main) {
  const site = makeSite('ledger')
  try {
    for (const { what, ours, peer, ratio, unit } of await rows(site)) {
      const beside = peer === null ? '' : `  ${peer.name}: ${peer.value.toFixed(3)}  ratio ${ratio?.toFixed(2)}`
      process.stdout.write(`${what}: ${ours.toFixed(3)} ${unit}${beside}\n`)
    }
  } finally {
    await site.clean()
  }
}
