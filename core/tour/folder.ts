import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfigApart } from '../config/load-apart.ts'
import type { TargetSpec } from '../config/spec.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import type { ProcessHost } from '../heal/host.ts'
import { NOBODY } from '../heal/outside.ts'
import { takeLock } from '../ledger/lock.ts'
import type { OpenTarget } from '../safeswitch/managed.ts'
import { HEALD, type Plan, quoted, SWITCHED, type Switched, writeConfig, writePlan } from './plan.ts'

/** Says whose folder it is: without this file nothing in it is touched. */
const MARK = 'heald-tour.txt'
const MARK_TEXT = `heald's tour made this folder, and empties it when it is started again.\n`

/** What a tour leaves behind, beside the ledger's lock, which has to stay the same file for its lock to mean anything. */
const LEFT = ['run', 'logs', 'heald.sock', 'heald.yaml', 'settings.json', 'switch', 'site', 'nix']
const LOCK_FILES = ['lock', 'lock.pid']

const END_AGENT_MS = 5000

/** What it takes to end what an earlier tour left running. */
export interface Host {
  readonly processes: ProcessHost
  readonly openTarget: (spec: TargetSpec) => Promise<OpenTarget>
}

/**
 * Makes the tour's folder fresh: ends what an earlier tour left running (it was killed itself, say), removes
 * that tour's files, and writes the plan of this one. Faults (`tour.refused`) when another tour is under way, or the
 * folder holds anything else.
 */
export async function freshFolder(dir: string, openHost: () => Promise<Host>): Promise<Plan> {
  claim(dir)
  const ledger = join(dir, 'ledger')
  mkdirSync(ledger, { recursive: true, mode: 0o700 })
  const lock = await takeLock(ledger).catch((error: unknown) => {
    if (codeOf(error) !== 'ledger.locked') throw error
    throw new Fault('tour.refused', `another tour is under way: ${messageOf(error)}`, {
      hint: `look on:  ${HEALD} status --state ${quoted(dir)}\nend it:   ${HEALD} down --state ${quoted(dir)}`,
      cause: error,
    })
  })
  try {
    const isLeftRunning =
      existsSync(join(dir, 'run')) && readdirSync(join(dir, 'run')).some(name => name.endsWith('.pid'))
    if (isLeftRunning) await endLeftovers(await writePlan(dir), await openHost())
    unlock(join(dir, 'nix'))
    for (const name of LEFT) rmSync(join(dir, name), { recursive: true, force: true })
    for (const name of readdirSync(ledger).filter(name => !LOCK_FILES.includes(name))) {
      rmSync(join(ledger, name), { recursive: true, force: true })
    }
    return await writePlan(dir)
  } finally {
    lock.release()
  }
}

/** The folder is made, or proved to be a tour's. Root does not clean up in what belongs to somebody else. */
function claim(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const stat = lstatSync(dir)
  const isOurs = stat.isDirectory() && stat.uid === process.geteuid?.()
  if (isOurs && readdirSync(dir).length === 0) writeFileSync(join(dir, MARK), MARK_TEXT)
  if (isOurs && existsSync(join(dir, MARK))) return
  throw new Fault('tour.refused', `${dir} is not a folder that an earlier tour of yours made, so it is left as it is`, {
    hint: 'name another place for the tour to put its own into: --state DIR',
  })
}

/** By name and run files, so the plan of this visit serves as well as that of the one before. */
async function endLeftovers(plan: Plan, { processes, openTarget }: Host): Promise<void> {
  for (const name of Object.keys(SWITCHED)) plan.ports.set(name as Switched, plan.port)
  writeConfig(plan)
  const { services, targets } = await loadConfigApart(plan.config)
  for (const spec of targets) await (await openTarget(spec)).deadMan.disarm()
  for (const spec of services) {
    const seat = await processes.seat(spec, () => {}, NOBODY)
    if ((await seat.adopt()) !== null) await seat.killTree(END_AGENT_MS)
    await processes.remove(spec.name)
  }
}

/** Nix takes the right to write from the folders in a store, and without it nobody but root can remove them. */
function unlock(folder: string): void {
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  chmodSync(folder, 0o700)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) unlock(join(folder, entry.name))
  }
}
