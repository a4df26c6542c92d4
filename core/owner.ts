import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Fault } from './fault.ts'

/** Whether what this process makes in the folder `dir` belongs to whom the folder belongs to. */
export function isOwn(dir: string): boolean {
  return process.geteuid?.() === statSync(dir).uid
}

/**
 * A Fault where this process, as root say, may write another user's ledger: what it made there, that user's heald could
 * not write any more. Where nothing is there, or may be written, there is nothing to spoil.
 */
export function mustBeOwn(state: string): void {
  const dir = join(state, 'ledger')
  try {
    accessSync(dir, constants.W_OK)
  } catch {
    return
  }
  if (isOwn(dir)) return
  const why = 'which could not write it any more if another user had'
  throw new Fault('usage.user', `the ledger in ${state} belongs to ${named(ownerOf(dir))}'s heald, ${why}`, {
    hint: `run it as that user: ${asOwnerOf(dir)} --state ${state}`,
  })
}

/** The user number of the ledger in `state`; null where there is none. */
export function ledgerOwner(state: string): number | null {
  return statSync(join(state, 'ledger'), { throwIfNoEntry: false })?.uid ?? null
}

/** The command line by which the owner of `path` asks, or of the nearest folder above it that may be looked at. */
export function asOwnerOf(path: string): string {
  const uid = ownerOf(path)
  const who = uid === 0 ? '' : ` -u ${nameOf(uid) ?? `'#${uid}'`}`
  return `sudo${who} heald …`
}

/** The hint where what heald has made at `path` can't be read. */
export function askAsOwnerOf(path: string): string {
  return `ask as the user heald runs as: ${asOwnerOf(path)}`
}

function ownerOf(path: string): number {
  try {
    return statSync(path).uid
  } catch (error) {
    if (path === dirname(path)) throw error
    return ownerOf(dirname(path))
  }
}

function named(uid: number): string {
  return nameOf(uid) ?? `user ${uid}`
}

/** Null for a number that has no name here: a container's, say, or a network's. */
function nameOf(uid: number): string | null {
  try {
    const users = readFileSync('/etc/passwd', 'utf8').split('\n')
    return users.map(user => user.split(':')).find(([, , number]) => number === String(uid))?.[0] ?? null
  } catch {
    return null
  }
}
