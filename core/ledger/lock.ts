import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bootId } from '../clock.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { readPlain } from './plain-file.ts'

export interface Lock {
  release(): void
}

const SQLITE_BUSY = 5
const MOST_NOTE_BYTES = 128

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
    throw new Fault(
      'ledger.locked',
      `the ledger in ${dir} is being written by ${pid === null ? 'another process' : `process ${pid}`}`,
      {
        hint: `if that is a daemon, use it, or stop it first${pid === null ? '' : ` (kill ${pid})`}; a command, such as a prune, ends by itself: ask again then`,
        cause: error,
      },
    )
  }
  try {
    rmSync(pidFile, { force: true, recursive: true })
    writeFileSync(pidFile, ownNote(), { mode: 0o600 })
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
  const pidFile = join(dir, 'lock.pid')
  return existsSync(pidFile) && holder(pidFile) !== null
}

/** One fact a line: the pid, and what tells that process from a later one with its number. */
function ownNote(): string {
  return `${process.pid}\n${bootId()}\n${processOf(process.pid)?.startTicks ?? ''}\n`
}

/** Who holds the lock, as far as its own note says; null when that process is no more. */
function holder(pidFile: string): number | null {
  let note: string
  try {
    note = readPlain(pidFile, MOST_NOTE_BYTES)
  } catch (error) {
    // It is written a moment after the lock is had, and removed a moment before that is given back.
    if (codeOf(error) !== 'ENOENT') process.emitWarning(`can't read ${pidFile}: ${messageOf(error)}`)
    return null
  }
  // Older versions wrote the pid alone.
  const [text = '', boot = '', startTicks = ''] = note.split('\n')
  const pid = Number(text.trim())
  if (!Number.isSafeInteger(pid) || pid <= 0 || !existsSync(`/proc/${pid}`)) return null
  if (boot !== '' && boot !== bootId()) return null
  const found = processOf(pid)
  if (found === null) return pid
  const isOther = startTicks !== '' && startTicks !== found.startTicks
  return isOther || found.isDead ? null : pid
}

interface Process {
  /** When it started, in clock ticks since the boot. */
  readonly startTicks: string
  /** Though its parent has not asked for its end yet. */
  readonly isDead: boolean
}

/** Null where that may not be seen: `/proc` can hide the processes of others. */
function processOf(pid: number): Process | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // The name before them may hold anything, spaces and parentheses too: proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', startTicks = ''] = [fields[0], fields[19]]
  return { startTicks, isDead: state === 'Z' || state === 'X' }
}
