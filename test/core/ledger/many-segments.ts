import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { disk } from '../../../core/ledger/files.ts'
import type { Ledger } from '../../../core/ledger/ledger.ts'
import { type LedgerOptions, openLedger } from '../../../core/ledger/open.ts'
import { exit, folder, optionsFor } from './stand.ts'

/** A state worth keeping, so that each segment vouches for a snapshot. */
export const SNAPSHOT = { snapshot: () => ({ known: true }) }

export async function reopened(t: TestContext, dir: string, more: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const ledger = await openLedger(optionsFor(dir, { ...SNAPSHOT, ...more }))
  t.after(() => ledger.close(2000))
  return ready(ledger)
}

/** Waits until the ledger's tree and keys are there. */
async function ready(ledger: Ledger): Promise<Ledger> {
  const endMs = performance.now() + 20_000
  while (ledger.tree() === null && performance.now() < endMs) await new Promise(resolve => setTimeout(resolve, 10))
  await ledger.settled()
  return ledger
}

/** Begins a new segment with the next entry, as after a flush that failed. */
export async function nextSegment(t: TestContext, ledger: Ledger): Promise<void> {
  const mocked = t.mock.method(disk, 'fdatasync', async () => {
    mocked.mock.restore()
    throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' })
  })
  await ledger.append(exit(1))
}

/**
 * A ledger of `segments` segments that are done with, and one more; each has a key of its own and an entry with a text kept
 * aside. Closed.
 */
export async function manySegments(t: TestContext, segments: number, entries = 50): Promise<string> {
  const dir = join(folder(t), 'ledger')
  const ledger = await reopened(t, dir, { fsync: true })
  for (let n = 0; n <= segments; n++) {
    if (n > 0) await nextSegment(t, ledger)
    if (n > 0) await ledger.rotateKey('local:admin')
    await ledger.append({ ...exit(n), tail: `password ${n}` })
    for (let more = 0; more < entries + 7 * n; more++) await ledger.append(exit(more))
  }
  await ledger.checkpoint()
  await ledger.close(5000)
  return dir
}
