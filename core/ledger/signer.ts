import type { KeyObject } from 'node:crypto'
import type { Draft, Entry } from '../entry.ts'
import { Fault, messageOf } from '../fault.ts'
import { type Checkpoint, claimOf, signCheckpoint } from './checkpoint.ts'
import { originOf } from './epochs.ts'
import { keepCheckpoint, keptNote, latestCheckpoint, writeLatest } from './kept.ts'
import { genesisOf, keyEntries } from './key-entries.ts'
import type { KeyStore } from './keys.ts'
import type { Recorded } from './ledger.ts'
import { rawPublicKey, verifierKey, vkeyOf } from './note.ts'
import { readEntry } from './read.ts'
import { type Digest, toHex } from './tree/hash.ts'
import type { TreeKeeper } from './tree/keeper.ts'
import { consistencyProof, rootAt, verifyConsistency } from './tree/proof.ts'
import { openTree, type TreeReader, treeOfSegments } from './tree/reader.ts'

/*
 * Life of a key
 *
 * 1. The new key is made, durably.
 * 2. `key.rotated` tells of it, durably.
 * 3. The old key signs the checkpoint that ends with this entry (the handover), and so does the new one; it is kept for ever.
 * 4. The old key is overwritten and removed: nobody can sign the past again.
 *
 * A kill between two of these is made good at the next start. Nothing else is signed meanwhile.
 */

export interface Signer {
  /** Takes up the key, finishes what a kill interrupted, and looks whether the last checkpoint still fits the ledger. */
  begin(): Promise<void>
  /** Signs what the ledger is now, and writes it beside the ledger. Null: the tree has not caught up, or there is no key. */
  checkpoint(): Promise<{ readonly note: string; readonly size: number } | null>
  /** Begins a new epoch. Throws a Fault where that can't be recorded. */
  rotate(by: string): Promise<{ readonly epoch: number; readonly vkey: string; readonly seq: number }>
  /** The public key of the present epoch, as people keep it; null: there is none. */
  vkey(): string | null
  /** Entries that the newest checkpoint covers; null: there is none. */
  size(): number | null
  /** Does `work` while nothing is signed and no key changes. */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when nothing is under way. */
  settled(): Promise<void>
}

export interface SignerOptions {
  readonly dir: string
  readonly keys: KeyStore
  readonly tree: TreeKeeper
  readonly append: (draft: Draft) => Promise<Recorded | null>
  readonly onTrouble: (what: string) => void
}

interface Current {
  readonly epoch: number
  readonly key: KeyObject
  readonly vkey: string
}

export function createSigner({ dir, keys, tree, append, onTrouble }: SignerOptions): Signer {
  let origin = ''
  let current: Current | null = null
  let turn: Promise<unknown> = Promise.resolve()
  let signedSize: number | null = null
  /** A new key is told of, and the old one has not vouched for it yet. */
  let owed: { readonly older: number; readonly newer: number; readonly seq: number } | null = null

  /** One at a time: nothing may be signed between the entry of a new key and its handover. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  function use(epoch: number, key: KeyObject): void {
    const verifier = verifierKey(origin, rawPublicKey(key))
    current = verifier === null ? null : { epoch, key, vkey: vkeyOf(verifier) }
  }

  async function takeUp(): Promise<void> {
    const genesis = await genesisOf(dir)
    if (genesis === null) return onTrouble('checkpoints are not signed: the first entry is not there')
    origin = originOf(genesis)
    keys.tidy()
    const epochs = keys.epochs()
    const newest = epochs.at(-1)
    if (newest === undefined) return firstKey(genesis)
    const older = epochs.at(-2)
    if (older === undefined) return use(newest, keys.load(newest))
    const { rotations } = await keyEntries(dir)
    const epoch = rotations.findLast(({ data }) => data.epoch === newest)
    const told = epoch !== undefined && epoch.data.publicKey === publicOf(keys.load(newest)) ? epoch : undefined
    if (told === undefined) {
      // It was made, and nobody was told of it; it may be half erased already.
      await keys.erase(newest)
      return use(older, keys.load(older))
    }
    owed = { older, newer: newest, seq: told.seq }
    await payOwed()
  }

  /** A ledger that was begun without keys gets its first one; one whose key is gone has to be told so by a person. */
  async function firstKey(genesis: Entry): Promise<void> {
    if (genesis.data.publicKey != null || (await keyEntries(dir)).rotations.length > 0)
      return onTrouble('checkpoints are not signed: the key in "keys" is gone. "heald keygen" begins a new epoch')
    const key = await keys.create(0)
    await append({ kind: 'key.rotated', data: { epoch: 0, publicKey: publicOf(key) } })
    use(0, key)
  }

  /** Finishes the handover that was begun; while that fails nothing is signed. */
  async function payOwed(): Promise<void> {
    if (owed === null) return
    const { older, newer, seq } = owed
    current = null
    await tree.caughtUp()
    const size = seq + 1
    const root = await rootOf(size)
    const kept = claimOf(keptNote(dir, size) ?? '')
    // The old key may be half erased already: then what it had to sign is there.
    if (kept?.origin !== origin || kept.size !== size || kept.root !== root)
      // The new key signs it too: who is given that one has something signed with it at once.
      await keepCheckpoint(dir, size, signCheckpoint({ origin, size, root }, keys.load(older), keys.load(newer)))
    await keys.erase(older)
    use(newer, keys.load(newer))
    owed = null
  }

  /** Root at an earlier size, which is proved to belong to what the tree is now. */
  async function rootOf(size: number): Promise<Digest> {
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

  /** The last one that was signed: the ledger must have grown from there. */
  async function checkLast(): Promise<void> {
    await tree.caughtUp()
    const head = tree.head()
    const note = latestCheckpoint(dir)
    const claim = note === null ? null : claimOf(note)
    signedSize = claim?.size ?? null
    if (head === null || note === null || claim === null) return
    const why = claim.origin === origin && claim.size <= head.size ? await differs(claim) : another(claim, origin)
    if (why === null) return
    // Kept, because the next one takes its place, and it tells of another past.
    await keepCheckpoint(dir, claim.size, note)
    // A ledger that is too short was told of by the start itself.
    if (claim.size > head.size) return
    await append({ kind: 'integrity.alert', data: { what: 'the ledger was rewritten', why, seq: claim.size - 1 } })
  }

  async function differs(claim: Checkpoint): Promise<string | null> {
    const root = await rootOf(claim.size)
    return root === claim.root
      ? null
      : `the checkpoint of ${claim.size} entries has the root ${toHex(claim.root)}, and the ledger has ${toHex(root)}`
  }

  return {
    begin: () =>
      inTurn(async () => {
        try {
          await takeUp()
          await checkLast()
        } catch (error) {
          onTrouble(`checkpoints are not signed: ${messageOf(error)}`)
        }
      }),
    checkpoint: () =>
      inTurn(async () => {
        await payOwed()
        const head = tree.head()
        if (head === null || head.size === 0 || current === null) return null
        const last = await readEntry(dir, head.size - 1)
        // What ends with the entry of a new key is of the old one: that is the handover.
        const isHandover =
          last !== null && 'entry' in last && last.entry.kind === 'key.rotated' && last.entry.data.epoch !== 0
        const note = isHandover ? keptNote(dir, head.size) : signCheckpoint({ origin, ...head }, current.key)
        if (note === null) return null
        await writeLatest(dir, note)
        signedSize = head.size
        return { note, size: head.size }
      }),
    rotate: by =>
      inTurn(async () => {
        await tree.caughtUp()
        if (origin === '' || tree.head() === null)
          throw new Fault('ledger.key', 'a new epoch can’t begin: the tree over the ledger is not kept', {
            hint: '"heald ledger verify" shows whether the ledger is damaged',
          })
        await payOwed()
        const older = current?.epoch ?? null
        const newer = older === null ? await nextEpoch(dir) : older + 1
        const key = await keys.create(newer)
        const why = older === null && newer > 0 ? { why: 'the key of the epoch before is gone' } : {}
        const data = { epoch: newer, publicKey: publicOf(key), ...why }
        const told = await append({ kind: 'key.rotated', actor: by, data })
        if (told === null) throw new Fault('ledger.degraded', 'the new key could not be recorded', { retry: 5000 })
        if (older === null) use(newer, key)
        else {
          owed = { older, newer, seq: told.seq }
          await payOwed()
        }
        return { epoch: newer, vkey: current?.vkey ?? '', seq: told.seq }
      }),
    exclusively: inTurn,
    vkey: () => current?.vkey ?? null,
    size: () => signedSize,
    settled: async () => void (await turn),
  }
}

function publicOf(key: KeyObject): string {
  return rawPublicKey(key).toString('base64')
}

function another(claim: Checkpoint, origin: string): string {
  return `the last checkpoint is of ${claim.size} entries of ${claim.origin}, and this ledger is ${origin}`
}

async function nextEpoch(dir: string): Promise<number> {
  const { genesis, rotations } = await keyEntries(dir)
  const last = rotations.at(-1)
  if (last !== undefined) return Number(last.data.epoch) + 1
  return genesis?.data.publicKey == null ? 0 : 1
}
