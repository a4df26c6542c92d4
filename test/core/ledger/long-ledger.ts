import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Ledger } from '../../../core/ledger/ledger.ts'
import { type LedgerOptions, openLedger } from '../../../core/ledger/open.ts'
import { exit, folder, optionsFor } from './stand.ts'

/** A state worth keeping, so that segments are vouched for by a snapshot. */
export const SNAPSHOT = { snapshot: () => ({ known: true }) }

/** Waits until the ledger's tree and keys are there. */
export async function ready(ledger: Ledger): Promise<Ledger> {
  const endMs = performance.now() + 20_000
  while (ledger.tree() === null && performance.now() < endMs) await new Promise(resolve => setTimeout(resolve, 10))
  await ledger.settled()
  return ledger
}

export async function reopened(t: TestContext, dir: string, more: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const ledger = await openLedger(optionsFor(dir, { ...SNAPSHOT, ...more }))
  t.after(() => ledger.close(2000))
  return ready(ledger)
}

const AT_ONCE = 4096

/** Appends until one more segment has begun. */
export async function fillSegment(ledger: Ledger): Promise<void> {
  const size = ledger.head().size
  for (let n = 0; n < 65_536 - 1024; n += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => ledger.append(exit(size + n + at))))
}

/**
 * A ledger of `segments` segments that are done with, and one with a few entries; each begins with a new key and an entry
 * with a text kept aside. Closed.
 */
export async function longLedger(t: TestContext, segments: number): Promise<string> {
  const dir = join(folder(t), 'ledger')
  const ledger = await ready(await openLedger(optionsFor(dir, SNAPSHOT)))
  for (let n = 0; n < segments; n++) {
    if (n > 0) await ledger.rotateKey('local:admin')
    await ledger.append({ ...exit(n), tail: `password ${n}` })
    await fillSegment(ledger)
    await ledger.append(exit(1))
  }
  await ledger.checkpoint()
  await ledger.close(5000)
  return dir
}
