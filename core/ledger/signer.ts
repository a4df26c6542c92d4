import type { KeyObject } from 'node:crypto'
import type { Draft, Entry } from '../entry.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { type Checkpoint, claimOf, openCheckpoint, signCheckpoint } from './checkpoint.ts'
import { originOf } from './epochs.ts'
import { keepCheckpoint, keptNote, latestCheckpoint, writeLatest } from './kept.ts'
import { genesisOf, keyEntries } from './key-entries.ts'
import type { KeyStore } from './keys.ts'
import type { KeyMade, Recorded } from './ledger.ts'
import { listEntries } from './list.ts'
import { rawPublicKey, verifierKey, vkeyOf } from './note.ts'
import { provenRoot } from './proven-root.ts'
import { readEntry } from './read.ts'
import { receiptOf } from './receipt.ts'
import { toldKey } from './told-key.ts'
import { toHex } from './tree/hash.ts'
import type { TreeKeeper } from './tree/keeper.ts'

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
  rotate(by: string): Promise<KeyMade>
  /** The public key of the present epoch, as people keep it; null: there is none. */
  vkey(): string | null
  /** Why no key may sign until a new epoch begins, in words; null: one may, or that is not known yet. */
  unfit(): string | null
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
  /** Settles when it is known whether the entry is stored, however long the disk takes. */
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
  let unfit: string | null = null
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
    unfit = null
  }

  async function takeUp(): Promise<void> {
    const genesis = await genesisOf(dir)
    if (genesis === null) return onTrouble('checkpoints are not signed: the first entry is not there')
    origin = originOf(genesis)
    keys.tidy()
    const why = await putInOrder()
    if (why !== null) onTrouble(`checkpoints are not signed: ${why}. "heald keygen" begins a new epoch`)
  }

  /** Makes the keys be those that the entries tell of, whatever was interrupted or refused. Null, or why none may sign. */
  async function putInOrder(): Promise<string | null> {
    try {
      unfit = await asTold()
    } catch (error) {
      if (codeOf(error) !== 'ledger.key') throw error
      current = null
      unfit = messageOf(error)
    }
    return unfit
  }

  async function asTold(): Promise<string | null> {
    const newest = keys.epochs().at(-1)
    if (newest !== undefined && (await hasSignedLast(newest))) {
      use(newest, keys.load(newest))
      return null
    }
    const told = toldKey(await keyEntries(dir))
    if (told === null) return firstKey()
    if (newest === undefined) return 'the key in "keys" is gone'
    const { epoch } = told
    if (newest > epoch && keys.epochs().includes(epoch)) {
      // It was made, and nobody was told of it; it may be half erased already.
      await keys.erase(newest)
      return asTold()
    }
    if (newest !== epoch || told.publicKey !== publicOf(keys.load(newest))) {
      current = null
      return `the key in "keys" is not that of epoch ${epoch}, which the entries tell of`
    }
    const older = epoch - 1
    if (told.hasPredecessor && keys.epochs().includes(older)) {
      owed = { older, newer: newest, seq: told.seq }
      await payOwed()
    } else await onlyKey(newest)
    return null
  }

  /** The usual case, in which few entries have to be looked through. A handover is no proof: two keys have signed it. */
  async function hasSignedLast(epoch: number): Promise<boolean> {
    const note = keys.epochs().length === 1 ? latestCheckpoint(dir) : null
    const claim = note === null ? null : claimOf(note)
    if (note === null || claim === null || keptNote(dir, claim.size) !== null) return false
    const verifier = verifierKey(origin, rawPublicKey(keys.load(epoch)))
    if (verifier === null || !openCheckpoint(note, [verifier]).ok) return false
    const { rows } = await listEntries(dir, { kinds: ['key.rotated'], fromSeq: claim.size }, { limit: 1 })
    return rows.length === 0
  }

  /** From here on it signs, and no other is left that could. */
  async function onlyKey(epoch: number): Promise<void> {
    for (const other of keys.epochs()) if (other !== epoch) await keys.erase(other)
    use(epoch, keys.load(epoch))
  }

  /** No entry tells of a key yet. */
  async function firstKey(): Promise<null> {
    const key = await keys.create(0)
    await append({ kind: 'key.rotated', data: { epoch: 0, publicKey: publicOf(key) } })
    await onlyKey(0)
    return null
  }

  /** Finishes the handover that was begun; while that fails nothing is signed. */
  async function payOwed(): Promise<void> {
    if (owed === null) return
    const { older, newer, seq } = owed
    current = null
    await tree.caughtUp()
    const size = seq + 1
    const root = await provenRoot(dir, tree, size)
    const kept = claimOf(keptNote(dir, size) ?? '')
    // The old key may be half erased already: then what it had to sign is there.
    if (kept?.origin !== origin || kept.size !== size || kept.root !== root)
      // The new key signs it too: who is given that one has something signed with it at once.
      await keepCheckpoint(dir, size, signCheckpoint({ origin, size, root }, keys.load(older), keys.load(newer)))
    await onlyKey(newer)
    owed = null
  }

  /** What the ledger is now, signed; null: the tree has not caught up, or its last entry tells of a key without the one before. */
  async function newest({ key }: Current): Promise<{ readonly note: string; readonly size: number } | null> {
    const head = tree.head()
    if (head === null || head.size === 0) return null
    // What ends with the entry of a new key is of the old one: that is the handover.
    const isHandover = (await rotationAt(head.size - 1)) !== null
    const note = isHandover ? keptNote(dir, head.size) : signCheckpoint({ origin, ...head }, key)
    return note === null ? null : { note, size: head.size }
  }

  /**
   * No key can sign what ends with the entry of one that nobody hands over to: it would be for the lost one. Another entry
   * behind it is of the new key. Whether there is one now.
   */
  async function beginUnvouched({ epoch }: Current): Promise<boolean> {
    const head = tree.head()
    const told = head === null ? null : await rotationAt(head.size - 1)
    if (told?.data.why === undefined) return false
    return (await append({ kind: 'key.begun', data: { epoch } })) !== null
  }

  /** The entry of a new key at `seq`; null: it is another one. */
  async function rotationAt(seq: number): Promise<Entry | null> {
    const found = seq < 0 ? null : await readEntry(dir, seq)
    const isOne = found !== null && 'entry' in found && found.entry.kind === 'key.rotated'
    return isOne && found.entry.data.epoch !== 0 ? found.entry : null
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
    const root = await provenRoot(dir, tree, claim.size)
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
        if (current === null) return null
        const made = (await newest(current)) ?? ((await beginUnvouched(current)) ? await newest(current) : null)
        if (made === null) return null
        await writeLatest(dir, made.note)
        signedSize = made.size
        return made
      }),
    rotate: by =>
      inTurn(async () => {
        await tree.caughtUp()
        const genesis = await genesisOf(dir)
        if (genesis === null || origin === '' || tree.head() === null)
          throw new Fault('ledger.key', 'a new epoch can’t begin: the tree over the ledger is not kept', {
            hint: '"heald ledger verify" shows whether the ledger is damaged',
          })
        // What an earlier try has left is none of the new epoch.
        const why = await putInOrder()
        const older = why === null ? (current?.epoch ?? null) : null
        const newer = (older ?? toldKey(await keyEntries(dir))?.epoch ?? -1) + 1
        if (older === null) await keys.erase(newer)
        const key = await keys.create(newer)
        const data = {
          epoch: newer,
          publicKey: publicOf(key),
          ...(older === null ? { why: 'the key of the epoch before is gone' } : {}),
        }
        const told = await append({ kind: 'key.rotated', actor: by, data })
        if (told === null) throw new Fault('ledger.degraded', 'the new key could not be recorded', { retry: 5000 })
        if (older !== null) {
          owed = { older, newer, seq: told.seq }
          await payOwed()
        } else await onlyKey(newer)
        return { epoch: newer, vkey: current?.vkey ?? '', seq: told.seq, receipt: receiptOf(told.seq, told.h) }
      }),
    exclusively: inTurn,
    vkey: () => current?.vkey ?? null,
    unfit: () => unfit,
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
