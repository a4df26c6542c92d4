import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointMade, KeyMade } from '../api/ledger-control.ts'
import { bootId, systemClock } from '../clock.ts'
import { codeOf, Fault } from '../fault.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { mustBeOwn } from '../owner.ts'
import { noWords } from './arguments.ts'
import { order } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { existing } from './ledger-verify.ts'
import { wrapLines } from './text.ts'
import { version } from './version.ts'

/** `heald ledger checkpoint`: signs what the ledger is now. */
export async function checkpoint(context: Context, words: readonly string[]): Promise<number> {
  noWords(words, 'ledger checkpoint')
  const { json, out } = context
  const made = (await ordered(context, '/v1/ledger/checkpoint', ledger => ledger.checkpoint())) as CheckpointMade
  out(json ? `${JSON.stringify(made)}\n` : made.note)
  return EXIT.done
}

/** `heald keygen`: a new key for the ledger's checkpoints, and with it a new epoch. */
export async function run(context: Context, words: readonly string[]): Promise<number> {
  noWords(words, 'keygen')
  const { json, out, columns } = context
  const made = (await ordered(context, '/v1/ledger/keygen', ledger => ledger.rotateKey('local:admin'))) as KeyMade
  if (json) {
    out(`${JSON.stringify(made)}\n`)
    return EXIT.done
  }
  const told = `Epoch ${made.epoch} of the ledger's keys has begun (entry #${made.seq}); the key before it is erased. The public key, to be kept where this host can't change it:`
  const use =
    'With it "heald ledger verify --key KEY" tells, also on a copy elsewhere, up to which entry the ledger is as it was signed.'
  out(`${wrapLines(told, columns)}\n\n${made.vkey}\n\n${wrapLines(use, columns)}\n`)
  return EXIT.done
}

const OPEN_MS = 60_000
const CLOSE_MS = 5000

/** By the daemon, which is the ledger's writer; where none runs, as the writer itself. */
export async function ordered(
  context: Context,
  path: string,
  work: (ledger: Ledger) => Promise<unknown>,
  body: object = {},
): Promise<unknown> {
  try {
    return await order(context, path, body)
  } catch (error) {
    if (codeOf(error) !== 'daemon.unreachable') throw error
  }
  const dir = existing(join(context.state, 'ledger'))
  mustBeOwn(context.state)
  const { openLedger } = await import('../ledger/open.ts')
  const ledger = await openLedger({
    ...{ dir, host: hostname(), version: version(), clock: systemClock, bootId: bootId(), redact: [], fsync: true },
    onTrouble: what => context.err(`heald: ${what}\n`),
  })
  try {
    await isReady(ledger, context.signal)
    return await work(ledger)
  } finally {
    await ledger.close(CLOSE_MS)
  }
}

/** The tree has to be read first. */
async function isReady(ledger: Ledger, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + OPEN_MS
  while (ledger.tree() === null) {
    signal.throwIfAborted()
    if (performance.now() > endMs)
      throw new Fault('ledger.checkpoint', 'the tree over the ledger can not be made', {
        hint: '"heald ledger verify" shows whether the ledger is damaged',
      })
    await sleep(50)
  }
  await ledger.settled()
}
