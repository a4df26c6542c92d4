import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChannelSpec, SecretSpec } from '../config/channel-spec.ts'
import type { BotSpec } from '../config/notice-spec.ts'
import { codeOf } from '../fault.ts'

// A bot that is a unit can't see files of secrets. They are in a folder for root alone; systemd hands them to the unit as
// credentials, and the configuration names them where the unit finds them.

/** Files with tokens, for root alone; units get them as credentials. */
export const CREDENTIALS = '/etc/heald/credentials'

/** Folder of the bot's credentials, as the configuration has to name it. */
export const BOT_CREDENTIALS = '/run/credentials/heald-bot.service/'

/** Name of the credential that a file is, for the bot as a unit; null: it is none. */
function credentialName(file: string): string | null {
  return file.startsWith(BOT_CREDENTIALS) ? file.slice(BOT_CREDENTIALS.length) : null
}

/** The file of a secret while nothing of heald runs: where people write it. */
export function lastingPlace(file: string): string {
  const name = credentialName(file)
  return name === null ? file : join(CREDENTIALS, name)
}

/**
 * The secret where a person at a terminal finds it, and is to write it: a credential in its file, unless only the unit has
 * it. On NixOS its file is the system's business.
 */
export async function secretToLookAt(
  secret: SecretSpec,
  { run }: Pick<BotSpec, 'run'>,
  isNixos = existsSync('/etc/NIXOS'),
): Promise<SecretSpec> {
  if ('env' in secret || run !== 'unit' || isNixos) return secret
  const file = lastingPlace(secret.file)
  return (await isThere(file)) || !(await isThere(secret.file)) ? { file } : secret
}

/** What may not be looked at is there all the same. */
async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (error) {
    return codeOf(error) === 'EACCES'
  }
}

/** Names of the credentials that the bot's channels read. */
export function credentialsOf(channels: readonly ChannelSpec[]): string[] {
  const names = channels.flatMap(channel => secretFiles(channel)).map(credentialName)
  return [...new Set(names.filter(name => name !== null))]
}

/** Files and variables that hold secrets of a channel: files by their path, variables as `$NAME`. */
function secretFiles(channel: ChannelSpec): string[] {
  const secrets =
    channel.kind === 'telegram' || channel.kind === 'discord'
      ? [channel.token]
      : channel.kind === 'slack'
        ? [channel.botToken, channel.appToken, channel.http?.signingSecret ?? null]
        : []
  return secrets.flatMap(secret => (secret === null ? [] : 'file' in secret ? [secret.file] : [`$${secret.env}`]))
}
