import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../fault.ts'
import {
  closeFolder,
  dropFolder,
  FILES,
  isMasked,
  isThere,
  mustBeOurs,
  pathOf,
  putFile,
  SYSUSERS,
  UNITS,
  usersMade,
} from '../install/files.ts'
import { letGoOfRoots } from '../install/roots.ts'
import { endUnit, system, trySystem } from '../install/systemctl.ts'
import { BOT_FOLDER, WHATSAPP_FOLDER } from '../install/unit-text.ts'
import { hasWriter } from '../ledger/lock.ts'
import { noWords } from './arguments.ts'
import { askStatus, order } from './ask.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { mustBeSystemd } from './install.ts'

const STATE = '/var/lib/heald'
/** What is not of the installation: written by people, or the only record of what happened. */
const KEPT = ['/etc/heald', STATE, BOT_FOLDER, WHATSAPP_FOLDER]

const ENDING_MS = 5000
const LEFT =
  'heald did not answer. What it ran itself may go on without it; look: systemd-cgls /system.slice/heald.service\n'

/** `heald uninstall`: stops heald and its services, and removes what `heald install` made. */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  noWords(words, 'uninstall')
  mustBeSystemd('uninstall')
  const installed = FILES.filter(isThere)
  const users = usersMade()
  mustBeOurs()
  await mustBeSettled(context)
  if (installed.length === 0) await mustNotRun(context)
  // Services that heald runs itself would be left without anybody. Units go on: they are systemd's.
  const stopped = installed.length === 0 ? null : await stopServices(context)
  for (const unit of UNITS.toReversed()) {
    const { name } = unit
    // A no: it was never installed. One that is masked can only be stopped: its mask would be taken away with it.
    if (isMasked(pathOf(unit))) await trySystem('systemctl', 'stop', name)
    else await endUnit(name).catch(() => {})
    await trySystem('systemctl', 'reset-failed', name)
  }
  // All of them: of an installation that was broken off there may be parts.
  for (const file of FILES) if (file !== SYSUSERS) await putFile(file, '')
  await system('systemctl', 'daemon-reload')
  for (const user of users) {
    await closeFolder(`/var/lib/${user}`)
    await trySystem('userdel', user)
  }
  // Only now: a removal that is broken off before is to be ended by the next.
  await putFile(SYSUSERS, '')
  await dropFolder(dirname(SYSUSERS), false)
  if (values.purge === true) await mustNotBeWritten()
  await letGoOfRoots(STATE)
  const purged = values.purge === true ? KEPT.filter(folder => existsSync(folder)) : []
  for (const folder of KEPT) await dropFolder(folder, values.purge === true)
  const kept = KEPT.filter(folder => existsSync(folder))
  if (context.json) context.out(`${JSON.stringify({ removed: installed, stopped, kept, purged })}\n`)
  else {
    context.out(installed.length === 0 ? 'heald was not installed here.\n' : `Removed ${installed.join(', ')}.\n`)
    if (stopped === null && installed.length > 0) context.out(LEFT)
    if (stopped !== null && stopped.length > 0) context.out(`Stopped: ${stopped.join(', ')}.\n`)
    if (purged.length > 0) context.out(`Deleted ${purged.join(', ')} (configuration and ledger).\n`)
    if (kept.length > 0) context.out(`Kept: ${kept.join(', ')} (configuration and ledger; --purge removes them too).\n`)
  }
  return EXIT.done
}

/** A Fault in the middle of a switch: its activation or dead-man would act on a host where nobody looks at it any more. */
async function mustBeSettled(context: Context): Promise<void> {
  const list = ['list-units', '--state=active,activating', '--plain', '--no-legend', '--full']
  const units = (await system('systemctl', ...list, 'heald-switch-*', 'heald-deadman-*')).match(/^\S+/gm) ?? []
  // What can't be led back from has no dead-man: of its probation only the daemon knows. A dead one has none.
  const { targets } = await askStatus(context).catch(() => ({ targets: [] }))
  const switched = targets.filter(({ state }) => state !== 'idle' && state !== 'held').map(({ name }) => name)
  const found = units.length > 0 ? units : switched
  if (found.length === 0) return
  throw new Fault('install.switching', `a switch is under way (${found.join(', ')})`, {
    hint: 'look at it with: heald status, and run this again once it has come to rest',
  })
}

/** A Fault where a heald runs that is no unit: the configuration and the ledger are its own. */
async function mustNotRun(context: Context): Promise<void> {
  const answers = await askStatus(context).then(
    () => true,
    () => false,
  )
  if (answers) {
    throw new Fault('install.running', 'heald was not installed here, but it runs: what there is of it is in use', {
      hint: 'end it and its services first, with: heald down',
    })
  }
  await mustNotBeWritten()
}

/** A Fault where the ledger is in use, also by a heald that does not answer: one that just starts, or is stuck. */
async function mustNotBeWritten(): Promise<void> {
  const ledger = join(STATE, 'ledger')
  // One that was just told to end takes a moment.
  for (let waitedMs = 0; waitedMs < ENDING_MS && hasWriter(ledger); waitedMs += 100) await sleep(100)
  if (!hasWriter(ledger)) return
  throw new Fault('install.running', `a heald that is no unit of here has not ended, and writes ${ledger}`, {
    hint: `end it first: heald down, or by its number in ${ledger}/lock.pid`,
  })
}

/** Names of those it stopped; null: no daemon answers. */
async function stopServices(context: Context): Promise<readonly string[] | null> {
  try {
    return ((await order(context, '/v1/down')) as { readonly stopped: readonly string[] }).stopped
  } catch {
    return null
  }
}
