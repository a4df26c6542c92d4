import { readBounded } from './bounded-file.ts'
import type { SecretSpec } from './config/channel-spec.ts'
import { codeOf, Fault } from './fault.ts'

/** A token has less than a hundred; anything longer is another file. */
const MAX_BYTES = 4096
/** A disk in the network may never answer. */
const DEADLINE_MS = 5000

/**
 * Reads secrets, each anew, from files or from the variables of `env`. Rejects with a Fault `secret.*` that names the
 * file or the variable, never what is in it.
 */
export function secretReader(
  env: NodeJS.ProcessEnv,
  deadlineMs = DEADLINE_MS,
): (secret: SecretSpec) => Promise<string> {
  return async secret => {
    if ('file' in secret) return usable(await within(readSmall(secret.file), secret.file, deadlineMs), secret.file)
    const value = Object.hasOwn(env, secret.env) ? env[secret.env] : undefined
    const name = `the variable ${secret.env}`
    if (value !== undefined) return usable(value, name)
    throw new Fault('secret.missing', `${name} is not set`, { hint: `set ${secret.env} where heald is started` })
  }
}

/** Trimmed: files end in a line break. What no token has would be sent, and refused in words that help nobody. */
function usable(text: string, place: string): string {
  const secret = text.trim()
  if (secret === '') throw new Fault('secret.empty', `${place} is empty`, { hint: 'put the secret there, alone' })
  if (/^[\u0021-\u007e]+$/.test(secret)) return secret
  throw new Fault('secret.unusable', `${place} has more in it than one secret`, {
    hint: 'leave only the secret there: one line of letters, digits and signs, without spaces',
  })
}

async function readSmall(path: string): Promise<string> {
  let bytes: Buffer | null
  try {
    bytes = await readBounded(path, MAX_BYTES)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new Fault('secret.missing', `${path} is not there`, { hint: 'put the secret into it', cause: error })
    }
    throw new Fault('secret.unreadable', `${path} can't be read: ${code}`, {
      hint: 'check its owner and mode: the user that reads it is heald’s own, or the bot’s',
      retry: 'now',
      cause: error,
    })
  }
  if (bytes === null)
    throw new Fault('secret.unreadable', `${path} is not a file`, { hint: 'name a file with the secret in it' })
  if (bytes.length <= MAX_BYTES) return bytes.toString('utf8')
  throw new Fault('secret.unusable', `${path} is larger than 4 KiB`, { hint: 'name the file with the secret alone' })
}

async function within(reading: Promise<string>, path: string, deadlineMs: number): Promise<string> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const hint = 'look at the disk it is on, or keep it on a local one'
    late.reject(new Fault('secret.unreadable', `${path} can't be read in time`, { hint, retry: 'now' }))
  }, deadlineMs)
  try {
    return await Promise.race([reading, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
