import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'

// The folder of a linked device. Only the child works in it.

/** Makes the folder ours alone: what is in it can send messages in somebody's name. */
export async function prepareFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const lock = join(folder, 'session', 'SingletonLock')
  // `<host>-<pid>`. After a power cut, or under another host name, Chromium would not start for it.
  const pid = /-(\d+)$/.exec(await readlink(lock).catch(() => ''))?.[1]
  if (pid === undefined) return
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (!command.includes(folder)) await rm(lock, { force: true })
}

/** Whether a device was paired; without that no browser is started at all, but to pair one. */
export function isPaired(folder: string): boolean {
  return existsSync(markOf(folder))
}

/** The last step of a pairing: what the browser has written is complete. */
export function markPaired(folder: string): void {
  writeFileSync(markOf(folder), `${new Date().toISOString()}\n`, { mode: 0o600, flush: true })
}

/**
 * What is left of a device that is not linked any more, or of a pairing that was broken off. At once: after a log-out the
 * library makes the folder of the session anew.
 */
export function forget(folder: string): void {
  rmSync(join(folder, 'session'), { recursive: true, force: true, maxRetries: 3 })
  // Last: without the mark, a pairing may begin to fill the folder anew.
  rmSync(markOf(folder), { force: true })
}

/** The file that says that a device was paired. */
export function markOf(folder: string): string {
  return join(folder, 'paired')
}
