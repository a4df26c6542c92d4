import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, messageOf } from '../fault.ts'
import { readPlain } from './plain-file.ts'

export interface Lock {
  release(): void
}

const SQLITE_BUSY = 5
const MOST_PID_BYTES = 64

/**
 * Takes the ledger's only writer's seat. The kernel gives it back when the process dies, however it dies.
 * Nothing else in this process may open the file `lock`: closing any descriptor of it would drop the lock (POSIX).
 * Throws a Fault (`ledger.locked`) that names the holder, or the system's error when the folder can't be written.
 */
export async function takeLock(dir: string): Promise<Lock> {
  // Loaded here because a reader of the ledger, such as the command line, never needs it.
  const { DatabaseSync } = await import('node:sqlite')
  const pidFile = join(dir, 'lock.pid')
  const database = new DatabaseSync(join(dir, 'lock'), { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if ((error as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw error
    const pid = holder(pidFile)
    throw new Fault('ledger.locked', `the ledger in ${dir} is being written by process ${pid ?? '(unknown)'}`, {
      hint: `use the daemon that is running, or stop it first${pid === null ? '' : ` (kill ${pid})`}`,
      cause: error,
    })
  }
  try {
    rmSync(pidFile, { force: true, recursive: true })
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  } catch (error) {
    database.close()
    throw error
  }
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      // First the name, then the lock: the next holder's name must not be the one that is removed.
      try {
        rmSync(pidFile, { force: true })
      } finally {
        database.close()
      }
    },
  }
}

/** Whether a process that says it writes this ledger is alive. Takes no lock: the files may be a copy, or read-only. */
export function hasWriter(dir: string): boolean {
  const pid = existsSync(join(dir, 'lock.pid')) ? holder(join(dir, 'lock.pid')) : null
  return pid !== null && existsSync(`/proc/${pid}`)
}

/** Who holds the lock, as far as its own note says. */
function holder(pidFile: string): number | null {
  try {
    const pid = Number(readPlain(pidFile, MOST_PID_BYTES).trim())
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null
  } catch (error) {
    process.emitWarning(`can't read ${pidFile}: ${messageOf(error)}`)
    return null
  }
}
