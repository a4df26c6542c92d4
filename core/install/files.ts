import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { chmod, chown, mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '../fault.ts'
import { wordAfter } from './command-line.ts'
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
  usersOf,
  WHATSAPP_USER,
} from './unit-text.ts'
import { whatsAppSocket, whatsAppUnit } from './whatsapp-units.ts'

/** A unit that an installation may have. */
export interface InstalledUnit {
  readonly name: string
  /** Its file; '' where there is to be none. */
  readonly text: (plan: InstallPlan) => string
  readonly starts: 'with the installation' | 'at boot' | 'when it is called'
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
  },
  { name: 'heald-whatsapp.socket', text: whatsAppSocket, starts: 'with the installation' },
  { name: 'heald-bot.service', text: botUnit, starts: 'with the installation' },
  { name: 'heald-again.service', text: againUnit, starts: 'when it is called' },
]

export const pathOf = ({ name }: InstalledUnit): string => join('/etc/systemd/system', name)
/** The users. While it is there, a removal that was broken off is known to have left some. */
export const SYSUSERS = '/etc/sysusers.d/heald.conf'
/** All files that an installation may have, whatever its configuration. */
export const FILES: readonly string[] = [...UNITS.map(pathOf), SYSUSERS]

/** The files of a plan, by path; '' where there is to be none. `users`: those that heald makes, or has made before. */
export function filesOf(plan: InstallPlan, users = usersOf(plan)): ReadonlyMap<string, string> {
  return new Map([...UNITS.map(unit => [pathOf(unit), unit.text(plan)] as const), [SYSUSERS, usersFile(users)]])
}

/** The users that an installation has made. */
export function usersMade(path = SYSUSERS): string[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return [BOT_USER, WHATSAPP_USER].filter(user => text.includes(`\nu ${user} `))
}

/** A Fault when something stands in the way that is somebody else's. */
export function mustBeOurs(paths: readonly string[] = FILES): void {
  const foreign = paths.find(path => {
    const found = statSync(path, { throwIfNoEntry: false })
    return found !== undefined && !isMasked(path) && !(found.isFile() && readFileSync(path, 'utf8').startsWith(MARK))
  })
  if (foreign === undefined) return
  throw new Fault('install.foreign', `${foreign} is there already, and "heald install" did not write it`, {
    hint: 'move it away, or keep it and do without "heald install"',
  })
}

/** Whether a unit is masked: its file is a link to nowhere, by `systemctl mask`. */
export function isMasked(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && readlinkSync(path) === '/dev/null'
}

/** Whether there is a file of an installation: a mask is none, though it has the name of one. */
export function isThere(path: string): boolean {
  return existsSync(path) && !isMasked(path)
}

/** A Fault when one of `units` is masked, which is somebody's wish that it does not run. */
export function mustNotBeMasked(units: readonly InstalledUnit[]): void {
  const masked = units.find(unit => isMasked(pathOf(unit)))
  if (masked === undefined) return
  throw new Fault('install.masked', `${masked.name} is masked: it is never to be started`, {
    hint: `take that back with: systemctl unmask ${masked.name}`,
  })
}

/** The configuration of the heald that is installed here; null: none is. */
export function installedConfig(path = '/etc/systemd/system/heald.service'): string | null {
  const text = statSync(path, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(path, 'utf8') : ''
  return text.startsWith(MARK) ? wordAfter('--config', text) : null
}

/** Writes a file whole, or removes it where `text` is '', with what was left of a write that was broken off. A mask stays. */
export async function putFile(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`
  if (text === '') {
    if (!isMasked(path)) await rm(path, { force: true })
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
