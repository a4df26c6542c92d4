import { createHash } from 'node:crypto'

/*
 * The definitions of RFC 6962 (2.1), word for word: recursive, over whole lists, in buffers. Slow, and independent of
 * everything that is tested against it.
 */

export function sha256(...parts: readonly (Buffer | string)[]): Buffer {
  const running = createHash('sha256')
  for (const part of parts) running.update(part)
  return running.digest()
}

export const naiveLeaf = (data: Buffer | string): Buffer => sha256(Buffer.from([0]), data)

function split(count: number): number {
  let k = 1
  while (k * 2 < count) k *= 2
  return k
}

/** MTH(D[n]) over leaf hashes. */
export function naiveRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves
  if (first === undefined) return sha256()
  if (leaves.length === 1) return first
  const k = split(leaves.length)
  return sha256(Buffer.from([1]), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)))
}

/** PATH(m, D[n]). */
export function naivePath(m: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return []
  const k = split(leaves.length)
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))]
}

/** PROOF(m, D[n]). */
export function naiveConsistency(m: number, leaves: readonly Buffer[]): Buffer[] {
  const sub = (m: number, part: readonly Buffer[], isWhole: boolean): Buffer[] => {
    if (m === part.length) return isWhole ? [] : [naiveRoot(part)]
    const k = split(part.length)
    return m <= k
      ? [...sub(m, part.slice(0, k), isWhole), naiveRoot(part.slice(k))]
      : [...sub(m - k, part.slice(k), false), naiveRoot(part.slice(0, k))]
  }
  return sub(m, leaves, true)
}

export const latin1 = (bytes: Buffer): string => bytes.toString('latin1')
