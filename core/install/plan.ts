import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ChannelSpec, SecretSpec } from '../config/channel-spec.ts'
import type { BotSpec } from '../config/notice-spec.ts'
import { secretsOf } from '../config/notice-surroundings.ts'
import type { HostConfig } from '../config/spec.ts'
import { Fault } from '../fault.ts'
import { frontDoor } from '../front-door.ts'
import { BOT_CREDENTIALS, CREDENTIALS, credentialsOf, lastingPlace } from './credentials.ts'
import { mustBeReadable } from './readable.ts'
import { type AlarmPlan, BOT_FOLDER, BOT_USER, type InstallPlan } from './unit-text.ts'

const SUBGROUPS_FROM = 254
/** What ProtectHome and PrivateTmp hide. */
const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp)\//

/**
 * What to install for a configuration. A Fault when its secrets can't reach the bot as it is confined, or its programs can't be
 * read by other users; an alarm that could not see its own program is left out.
 */
export function planInstall(config: HostConfig, path: string, systemd: number): InstallPlan {
  checkBot(config.bot)
  const plan = planOf(config, path, systemd)
  checkProgram(plan.program)
  if (plan.bot !== null) checkPlaces(plan.program, plan.bot.channels)
  if (plan.program.some(file => HIDDEN.test(file))) return { ...plan, alarm: null }
  if (plan.bot !== null || plan.alarm !== null) mustBeReadable(plan.program)
  return plan
}

/** The same for a host on which all is where it should be. */
export function planOf(config: HostConfig, path: string, systemd: number): InstallPlan {
  const { channels } = config.notice
  const isUnit = channels.length > 0 && config.bot.run === 'unit'
  return {
    program: [process.execPath, frontDoor()],
    config: path,
    host: config.host,
    hasSubgroups: systemd >= SUBGROUPS_FROM,
    bot: isUnit ? { channels } : null,
    alarm: alarmOf(channels),
  }
}

/** The unit has a user and a folder of its own: another user may be anybody's, and a folder elsewhere hold anything. */
function checkBot({ run, user, state }: BotSpec): void {
  if (run !== 'unit') return
  const keys = [['bot.user', user, BOT_USER] as const, ['bot.state', state, BOT_FOLDER] as const]
  for (const [key, value, own] of keys) {
    if (value === null || value === own) continue
    throw new Fault('install.bot', `${key} is ${value}, and the unit of the bot has its own: ${own}`, {
      hint: `leave ${key} out; it is for a bot that heald runs (bot: { run: child }), and for a unit that you write yourself`,
    })
  }
}

/** systemd puts variables into words of a command line, but takes the program as it stands. */
export function checkProgram(program: readonly string[]): void {
  const odd = program.find(file => /["'$\\\p{Cc}]/u.test(file))
  if (odd === undefined) return
  throw new Fault('install.place', `${odd} has a character in it by which units can't start a program`, {
    hint: 'install heald and Node in a folder without $, quotes and backslashes, like /opt/heald',
  })
}

/** A Fault when the bot, shut in as it is, could not see what it needs. */
function checkPlaces(program: readonly string[], channels: readonly ChannelSpec[]): void {
  const browsers = channels.flatMap(channel => (channel.kind === 'whatsapp' ? (channel.browser ?? []) : []))
  const hidden = [...program, ...browsers].find(file => HIDDEN.test(file))
  if (hidden !== undefined) {
    throw new Fault('install.place', `${hidden} is where the bot, shut in as it is, can't see it`, {
      hint: 'install heald, Node and a browser outside of home folders and of folders for short-lived files, like in /opt',
    })
  }
  for (const channel of channels) checkSecrets(channel)
  const missing = credentialsOf(channels).filter(name => !existsSync(join(CREDENTIALS, name)))
  if (missing.length > 0) {
    throw new Fault('install.credentials', `${CREDENTIALS} has no ${missing.join(', ')}, and the bot needs it`, {
      hint: `put the token there, alone, for root only: install -D -m 600 /dev/stdin ${CREDENTIALS}/${missing[0]}`,
    })
  }
}

/** Names of credentials by the key of a secret; a channel with one secret alone has its own name. */
const NAMES: Readonly<Record<string, string>> = {
  botToken: 'slack-bot',
  appToken: 'slack-app',
  signingSecret: 'slack-signing',
}

/** A Fault where a secret of a channel is not a credential of the bot's unit. */
export function checkSecrets(channel: ChannelSpec): void {
  for (const [key, secret] of secretsOf(channel)) {
    const place = 'file' in secret ? secret.file : `$${secret.env}`
    if (place.startsWith(BOT_CREDENTIALS) && !place.slice(BOT_CREDENTIALS.length).includes('/')) continue
    const name = NAMES[key] ?? channel.kind
    throw new Fault('install.secret', `the bot as a unit can't read the secret of ${channel.kind} from ${place}`, {
      hint: `put the token into ${CREDENTIALS}/${name}, and write { file: ${BOT_CREDENTIALS}${name} }`,
    })
  }
}

/** The first channel that can be told something with one request, by a token in a file. */
function alarmOf(channels: readonly ChannelSpec[]): AlarmPlan | null {
  for (const channel of channels) {
    if (channel.kind !== 'telegram' && channel.kind !== 'discord' && channel.kind !== 'slack') continue
    const tokenFile = lastingFile(channel.kind === 'slack' ? channel.botToken : channel.token)
    if (tokenFile === null) continue
    const { kind, chats } = channel
    const [chat = ''] = chats
    return { kind, api: kind === 'telegram' ? channel.apiRoot : channel.apiUrl, chat, tokenFile }
  }
  return null
}

/** Where a secret is while nothing of heald runs; null: nowhere. */
function lastingFile(secret: SecretSpec): string | null {
  if (!('file' in secret)) return null
  const file = lastingPlace(secret.file)
  // Those of another unit end with it.
  return file.startsWith('/run/credentials/') ? null : file
}
