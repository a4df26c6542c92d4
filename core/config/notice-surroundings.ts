import { constants, type Stats } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from '../fault.ts'
import { secretToLookAt } from '../install/credentials.ts'
import { BOT_USER } from '../install/unit-text.ts'
import type { ChannelSpec, SecretSpec } from './channel-spec.ts'
import { DEFAULT_PATH, findProgram } from './programs.ts'
import type { HostConfig } from './spec.ts'
import type { Missing } from './surroundings.ts'

/** Looks for the files and programs that channels and the fallback name. Secrets are not read, only looked at. */
export async function findMissingOfNotices(
  config: HostConfig,
  isUser: (name: string) => Promise<boolean>,
): Promise<Missing[]> {
  const { notice, bot } = config
  const missing: Missing[] = []
  // Whether somebody else may read a file is not seen from here.
  const isOurs = bot.user === null && bot.run === 'child'
  for (const channel of notice.channels) {
    for (const [key, secret] of secretsOf(channel)) {
      const found = await missingSecret(await secretToLookAt(secret, bot), isOurs)
      if (found !== undefined) missing.push({ path: ['channels', channel.kind, key], ...found })
    }
    if (channel.kind !== 'whatsapp' || channel.browser === null) continue
    if ((await findProgram(channel.browser, '', '/')) !== undefined) continue
    const hint = 'install Chromium, or mend the path'
    missing.push({ path: ['channels', 'whatsapp', 'browser'], message: `no program ${channel.browser} is found`, hint })
  }
  const [program] = notice.fallback
  if (program !== undefined && (await findProgram(program, process.env.PATH ?? DEFAULT_PATH, '/')) === undefined) {
    const hint = 'install the program, or write its whole path: it is what calls people when nothing else does'
    missing.push({ path: ['fallback'], message: `no program ${program} is found`, hint })
  }
  // Its unit's own user comes with the installation.
  const isMade = bot.run === 'unit' && bot.user === BOT_USER
  if (bot.user !== null && !isMade && !(await isUser(bot.user))) {
    missing.push({
      path: ['bot', 'user'],
      message: `there is no user ${bot.user}`,
      hint: 'add the user, or the bot can’t start',
    })
  }
  return missing
}

/** Where the secrets of a channel are, with their keys. */
export function secretsOf(channel: ChannelSpec): [key: string, secret: SecretSpec][] {
  if (channel.kind === 'telegram' || channel.kind === 'discord') return [['token', channel.token]]
  if (channel.kind !== 'slack') return []
  return [
    ['botToken', channel.botToken],
    ...(channel.appToken === null ? [] : [['appToken', channel.appToken] satisfies [string, SecretSpec]]),
    ...(channel.http === null ? [] : [['signingSecret', channel.http.signingSecret] satisfies [string, SecretSpec]]),
  ]
}

const EVERYBODY = 0o007
const PASS = 0o001

/** Others have to get through each folder over a file, too. One that can't be looked at is taken for shut. */
async function isForEverybody(file: string, { mode }: Stats): Promise<boolean> {
  if ((mode & EVERYBODY) === 0) return false
  const folder = dirname(file)
  const found = await stat(folder).catch(() => null)
  if (found === null || (found.mode & PASS) === 0) return false
  return folder === dirname(folder) || isForEverybody(folder, found)
}

function forEverybody(file: string): Omit<Missing, 'path'> {
  return { message: `everybody on this host may read ${file}`, hint: `keep it to yourself: chmod o= ${file}` }
}

/** What is wrong with a secret that everybody on this host may read; undefined for any other, and for none. */
export async function openSecret(secret: SecretSpec): Promise<Omit<Missing, 'path'> | undefined> {
  if ('env' in secret) return undefined
  const found = await stat(secret.file).catch(() => null)
  return found?.isFile() === true && (await isForEverybody(secret.file, found)) ? forEverybody(secret.file) : undefined
}

/** Variables are those of whoever starts heald, which are not seen from here. */
export async function missingSecret(secret: SecretSpec, isOurs: boolean): Promise<Omit<Missing, 'path'> | undefined> {
  if ('env' in secret) return undefined
  const { file } = secret
  try {
    const found = await stat(file)
    if (!found.isFile()) return { message: `${file} is not a file`, hint: 'name a file with the secret in it alone' }
    if (await isForEverybody(file, found)) return forEverybody(file)
    if (isOurs) await access(file, constants.R_OK)
    return undefined
  } catch (error) {
    if (codeOf(error) !== 'EACCES') {
      return { message: `there is no file ${file}`, hint: 'write the secret into it, or the channel stays off' }
    }
    if (!isOurs) return undefined
    return { message: `${file} can't be read by you`, hint: 'give it to whoever runs heald, or the channel stays off' }
  }
}
