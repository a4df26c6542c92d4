import type { Digest } from './tree/hash.ts'
import type { TreeKeeper } from './tree/keeper.ts'
import { consistencyProof, rootAt, verifyConsistency } from './tree/proof.ts'
import { openTree, type TreeReader, treeOfSegments } from './tree/reader.ts'

/** Root at an earlier size, which is proved to belong to what the tree is now. Throws where the segments do not lead there. */
export async function provenRoot(dir: string, tree: Pick<TreeKeeper, 'head' | 'sync'>, size: number): Promise<Digest> {
  // Not the other way round: the files would lack what became durable meanwhile.
  const head = tree.head()
  await tree.sync()
  if (head === null || head.size < size) throw new Error('the tree over the ledger is not kept')
  const provenIn = (reader: TreeReader): Digest | null => {
    try {
      const fromRoot = rootAt(size, reader.nodes)
      const proof = consistencyProof(size, head.size, reader.nodes)
      return verifyConsistency({ from: size, to: head.size, fromRoot, toRoot: head.root, proof }) ? fromRoot : null
    } catch (error) {
      if (error instanceof RangeError) return null
      throw error
    } finally {
      reader.close()
    }
  }
  const root = provenIn(await openTree(dir, head.size, head.root)) ?? provenIn(await treeOfSegments(dir, head.size))
  if (root === null) throw new Error('the segments do not lead to the root of the tree')
  return root
}
