import { type Database, indexPath, isWrong, openDatabase, removeIndex } from './database.ts'

/** The index of a ledger, opened when it is first used. One use at a time. */
export interface HeldIndex {
  /** What turns out to be wrong is thrown away before anybody else can open it; the error goes to the caller. */
  use<T>(work: (db: Database) => Promise<T>): Promise<T>
  /** Lets it go, for other processes; the next use opens it again. */
  close(): void
}

export function heldIndex(dir: string): HeldIndex {
  const path = indexPath(dir)
  let db: Database | null = null
  function close(): void {
    const open = db
    db = null
    open?.close()
  }
  return {
    async use(work) {
      db ??= await openDatabase(path)
      try {
        return await work(db)
      } catch (error) {
        if (isWrong(error)) {
          removeIndex(path)
          close()
        }
        throw error
      }
    },
    close,
  }
}
