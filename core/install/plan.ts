import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ChannelSpec, SecretSpec } from '../config/channel-spec.ts'
import type { HostConfig } from '../config/spec.ts'
import { Fault } from '../fault.ts'
import { frontDoor } from '../front-door.ts'
import {
  type AlarmPlan,
  BOT_CREDENTIALS,
  CREDENTIALS,
  credentialsOf,
  type InstallPlan,
  secretFiles,
} from './unit-text.ts'

const SUBGROUPS_FROM = 254
/** What ProtectHome and PrivateTmp hide. */
const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp)\//

/**
 * What to install for a configuration. A Fault when its secrets can't reach the bot as it is confined; an alarm that could not
 * see its own program is left out.
 */
export function planInstall(config: HostConfig, path: string, systemd: number): InstallPlan {
  const plan = planOf(config, path, systemd)
  if (plan.bot !== null) checkPlaces(plan.program, plan.bot.channels)
  return plan.program.some(file => HIDDEN.test(file)) ? { ...plan, alarm: null } : plan
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
      hint: `put the token there, alone, for root only: install -m 600 /dev/stdin ${CREDENTIALS}/${missing[0]}`,
    })
  }
}

function checkSecrets(channel: ChannelSpec): void {
  for (const place of secretFiles(channel)) {
    if (place.startsWith(BOT_CREDENTIALS) && !place.slice(BOT_CREDENTIALS.length).includes('/')) continue
    throw new Fault('install.secret', `the bot as a unit can't read the secret of ${channel.kind} from ${place}`, {
      hint: `put the token into ${CREDENTIALS}/${channel.kind}, and write { file: ${BOT_CREDENTIALS}${channel.kind} }`,
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
  const { file } = secret
  if (file.startsWith(BOT_CREDENTIALS)) return join(CREDENTIALS, file.slice(BOT_CREDENTIALS.length))
  // Those of another unit end with it.
  return file.startsWith('/run/credentials/') ? null : file
}
