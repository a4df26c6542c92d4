import { Fault } from '../fault.ts'
import { claimOf } from './checkpoint.ts'
import { latestCheckpoint } from './kept.ts'
import { readEntry, unknownEntry } from './read.ts'
import type { FullReceipt } from './tlog-proof.ts'
import { leafHash } from './tree/hash.ts'
import { inclusionProof, verifyInclusion } from './tree/proof.ts'
import { openTree, type TreeReader, treeOfSegments } from './tree/reader.ts'

/**
 * Everything to prove entry `seq` with, far from here, by the newest checkpoint. Faults: `entry.unknown`, `entry.pruned`, `entry.unsigned`
 * (no checkpoint covers it yet), `ledger.damaged`.
 */
export async function proveEntry(dir: string, seq: number): Promise<FullReceipt> {
  const found = await readEntry(dir, seq)
  if (found === null) throw unknownEntry(dir, seq)
  const note = latestCheckpoint(dir)
  const claim = note === null ? null : claimOf(note)
  if (note === null || claim === null || claim.size <= seq)
    throw new Fault('entry.unsigned', `no checkpoint covers entry #${seq} yet`, {
      hint: '"heald ledger checkpoint" makes one now',
    })
  const proof = (reader: TreeReader) => {
    try {
      if (reader.root !== claim.root) return null
      const hashes = inclusionProof(seq, claim.size, reader.nodes)
      const { size, root } = claim
      return verifyInclusion({ leaf: leafHash(found.line), index: seq, size, proof: hashes, root }) ? hashes : null
    } catch (error) {
      if (error instanceof RangeError) return null
      throw error
    } finally {
      reader.close()
    }
  }
  // The tree's files are derived: where they are wrong the segments are asked.
  const hashes = proof(await openTree(dir, claim.size, claim.root)) ?? proof(await treeOfSegments(dir, claim.size))
  if (hashes === null)
    throw new Fault('ledger.damaged', `entry #${seq} is not in what the newest checkpoint was signed for`, {
      hint: '"heald ledger verify" says more',
    })
  return { line: found.line, index: seq, proof: hashes, checkpoint: note }
}
