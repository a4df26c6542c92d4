import { type Digest, fromHex } from './hash.ts'

/** A tree, as a segment's first entry tells of it. */
export interface TreeHead {
  readonly size: number
  readonly root: Digest
}

/** `tree` of a `segment.opened`; null when it tells of none. */
export function treeHeadOf(tree: unknown): TreeHead | null {
  if (typeof tree !== 'object' || tree === null) return null
  const { size, root } = tree as { readonly size?: unknown; readonly root?: unknown }
  const digest = typeof root === 'string' ? fromHex(root) : null
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 && digest !== null
    ? { size, root: digest }
    : null
}
