import { existsSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { SYSTEM_CONFIG } from '../config/find.ts'
import { loadConfigApart } from '../config/load-apart.ts'
import type { HostConfig } from '../config/spec.ts'
import { isUser } from '../config/surroundings.ts'
import { Fault } from '../fault.ts'
import { CREDENTIALS, credentialsOf } from '../install/credentials.ts'
import {
  FILES,
  filesOf,
  type InstalledUnit,
  installedConfig,
  isThere,
  mustBeOurs,
  mustNotBeMasked,
  pathOf,
  putFile,
  SYSUSERS,
  UNITS,
  usersMade,
} from '../install/files.ts'
import { oldSessions } from '../install/old-session.ts'
import { planInstall } from '../install/plan.ts'
import { endUnit, restartUnits, system, trySystem } from '../install/systemctl.ts'
import { BOT_FOLDER, type InstallPlan, usersOf, whatsAppOf } from '../install/unit-text.ts'
import { checkWhatsApp } from '../install/whatsapp-needs.ts'
import { noWords } from './arguments.ts'
import { type Context, EXIT, type Values } from './command.ts'

const UNTOLD =
  'Nobody is told when heald itself stays down: that takes a chat of Telegram, Discord or Slack with its token in a file, ' +
  'and heald and Node outside of home folders and of folders for short-lived files.'

/** `heald install`: makes heald a unit of this host, and starts it. May be run again at any time: after a change, too. */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  noWords(words, 'install')
  mustBeSystemd('install')
  const option = typeof values.config === 'string' ? values.config : null
  const path = option ?? installedConfig() ?? SYSTEM_CONFIG
  const config = await readConfig(path, option === null && path !== SYSTEM_CONFIG)
  const version = Number(/^systemd (\d+)/.exec(await system('systemctl', '--version'))?.[1])
  const plan = planInstall(config, path, version)
  const whatsApp = whatsAppOf(plan)
  if (whatsApp !== null) await checkWhatsApp(whatsApp)
  const planned = UNITS.filter(unit => unit.text(plan) !== '')
  mustNotBeMasked(planned)
  mustBeOurs()
  // What the plan has no more would run on without its file: a second bot with the same token.
  for (const unit of UNITS) if (!planned.includes(unit) && isThere(pathOf(unit))) await endUnit(unit.name)
  const files = filesOf(plan, await ourUsers(plan))
  for (const [file, text] of files) await putFile(file, text)
  if (files.get(SYSUSERS) !== '') await system('systemd-sysusers', SYSUSERS)
  await system('systemctl', 'daemon-reload')
  const named = (starts: InstalledUnit['starts']) =>
    planned.filter(unit => unit.starts === starts).map(({ name }) => name)
  const units = named('with the installation')
  // Those for the boot have nothing to do now.
  await system('systemctl', 'enable', '--quiet', ...named('at boot'), ...units)
  // A start limit that was hit would refuse the restart. A no: nothing has failed, or it was never loaded.
  for (const unit of [...units, ...named('when it is called')]) await trySystem('systemctl', 'reset-failed', unit)
  // A restart of heald restarts nothing else: its services are adopted again.
  await restartUnits(units)
  if (plan.bot !== null) {
    const folders = [BOT_FOLDER, join(context.state, 'bot')].map(folder => join(folder, 'whatsapp'))
    for (const warning of oldSessions(folders)) context.err(`heald: ${warning}`)
  }
  const written = FILES.filter(file => files.get(file) !== '')
  if (context.json) context.out(`${JSON.stringify({ written, units })}\n`)
  else context.out(textOf(config, plan, written, units))
  for (const warning of openCredentials(config)) context.err(`heald: ${warning}\n`)
  return EXIT.done
}

/** The users to make and to remove one day: those made before, and those that are missing. Another's user stays another's. */
async function ourUsers(plan: InstallPlan): Promise<string[]> {
  const ours = usersMade()
  for (const user of usersOf(plan)) if (!ours.includes(user) && !(await isUser(user))) ours.push(user)
  return ours
}

/** What there is on a host for `heald install`. */
export interface SystemFacts {
  readonly isRoot: boolean
  readonly isNixos: boolean
  readonly hasSystemd: boolean
}

const factsHere = (): SystemFacts => ({
  isRoot: process.getuid?.() === 0,
  isNixos: existsSync('/etc/NIXOS'),
  hasSystemd: existsSync('/run/systemd/system'),
})

/** A Fault where `heald install`, or `heald uninstall`, has no business. */
export function mustBeSystemd(command: 'install' | 'uninstall', facts: SystemFacts = factsHere()): void {
  const isInstall = command === 'install'
  if (!facts.isRoot) {
    throw new Fault('install.root', `only root can ${isInstall ? 'install' : 'remove'} units`, {
      hint: 'run it with sudo',
    })
  }
  if (facts.isNixos) {
    throw new Fault('install.nixos', 'this is NixOS, where units come from the configuration of the system', {
      hint: `write there: services.heald.enable = ${isInstall}; (the module: docs/installing.md)`,
    })
  }
  if (facts.hasSystemd) return
  throw new Fault('install.systemd', 'systemd does not run here', {
    hint: isInstall ? 'start heald by other means: heald up' : 'end heald and its services with: heald down',
  })
}

/** `ofUnit`: nobody named it but the unit that is installed. */
async function readConfig(path: string, ofUnit: boolean): Promise<HostConfig> {
  if (!isAbsolute(path)) {
    throw new Fault('usage.path', `${path} is not an absolute path, and a unit has no folder to start from`, {
      hint: `write --config ${process.cwd()}/${path}`,
    })
  }
  if (existsSync(path)) return loadConfigApart(path)
  if (ofUnit) {
    throw new Fault('config.missing', `there is no ${path}, which the installed unit names`, {
      hint: 'put it back, or name another one: heald install --config FILE',
    })
  }
  throw new Fault('config.missing', `there is no ${path} yet`, {
    hint: `write one (heald init ${path}), look through it, then run this again`,
  })
}

/** Warnings about secrets of the bot's unit that are not for root alone, as nobody else needs them. */
function openCredentials({ notice, bot }: HostConfig): string[] {
  if (bot.run !== 'unit') return []
  const files = credentialsOf(notice.channels).map(name => join(CREDENTIALS, name))
  const open = files.filter(file => {
    const found = statSync(file, { throwIfNoEntry: false })
    return found !== undefined && (found.uid !== 0 || (found.mode & 0o077) !== 0)
  })
  return open.map(file => `${file} is not for root alone\n  give it to root: chown root: ${file} && chmod 600 ${file}`)
}

function textOf(config: HostConfig, plan: InstallPlan, written: readonly string[], units: readonly string[]): string {
  const child = config.notice.channels.length > 0 && config.bot.run === 'child'
  const hints = [
    ...(child ? ['Write "bot: { run: unit }" to have the bot in a unit of its own, shut in by systemd.'] : []),
    ...(plan.alarm !== null ? [] : [UNTOLD]),
  ]
  return `Wrote ${written.join(', ')}.
Started: ${units.join(', ')}, with ${plan.config}.
${hints.map(hint => `${hint}\n`).join('')}Look at it: heald status, systemctl status heald. Undo it: heald uninstall.
`
}
