import type { Entry } from '../core/entry.ts'
import type { Cards } from './cards.ts'
import type { CoreLink } from './core-link.ts'

/**
 * Whether a connection goes on where the bot has read to. `entry` is the first one that is not older than the last one read:
 *
 * - `joined`: it is that one, or the next one and linked to it
 * - `other`: another one stands in its place, so the ledger is another one
 * - `unlinked`: the next one, but of another chain
 * - `late`: entries between are missing; they were pruned, or are held back
 */
export type Joint = { readonly is: 'joined' } | { readonly is: 'other' | 'unlinked'; readonly why: string } | Late

export interface Late {
  readonly is: 'late'
  /** The first entry that is there. */
  readonly seq: number
  readonly why: string
}

export function jointOf({ seq, prev, h }: Entry, { nextSeq, lastH }: Pick<Cards, 'nextSeq' | 'lastH'>): Joint {
  if (seq > nextSeq) return { is: 'late', seq, why: `it goes on with entry #${seq}, and #${nextSeq} is the next one` }
  if (lastH === '') return { is: 'joined' }
  if (seq === nextSeq)
    return prev === lastH
      ? { is: 'joined' }
      : { is: 'unlinked', why: `entry #${seq}: its "prev" is not the hash of entry #${seq - 1}` }
  return h === lastH
    ? { is: 'joined' }
    : { is: 'other', why: `its entry #${seq} has another hash than the one that was read` }
}

/** Whether the ledger itself tells that all before `first` was pruned. Rejects when it can't be read to its end. */
export async function isPrunedUpTo(
  first: number,
  link: Pick<CoreLink, 'head' | 'follow'>,
  signal: AbortSignal,
): Promise<boolean> {
  const size = await link.head()
  for await (const { seq, kind, data } of link.follow(first, signal)) {
    if (kind === 'ledger.pruned' && data.upTo === first) return true
    if (seq >= size - 1) return false
  }
  throw new Error(`entries are missing before #${first}, and what follows can't be read to its end`)
}
