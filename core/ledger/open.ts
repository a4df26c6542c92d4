import { mkdirSync } from 'node:fs'
import type { Clock } from '../clock.ts'
import type { Data } from '../entry.ts'
import { Fault, messageOf } from '../fault.ts'
import { createWriter } from './append.ts'
import { checkpointer } from './checkpointer.ts'
import { eraseText, finishErasures } from './erase.ts'
import { searchOnDemand } from './index/on-demand.ts'
import { type KeyStore, keyStore } from './keys.ts'
import type { Ledger } from './ledger.ts'
import { type Lock, takeLock } from './lock.ts'
import { rawPublicKey } from './note.ts'
import { finishPrune, type Pruned, type PruneOrder, prune } from './prune.ts'
import { recover } from './recover.ts'
import { reserveIn } from './reserve.ts'
import { type Keep, keepRetention } from './retention.ts'
import { createSigner } from './signer.ts'
import { treeKeeper } from './tree/keeper.ts'

export interface LedgerOptions {
  /** `<state>/ledger`; made when missing. */
  readonly dir: string
  /** Name of this host, for the genesis entry. */
  readonly host: string
  /** First part of the ledger's name, fixed at genesis; left out: `<host>/heald`. */
  readonly origin?: string
  readonly version: string
  readonly clock: Clock
  /** The kernel's id of this boot. */
  readonly bootId: string
  /** Known secrets: never written, in whichever field they turn up. */
  readonly redact: readonly string[]
  /** False: entries are durable only as far as the operating system is trusted not to crash. */
  readonly fsync: boolean
  /** The least time between two checkpoints that are made by themselves; left out: 10 s. */
  readonly checkpointEveryMs?: number
  /** Entries older than this are pruned; left out: none. */
  readonly keep?: Keep
  /** The folded state, asked for at each rotation, when every durable entry has been told to the followers. */
  readonly snapshot?: () => Data | undefined
  /** Trouble in words, for the daemon's own log. Left out: process warnings. */
  readonly onTrouble?: (what: string) => void
}

const TREE_AFTER_MS = 200
const CHECKPOINT_EVERY_MS = 10_000
/** How long a checkpoint that is asked for waits for the tree of a ledger that was opened just now. */
const BEGINNING_MS = 20_000
const LAST_CHECKPOINT_MS = 2000

/**
 * Opens the ledger for writing. There is one writer at a time: a second one gets a Fault (`ledger.locked`) naming the
 * first one's pid. A folder that can't be written is no error: the ledger is then `degraded` and keeps trying.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { dir, version, clock, redact, fsync } = options
  const host = hostName(options.host)
  let lock: Lock | null = null
  const onTrouble = options.onTrouble ?? (what => process.emitWarning(what))
  const tree = treeKeeper({ dir, onTrouble, onDamage: found => onDamage(found) })
  const keys = keyStore(dir)
  const writer = createWriter({
    dir,
    genesis: async () => {
      const publicKey = await firstKey(keys, onTrouble)
      return { host, origin: options.origin ?? `${host}/heald`, version, publicKey }
    },
    clock,
    boot: options.bootId.slice(0, 8),
    redact,
    fsync,
    snapshot: options.snapshot ?? (() => undefined),
    onTrouble,
    tree,
    async start() {
      mkdirSync(dir, { recursive: true, mode: 0o700 })
      lock ??= await takeLock(dir)
      await finishPrune(dir)
      return recover(dir, fsync)
    },
    stop() {
      lock?.release()
      lock = null
    },
  })
  const onDamage = (found: { readonly segment: string; readonly seq: number }): void => {
    const why = `the entries before it do not have the tree's root that entry #${found.seq} tells of`
    writer
      .append({ kind: 'integrity.alert', data: { what: 'an older segment was changed', why, ...found } })
      .catch(() => {})
  }
  await writer.begin()
  const reserve = reserveIn(dir, clock)
  if (fsync) {
    await reserve.keep()
    writer.onDurableKinds(kinds => void reserve.follow(kinds))
  }
  const signer = createSigner({ dir, keys, tree, append: writer.appendForCertain, onTrouble })
  const checkpoints = checkpointer(signer, clock, options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS, onTrouble)
  const beginning = Promise.withResolvers<void>()
  // Nobody needs them at once, and there is much to do at a start.
  let cancelTree = clock.after(TREE_AFTER_MS, beginTree)
  function beginTree(): void {
    if (!writer.isStarted()) {
      // The disk can't be read: nothing is under way, so nobody has to wait for it.
      beginning.resolve()
      cancelTree = clock.after(TREE_AFTER_MS, beginTree)
      return
    }
    tree.begin(writer.head().size)
    const begun = signer.begin()
    beginning.resolve(begun)
    void begun.then(checkpoints.moved)
    finishErasures(dir, writer.appendForCertain).catch(error =>
      onTrouble(`an erasure could not be finished: ${messageOf(error)}`),
    )
  }
  const search = searchOnDemand({ dir, clock, size: () => writer.head().size, onTrouble })
  writer.onDurableKinds(() => {
    checkpoints.moved()
    search.moved()
  })
  let under: Promise<unknown> = Promise.resolve()
  const { keep } = options
  const retention =
    keep === undefined ? null : keepRetention({ dir, keep, clock, prune: order => awaited(pruned(order)), onTrouble })
  return {
    ...writer,
    async checkpoint() {
      await within(beginning.promise, BEGINNING_MS, clock)
      return (await signer.checkpoint()) ?? failedCheckpoint(signer.unfit())
    },
    async rotateKey(by) {
      await within(beginning.promise, BEGINNING_MS, clock)
      return awaited(signer.rotate(by))
    },
    prune: order => awaited(pruned(order)),
    erase: (seq, by) => awaited(eraseText(dir, seq, by, writer.appendForCertain)),
    find: search.find,
    vkey: signer.vkey,
    checkpointSize: signer.size,
    async settled() {
      await beginning.promise
      await signer.settled()
    },
    async close(timeoutMs) {
      cancelTree()
      retention?.stop()
      await search.close()
      await within(
        under.then(() => checkpoints.close()),
        LAST_CHECKPOINT_MS,
        clock,
      )
      await writer.close(timeoutMs)
    },
    async spendReserve() {
      if (writer.head().recording === 'ok') return true
      return (await reserve.spend()) && writer.retry()
    },
  }

  /**
   * The lock is not given back while it is under way, as far as a close may wait. Who ordered it is told when the disk does
   * not answer; it is carried out all the same, if it turns out to be recorded.
   */
  function awaited<T>(work: Promise<T>): Promise<T> {
    under = Promise.allSettled([under, work])
    const { promise, reject } = Promise.withResolvers<T>()
    const unsubscribe = writer.onStall(fault => {
      reject(fault)
      work.catch(error => onTrouble(`what was ordered while the disk did not answer is not done: ${messageOf(error)}`))
    })
    return Promise.race([promise, work]).finally(unsubscribe)
  }

  async function pruned(order: PruneOrder): Promise<Pruned> {
    await within(beginning.promise, BEGINNING_MS, clock)
    await signer.checkpoint()
    try {
      const done = await signer.exclusively(() => prune(dir, order, writer.appendForCertain))
      // Until the entry that tells of it is signed, nothing proves that what is gone was pruned.
      await signer.checkpoint().catch(error => onTrouble(`what was pruned is not signed yet: ${messageOf(error)}`))
      return done
    } finally {
      search.begunAnew()
    }
  }
}

/** A host's name as origins allow it: `[a-z0-9.-]{1,63}`. */
function hostName(name: string): string {
  const clean = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .slice(0, 63)
  return clean === '' ? 'host' : clean
}

/** Public key of the first epoch, base64; null: it can't be made now, and an entry will tell of it. */
async function firstKey(keys: KeyStore, onTrouble: (what: string) => void): Promise<string | null> {
  try {
    return rawPublicKey(await keys.create(0)).toString('base64')
  } catch (error) {
    onTrouble(`the ledger begins without a key: ${messageOf(error)}`)
    return null
  }
}

function failedCheckpoint(unfit: string | null): never {
  if (unfit !== null)
    throw new Fault('ledger.checkpoint', `no checkpoint can be signed: ${unfit}`, {
      hint: '"heald keygen" begins a new epoch of keys; entries are recorded as ever',
    })
  throw new Fault('ledger.checkpoint', 'no checkpoint can be made now', {
    hint: "right after a start try again in a moment; else heald's own log says what is wrong",
    retry: 1000,
  })
}

/** Resolves when `work` does, or after so long. */
function within(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = clock.after(ms, resolve)
  void work.then(() => {
    cancel()
    resolve()
  })
  return promise
}
