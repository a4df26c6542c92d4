import { Fault } from '../fault.ts'
import { streamOf } from '../ledger/given-file.ts'
import { notesIn } from '../ledger/given-notes.ts'
import { MAX_PROOF_CHARS } from '../ledger/tlog-proof.ts'
import type { Trust } from '../ledger/verify-signed.ts'
import type { Values } from './command.ts'
import { textsOf } from './ledger-filter.ts'

/**
 * The checkpoints in what --checkpoint names, written in any way that `heald ledger check` takes. Fault: `usage.path`, also
 * where there is one that can't be read: nobody is to think that it was compared.
 */
export async function checkpointsIn(values: Values, signal: AbortSignal): Promise<Trust['checkpoints']> {
  const found: { name: string; note: string }[] = []
  for (const path of textsOf(values.checkpoint)) {
    const { notes, unreadLine } = notesIn(await textIn(path, signal))
    if (unreadLine !== null)
      throw new Fault('usage.path', `--checkpoint ${path}: line ${unreadLine} is of a checkpoint that can't be read`, {
        hint: 'its lines may be quoted with "> ", but were wrapped or changed on their way, or it is part of a full receipt ("heald ledger check"): give it as it was printed, or remove it',
      })
    if (notes.length === 0)
      throw new Fault('usage.path', `--checkpoint ${path}: there is no checkpoint in it`, {
        hint: '"heald ledger checkpoint" prints one to keep; receipts are for "heald ledger check"',
      })
    found.push(...notes.map(note => ({ name: path, note })))
  }
  return found
}

async function textIn(path: string, signal: AbortSignal): Promise<string> {
  let read = ''
  for await (const piece of streamOf(path, signal).setEncoding('utf8')) {
    read += piece
    if (read.length > MAX_PROOF_CHARS)
      throw new Fault('usage.path', `--checkpoint ${path}: it is too long for a checkpoint`)
  }
  return read
}
