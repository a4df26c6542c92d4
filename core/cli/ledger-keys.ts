import { accessSync, constants } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointMade } from '../api/ledger-control.ts'
import { bootId, systemClock } from '../clock.ts'
import { codeOf, Fault } from '../fault.ts'
import type { KeyMade, Ledger } from '../ledger/ledger.ts'
import { troubleOf } from '../ledger/losses.ts'
import { isFull } from '../ledger/target-folder.ts'
import { askAsOwnerOf, mustBeOwn } from '../owner.ts'
import { noWords } from './arguments.ts'
import { order } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { existing } from './ledger-verify.ts'
import { cleanLine, cleanLines, jsonOf, wrapLines } from './text.ts'
import { version } from './version.ts'

/** `heald ledger checkpoint`: signs what the ledger is now. */
export async function checkpoint(context: Context, words: readonly string[]): Promise<number> {
  noWords(words, 'ledger checkpoint')
  const { json, out, tty } = context
  const made = (await ordered(context, '/v1/ledger/checkpoint', ledger => ledger.checkpoint())) as CheckpointMade
  out(json ? `${jsonOf(made)}\n` : tty ? cleanLines(made.note) : made.note)
  return EXIT.done
}

/** `heald keygen`: a new key for the ledger's checkpoints, and with it a new epoch. */
export async function run(context: Context, words: readonly string[]): Promise<number> {
  noWords(words, 'keygen')
  const { json, out, columns } = context
  const made = (await ordered(context, '/v1/ledger/keygen', ledger => ledger.rotateKey('local:admin'))) as KeyMade
  if (json) {
    out(`${jsonOf(made)}\n`)
    return EXIT.done
  }
  const told = `Epoch ${made.epoch} of the ledger's keys has begun (entry #${made.seq}); the key before it is erased. The public key, and the receipt of the entry that tells of it: keep both where this host can't change them.`
  const use =
    'With both, "heald ledger verify --key \'KEY RECEIPT\'" tells, also on a copy elsewhere, up to which entry the ledger is as it was signed. The key alone tells who signs it; the receipt, since which entry.'
  out(`${wrapLines(told, columns)}\n\n${cleanLine(made.vkey)}\n${made.receipt}\n\n${wrapLines(use, columns)}\n`)
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
  mustBeWritable(dir)
  const { openLedger } = await import('../ledger/open.ts')
  const troubles: string[] = []
  const ledger = await openLedger({
    ...{ dir, host: hostname(), version: version(), clock: systemClock, bootId: bootId(), redact: [], fsync: true },
    onTrouble: what => void troubles.push(what),
  })
  try {
    await isReady(ledger, dir, context.signal)
    return await work(ledger)
  } catch (error) {
    const why = isFull(error) ? troubleOf(error).why : ledger.head().why
    if (why === undefined) throw error
    // The reason says it all; the ledger's own words about it are for a daemon.
    troubles.length = 0
    throw notDone(dir, why)
  } finally {
    await ledger.close(CLOSE_MS)
    for (const what of troubles) context.err(`heald: ${what}\n`)
  }
}

/** Unlike in a daemon nothing goes on by itself. */
function notDone(dir: string, why: string): Fault {
  const hint = `free or repair the disk that holds ${dir}, then ask again`
  return new Fault('ledger.degraded', `not recorded, so not done: ${why}`, { hint })
}

/** Else the ledger would wait until it may. What else is wrong it tells itself. */
function mustBeWritable(dir: string): void {
  try {
    accessSync(dir, constants.W_OK)
  } catch (error) {
    if (codeOf(error) !== 'EACCES') return
    throw new Fault('usage.user', `you may not write the ledger in ${dir}`, { hint: askAsOwnerOf(dir), cause: error })
  }
}

/** The tree has to be read first; what can't be written now is not waited for. */
async function isReady(ledger: Ledger, dir: string, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + OPEN_MS
  while (ledger.tree() === null) {
    signal.throwIfAborted()
    const { why } = ledger.head()
    if (why !== undefined) throw notDone(dir, why)
    if (performance.now() > endMs)
      throw new Fault('ledger.checkpoint', 'the tree over the ledger can not be made', {
        hint: '"heald ledger verify" shows whether the ledger is damaged',
      })
    await sleep(50)
  }
  await ledger.settled()
}
