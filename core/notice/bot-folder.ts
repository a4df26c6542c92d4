import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../fault.ts'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

const OTHERS_MAY_PASS = 0o001

/** Makes the bot's own folder (0700), its user's where it has one. One that is there already is left as it is. */
export function makeBotFolder(folder: string, owner: Owner | null): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    throw error
  }
  if (owner !== null) chownSync(folder, owner.uid, owner.gid)
}

/**
 * Lets other users through heald's state folder to what is theirs in it. What is in there keeps them out by itself
 * (`ledger`, `run`, `logs`, `cache`, heald's own socket), and the list of names stays closed.
 */
export function letThrough(state: string, path: string): void {
  if (dirname(path) !== state) return
  const { mode } = statSync(state)
  if ((mode & OTHERS_MAY_PASS) === 0) chmodSync(state, (mode & 0o7777) | OTHERS_MAY_PASS)
}
