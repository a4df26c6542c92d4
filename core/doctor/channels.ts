import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ChannelSpec, SecretSpec, WhatsAppSpec } from '../config/channel-spec.ts'
import { openSecret, secretsOf } from '../config/notice-surroundings.ts'
import { findProgram } from '../config/programs.ts'
import type { HostConfig } from '../config/spec.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { WHATSAPP_FOLDER } from '../install/unit-text.ts'
import { botFolder } from '../notice/bot-service.ts'
import type { Check } from './check.ts'

/**
 * Asks a platform whether it answers and takes the token, and about each chat: the first answer is for the platform, the
 * others for the chats in the order of `spec`, or none when the platform itself is no good. `session` is where
 * WhatsApp's is kept. Never rejects; bounded by deadlines of its own. `why` holds no secret.
 */
export type ProbeChannel = (
  spec: ChannelSpec,
  readSecret: ReadSecret,
  session: string,
) => Promise<readonly { readonly ok: boolean; readonly why: string }[]>

/** Rejects with a reason for people that does not hold the secret. */
export type ReadSecret = (secret: SecretSpec) => Promise<string>

export interface ChannelProbes {
  readonly probe: ProbeChannel
  readonly readSecret: ReadSecret
}

export interface ChannelPlace {
  /** For the browser of WhatsApp. */
  readonly path: string
  /** Where WhatsApp's session is. */
  readonly session: string
}

/** Where the session of WhatsApp is: in the folder of its own unit where there is one, in the bot's elsewhere. */
export function sessionFolder(config: Pick<HostConfig, 'bot'>, state: string, ofUnit = WHATSAPP_FOLDER): string {
  if (config.bot.run === 'unit' && existsSync(ofUnit)) return ofUnit
  return join(botFolder(config, state), 'whatsapp')
}

/** What each channel can't do without beside heald itself. */
const PACKAGES: Readonly<Record<ChannelSpec['kind'], string | null>> = {
  telegram: 'grammy',
  discord: 'discord.js',
  slack: '@slack/bolt',
  whatsapp: 'whatsapp-web.js',
  console: null,
}

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** Each channel: what it needs is there, the platform takes the token, the chats are there. `off`: the others work. */
export async function checkChannels(
  channels: readonly ChannelSpec[],
  probes: ChannelProbes,
  place: ChannelPlace,
  isInstalled: (name: string) => boolean = isPackageInstalled,
): Promise<Check[]> {
  const checked = channels.map(async channel => {
    const check = { id: `channel.${channel.kind}`, title: channel.kind }
    if (channel.kind === 'console')
      return [{ ...check, state: 'ok' as const, why: 'printed by the bot: heald logs bot' }]
    const lacks = await lackOf(channel, probes.readSecret, place.path, isInstalled)
    if (lacks !== undefined) return [{ ...check, state: 'off' as const, ...lacks }]
    return askPlatform(channel, probes, place.session)
  })
  return (await Promise.all(checked)).flat()
}

/** Secrets that everybody on this host may read. `lookAt`: the secret where it is on the disk. */
export async function checkSecretFiles(
  channels: readonly ChannelSpec[],
  lookAt: (secret: SecretSpec) => Promise<SecretSpec>,
): Promise<Check[]> {
  const checked = channels.flatMap(channel =>
    secretsOf(channel).map(async ([key, secret]): Promise<Check[]> => {
      const open = await openSecret(await lookAt(secret))
      const check = { id: `secret.${channel.kind}.${key}`, title: `${channel.kind} ${key}`, state: 'warn' as const }
      return open === undefined ? [] : [{ ...check, why: open.message, advice: open.hint }]
    }),
  )
  return (await Promise.all(checked)).flat()
}

async function askPlatform(
  channel: ChannelSpec,
  { probe, readSecret }: ChannelProbes,
  session: string,
): Promise<Check[]> {
  const id = `channel.${channel.kind}`
  const answers = await probe(channel, readSecret, session)
  return answers.map(({ ok, why }, index): Check => {
    const chat = channel.chats[index - 1]
    const about =
      chat === undefined ? { id, title: channel.kind } : { id: `${id}.${chat}`, title: `${channel.kind} chat` }
    return { ...about, state: ok ? 'ok' : 'warn', why: chat === undefined ? why : `${chat}: ${why}` }
  })
}

/** The first thing without which the channel does not even begin. */
async function lackOf(
  channel: ChannelSpec,
  readSecret: ReadSecret,
  path: string,
  isInstalled: (name: string) => boolean,
): Promise<Pick<Check, 'why' | 'advice'> | undefined> {
  const name = PACKAGES[channel.kind]
  if (name !== null && !isInstalled(name)) {
    return { why: `its package ${name} is not installed`, advice: `install it beside heald: npm install ${name}` }
  }
  for (const [key, secret] of secretsOf(channel)) {
    try {
      await readSecret(secret)
    } catch (error) {
      const advice = error instanceof Fault && error.hint !== undefined ? { advice: error.hint } : {}
      return { why: `no ${key}: ${messageOf(error)}`, ...advice }
    }
  }
  if (channel.kind !== 'whatsapp') return undefined
  if (await hasBrowser(channel, path)) return undefined
  return {
    why: channel.browser === null ? 'no Chromium is on the PATH' : `no program ${channel.browser} is found`,
    advice: 'install Chromium, or name its path: channels.whatsapp.browser',
  }
}

/** Whether there is the browser that is named, or one along `path`. */
export async function hasBrowser({ browser }: WhatsAppSpec, path: string): Promise<boolean> {
  const names = browser === null ? BROWSERS : [browser]
  const found = await Promise.all(names.map(name => findProgram(name, path, '/')))
  return found.some(program => program !== undefined)
}

/** Only looks where it would be loaded from. */
export function isPackageInstalled(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch (error) {
    // One that is there but has no entry of that name is there all the same.
    return codeOf(error) !== 'ERR_MODULE_NOT_FOUND'
  }
}
