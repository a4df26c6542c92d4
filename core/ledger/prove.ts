import { Fault } from '../fault.ts'
import { baseOf } from './base.ts'
import { ownCheckpoint } from './own-checkpoint.ts'
import { despitePrunes } from './pruned-meanwhile.ts'
import { readEntry, unknownEntry } from './read.ts'
import type { FullReceipt } from './tlog-proof.ts'
import { leafHash } from './tree/hash.ts'
import { inclusionProof, verifyInclusion } from './tree/proof.ts'
import { type TreeReader, treeOfSegments } from './tree/reader.ts'
import { openTreeFiles } from './tree/tree-files.ts'

/**
 * Everything to prove entry `seq` with, far from here, by the newest checkpoint. Faults: `entry.unknown`, `entry.pruned`, `entry.unsigned`
 * (no checkpoint covers it yet), `ledger.damaged`.
 */
export function proveEntry(dir: string, seq: number): Promise<FullReceipt> {
  return despitePrunes(dir, () => proofOf(dir, seq))
}

async function proofOf(dir: string, seq: number): Promise<FullReceipt> {
  const found = await readEntry(dir, seq, { isAtOnce: true })
  const checkpoint = await ownCheckpoint(dir)
  if (found === null) throw unknownEntry(dir, seq)
  if (checkpoint === null || checkpoint.size <= seq)
    throw new Fault('entry.unsigned', `no checkpoint covers entry #${seq} yet`, {
      hint: '"heald ledger checkpoint" makes one now',
    })
  const { size, root, note } = checkpoint
  const proofBy = ({ nodes, close }: Pick<TreeReader, 'nodes' | 'close'>) => {
    try {
      const proof = inclusionProof(seq, size, nodes)
      return verifyInclusion({ leaf: leafHash(found.line), index: seq, size, proof, root }) ? proof : null
    } catch (error) {
      if (error instanceof RangeError) return null
      throw error
    } finally {
      close()
    }
  }
  // The tree's files are derived: where they are wrong the segments are asked.
  const proof = proofBy(openTreeFiles(dir, baseOf(dir).base)) ?? proofBy(await treeOfSegments(dir, size))
  if (proof === null)
    throw new Fault('ledger.damaged', `entry #${seq} is not in what the newest checkpoint was signed for`, {
      hint: '"heald ledger verify" says more',
    })
  return { line: found.line, index: seq, proof, checkpoint: note }
}
