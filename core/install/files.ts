import { existsSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '../fault.ts'
import {
  againUnit,
  alarmUnit,
  BOT_USER,
  botUnit,
  coreUnit,
  type InstallPlan,
  MARK,
  recoverUnit,
  usersFile,
  WHATSAPP_USER,
} from './unit-text.ts'
import { whatsAppSocket, whatsAppUnit } from './whatsapp-units.ts'

/** A unit that an installation may have. */
export interface InstalledUnit {
  readonly name: string
  /** Its file; '' where there is to be none. */
  readonly text: (plan: InstallPlan) => string
  readonly starts: 'with the installation' | 'at boot' | 'when it is called'
  /** Whom it runs as, where it is a user of its own, with a folder of its name. */
  readonly user?: string
}

const programAt = (path: string) =>
  fileURLToPath(new URL(`${path}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url))
const SENDER = programAt('sender')
// Run, not loaded: an adapter's business stays its own.
const WHATSAPP_CHILD = programAt('../../adapters/chat/whatsapp-child')

/** All units, whatever the configuration, in the order in which they are started; they are ended the other way round. */
export const UNITS: readonly InstalledUnit[] = [
  { name: 'heald-back.service', text: plan => alarmUnit(plan, SENDER, 'back'), starts: 'when it is called' },
  { name: 'heald-failed.service', text: plan => alarmUnit(plan, SENDER, 'down'), starts: 'when it is called' },
  { name: 'heald-recover.service', text: recoverUnit, starts: 'at boot' },
  { name: 'heald.service', text: coreUnit, starts: 'with the installation' },
  {
    name: 'heald-whatsapp@.service',
    text: plan => whatsAppUnit(plan, WHATSAPP_CHILD),
    starts: 'when it is called',
    user: WHATSAPP_USER,
  },
  { name: 'heald-whatsapp.socket', text: whatsAppSocket, starts: 'with the installation' },
  { name: 'heald-bot.service', text: botUnit, starts: 'with the installation', user: BOT_USER },
  { name: 'heald-again.service', text: againUnit, starts: 'when it is called' },
]

export const pathOf = ({ name }: InstalledUnit): string => join('/etc/systemd/system', name)
/** The users. While it is there, a removal that was broken off is known to have left some. */
export const SYSUSERS = '/etc/sysusers.d/heald.conf'
/** All files that an installation may have, whatever its configuration. */
export const FILES: readonly string[] = [...UNITS.map(pathOf), SYSUSERS]

/** The files of a plan, by path; '' where there is to be none. */
export function filesOf(plan: InstallPlan): ReadonlyMap<string, string> {
  return new Map([...UNITS.map(unit => [pathOf(unit), unit.text(plan)] as const), [SYSUSERS, usersFile(plan)]])
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
