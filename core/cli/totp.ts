import { randomUUID } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { renderUnicodeCompact } from 'uqr'
import { newSecret, provisioningUri, secretFrom } from '../command/one-time-code.ts'
import { findConfig } from '../config/find.ts'
import { loadConfigApart } from '../config/load-apart.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { ledgerOwner } from '../owner.ts'
import { secretReader } from '../secret.ts'
import { oneWord } from './arguments.ts'
import { withNearest } from './ask.ts'
import { type Context, EXIT, type Values } from './command.ts'

/**
 * `heald totp OPERATOR`: what an authenticator app needs. The secret is read from where the configuration says; a file that
 * is not there yet is made, with a new secret. It is shown to whoever may read it anyway, and never recorded.
 */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  const name = oneWord(words, 'totp', 'OPERATOR')
  const path = findConfig(typeof values.config === 'string' ? values.config : undefined, process.cwd())
  if (path === null)
    throw new Fault('config.missing', 'there is no heald.yaml here', { hint: 'say which one: --config FILE' })
  const { host, people } = await loadConfigApart(path)
  const operator = people.operators.find(({ id }) => id === name)
  if (operator === undefined) {
    const fault = new Fault('operator.unknown', `${path} has no operator "${name}"`, {
      hint: 'they stand under "operators"',
    })
    throw withNearest(
      fault,
      name,
      people.operators.map(({ id }) => id),
    )
  }
  const { totp } = operator
  if (totp === null)
    throw new Fault('totp.unset', `${path} does not say where the secret of ${name}'s codes is`, {
      hint: `write under operators: ${name}: { …, totp: { file: /etc/heald/totp-${name} } }, and run this again: the file is made then`,
    })
  const isNew = 'file' in totp && (await madeAt(totp.file, context.state))
  const secret = await secretReader(context.env)(totp)
  secretFrom(secret)
  const uri = provisioningUri(host, name, secret)
  if (context.json) context.out(`${JSON.stringify({ operator: name, uri, isNew })}\n`)
  else context.out(`\n${renderUnicodeCompact(uri)}\n\n${told(name, uri, isNew)}`)
  return EXIT.done
}

function told(name: string, uri: string, isNew: boolean): string {
  const next = isNew
    ? 'A new secret was made. "heald reload" makes it count.'
    : 'This is the secret that was there already; to change it, remove its file first.'
  return `Scan this with ${name}'s authenticator app, or type in:\n${uri}\n\n${next}\nWhoever sees it can make ${name}'s codes: clear the screen afterwards.\n`
}

/**
 * Makes the file with a new secret, for heald's user alone, also where root makes it; whole or not at all. False: there is
 * one already.
 */
async function madeAt(path: string, state: string): Promise<boolean> {
  const temporary = join(dirname(path), `.heald-totp-${randomUUID()}.tmp`)
  try {
    const there = await open(path, 'r')
    await there.close()
    return false
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw unwritable(path, error)
  }
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(`${newSecret()}\n`)
      const { uid, gid } = await file.stat()
      const reader = process.geteuid?.() === 0 ? ledgerOwner(state) : null
      if (reader !== null && reader !== uid) await file.chown(reader, gid)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
    return true
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw unwritable(path, error)
  }
}

function unwritable(path: string, cause: unknown): Fault {
  return new Fault('totp.unwritable', `${path} can't be used: ${messageOf(cause)}`, {
    hint: 'make its folder, and run this as the user that heald runs as',
    cause,
  })
}
