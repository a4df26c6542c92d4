import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Adapter, Low } from 'lowdb'
import { codeOf, messageOf } from '../core/fault.ts'
import { type Asked, askedFrom } from './asked.ts'
import { type Cards, cardsFromJson, cardsToJson } from './cards.ts'
import { type Item, isItem, newItem } from './item.ts'
import { notWitnessed, type Witnessed } from './witness.ts'

/** What the bot remembers: how far it has read the ledger, the cards, and what stands where. */
export interface Remembered {
  readonly cards: Cards
  readonly items: Map<string, Item>
  readonly asked: Asked
  readonly witnessed: Witnessed
}

/**
 * The state in one file. It can always be lost: the ledger knows all that matters. So nothing that is wrong with it stops
 * the bot.
 */
export interface Store {
  /** Null: there was none, or one that makes no sense, which is kept aside. */
  read(): Promise<Remembered | null>
  /**
   * Makes `remembered` durable as it is when the write begins. Calls while one runs share the next one. Never rejects: what
   * is wrong is told by `warn` once, until a write succeeds again.
   */
  save(remembered: Remembered): Promise<void>
}

interface Json {
  readonly v: 1
  readonly cards: object
  readonly items: readonly Item[]
  readonly asked: Asked
  readonly witnessed: Witnessed
}

const MOST_BYTES = 64 * 1024 * 1024

export function openStore(folder: string, warn: (text: string) => void): Store {
  const file = join(folder, 'state.json')
  const db = new Low<Json | null>(durableFile(file), null)
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  let isFailing = false

  async function write({ cards, items, asked, witnessed }: Remembered): Promise<void> {
    db.data = { v: 1, cards: cardsToJson(cards), items: [...items.values()], asked, witnessed }
    try {
      await db.write()
      if (isFailing) warn('the state can be saved again')
      isFailing = false
    } catch (error) {
      if (!isFailing)
        warn(`the state can't be saved, so after a crash something may be told twice: ${messageOf(error)}`)
      isFailing = true
    } finally {
      db.data = null
    }
  }

  return {
    async read() {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await db.read()
        const found = db.data === null ? null : rememberedFrom(db.data)
        if (found !== null || db.data === null) return found
        warn(`${file} makes no sense, so it is put aside, and the bot goes on from the ledger`)
      } catch (error) {
        warn(`${file} can't be read, so the bot goes on from the ledger: ${messageOf(error)}`)
      } finally {
        db.data = null
      }
      await rename(file, `${file}.bad`).catch(() => {})
      return null
    },
    save(remembered) {
      if (running === null) {
        running = write(remembered).finally(() => {
          running = null
        })
        return running
      }
      next ??= running.then(() => {
        next = null
        return this.save(remembered)
      })
      return next
    },
  }
}

/** Writes beside, syncs, renames, syncs the folder: whatever happens there is a whole file. */
function durableFile(file: string): Adapter<Json | null> {
  return {
    async read() {
      try {
        const text = await readFile(file, 'utf8')
        return text.length > MOST_BYTES ? null : JSON.parse(text)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw error
      }
    },
    async write(data) {
      // Before anything is waited for: what is written has to be of one turn, or a mark could be kept without its message.
      const text = JSON.stringify(data)
      const beside = `${file}.new`
      const handle = await open(beside, 'w', 0o600)
      try {
        await handle.writeFile(text)
        await handle.datasync()
      } finally {
        await handle.close()
      }
      await rename(beside, file)
      const folder = await open(dirname(file))
      try {
        await folder.sync()
      } finally {
        await folder.close()
      }
    },
  }
}

function rememberedFrom(json: unknown): Remembered | null {
  if (typeof json !== 'object' || json === null) return null
  const { v, cards, items, asked, witnessed } = json as { readonly [key: string]: unknown }
  const folded = cardsFromJson(cards)
  if (v !== 1 || folded === null || !Array.isArray(items) || !items.every(isItem)) return null
  const whole = new Map(items.map(item => [item.id, wholeOf(item)]))
  return { cards: folded, items: whole, asked: askedFrom(asked), witnessed: sound(witnessed) }
}

/** Of an earlier version, there is none: then the first post is due at once. */
function sound(json: unknown): Witnessed {
  const { closedSeq, postedSize, postedMs } = (json ?? {}) as Partial<Witnessed>
  const isSound = [closedSeq, postedSize, postedMs].every(value => typeof value === 'number')
  return isSound ? (json as Witnessed) : notWitnessed(0)
}

/** Of an earlier version, it lacks what this one knows. */
function wholeOf(item: Item): Item {
  return { ...newItem({ ...item, graceMs: 0 }), ...item }
}
