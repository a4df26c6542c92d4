import { setPriority } from 'node:os'
import { catchUp } from './catch-up.ts'
import { indexPath, openDatabase } from './database.ts'

/** Brings the index of the ledger in the folder that is named up to date, as a process of its own. */
const [dir = ''] = process.argv.slice(2)
setPriority(10)
const db = openDatabase(indexPath(dir))
await catchUp(db, dir)
db.close()
