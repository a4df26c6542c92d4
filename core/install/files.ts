import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '../fault.ts'
import { againUnit, alarmUnit, botUnit, coreUnit, type InstallPlan, MARK, recoverUnit, usersFile } from './unit-text.ts'
import { whatsAppSocket, whatsAppUnit } from './whatsapp-units.ts'

const UNITS = '/etc/systemd/system'
/** The users. While it is there, a removal that was broken off is known to have left some. */
export const SYSUSERS = '/etc/sysusers.d/heald.conf'
/** All files that an installation may have, whatever its configuration. */
export const FILES = [
  join(UNITS, 'heald.service'),
  join(UNITS, 'heald-recover.service'),
  join(UNITS, 'heald-bot.service'),
  join(UNITS, 'heald-failed.service'),
  join(UNITS, 'heald-back.service'),
  join(UNITS, 'heald-again.service'),
  join(UNITS, 'heald-whatsapp.socket'),
  join(UNITS, 'heald-whatsapp@.service'),
  SYSUSERS,
]
const [CORE = '', RECOVER = '', BOT = '', ALARM = '', BACK = '', AGAIN = '', SOCKET = '', WHATSAPP = ''] = FILES

/** The files of a plan, by path; '' where there is to be none. */
export function filesOf(plan: InstallPlan): ReadonlyMap<string, string> {
  const programAt = (path: string) =>
    fileURLToPath(new URL(`${path}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))
  return new Map([
    [CORE, coreUnit(plan)],
    [RECOVER, recoverUnit(plan)],
    [BOT, botUnit(plan)],
    [ALARM, alarmUnit(plan, programAt('sender'), 'down')],
    [BACK, alarmUnit(plan, programAt('sender'), 'back')],
    [AGAIN, againUnit(plan)],
    [SOCKET, whatsAppSocket(plan)],
    // Run, not loaded: an adapter's business stays its own.
    [WHATSAPP, whatsAppUnit(plan, programAt('../../adapters/chat/whatsapp-child'))],
    [SYSUSERS, usersFile(plan)],
  ])
}

/** A Fault when a file stands in the way that is somebody else's. */
export function mustBeOurs(paths: readonly string[] = FILES): void {
  const foreign = paths.find(path => existsSync(path) && !readFileSync(path, 'utf8').startsWith(MARK))
  if (foreign === undefined) return
  throw new Fault('install.foreign', `${foreign} is there already, and "heald install" did not write it`, {
    hint: 'move it away, or keep it and do without "heald install"',
  })
}

/** Writes a file whole, or removes it where `text` is '', with what was left of a write that was broken off. */
export async function putFile(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`
  if (text === '') {
    await rm(path, { force: true })
    return rm(unfinished, { force: true })
  }
  await mkdir(dirname(path), { recursive: true })
  try {
    await writeFile(unfinished, text, { mode: 0o644, flush: true })
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

/** Removes a folder with all in it, or only when it is empty. */
export async function dropFolder(path: string, whole: boolean): Promise<void> {
  if (!existsSync(path)) return
  if (whole) await rm(path, { recursive: true, force: true })
  else if ((await readdir(path)).length === 0) await rmdir(path)
}

/**
 * Makes a folder root's, and what is in it out of everybody's reach: the number of a user who is removed may be another's
 * one day. systemd gives all of it to the unit's user when it starts the unit again.
 */
export async function closeFolder(path: string): Promise<void> {
  if (!existsSync(path)) return
  await chown(path, 0, 0)
  await chmod(path, 0o700)
}
