import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { SYSTEM_CONFIG } from '../config/find.ts'
import { sampleWith } from '../config/sample-units.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { cleanLine } from './text.ts'

/** Which units of this host could be looked after; handed in by the composition root. */
export type OfferUnits = () => Promise<readonly { readonly unit: string; readonly hasFailed: boolean }[]>

/** `heald init [FILE]`: writes a commented configuration to begin with, and says what to do next. */
export async function run(
  context: Context,
  words: readonly string[],
  values: Values,
  offerUnits: OfferUnits = async () => [],
): Promise<number> {
  const [named, ...rest] = words
  const option = typeof values.config === 'string' ? values.config : undefined
  if (rest.length > 0 || (named !== undefined && option !== undefined)) {
    throw new Fault('usage.words', 'heald init writes one file', { hint: 'write: heald init [FILE] [--force]' })
  }
  const shown = named ?? option ?? 'heald.yaml'
  const path = resolve(shown)
  const offered = await offerUnits()
  await writeWhole(path, shown, sampleWith(offered), values.force === true)
  if (context.json) {
    context.out(`${JSON.stringify({ written: path, units: offered.map(({ unit }) => unit) })}\n`)
    return EXIT.done
  }
  const file = cleanLine(shown)
  const [check, flag] = shown === 'heald.yaml' ? ['', ''] : [` ${file}`, ` --config ${file}`]
  const isForUnit = path === SYSTEM_CONFIG && existsSync('/run/systemd/system')
  context.out(`Wrote ${file} with one sample service, "clock"${offeredText(offered)}.

What to do next:
  1. Put your own service in the place of "clock"; the comments in the file say how.
  2. Run  heald config check${check}  to find every mistake before it is used.
  3. Run  ${isForUnit ? 'heald install' : `heald up${flag}`}  to start the services and have them healed.
`)
  return EXIT.done
}

function offeredText(offered: Awaited<ReturnType<OfferUnits>>): string {
  if (offered.length === 0) return ''
  const failed = offered.filter(({ hasFailed }) => hasFailed).map(({ unit }) => cleanLine(unit))
  const which = failed.length === 0 ? '' : ` (failed: ${failed.slice(0, 5).join(', ')})`
  return `, and ${offered.length} of this host's units offered in comments${which}`
}

/**
 * Nobody's file is lost: without `force` an existing one stays. With it, the old file is replaced in one step.
 * It may come to hold passwords under `env`, so it is born for its owner alone.
 */
async function writeWhole(path: string, shown: string, text: string, force: boolean): Promise<void> {
  const written = force ? join(dirname(path), `.heald-init-${randomUUID()}.tmp`) : path
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(written, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
      if (force) await rename(written, path)
    } catch (error) {
      await unlink(written)
      throw error
    } finally {
      await file.close()
    }
    const folder = await open(dirname(path), 'r')
    await folder.sync().finally(() => folder.close())
  } catch (error) {
    if (existsSync(path) && (await stat(path)).isDirectory()) {
      throw new Fault('usage.path', `${shown} is a folder, and a configuration is a file`, {
        hint: `write: heald init ${join(shown, 'heald.yaml')}`,
        cause: error,
      })
    }
    // The same code comes from mkdir, for a file in the place of a folder.
    if (codeOf(error) === 'EEXIST' && existsSync(path)) {
      throw new Fault('init.refused', `${shown} is there already, and was left as it is`, {
        hint: 'write to another place (heald init FILE), or replace it with: heald init --force',
        cause: error,
      })
    }
    if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOTDIR') {
      throw new Fault('usage.path', `${shown} can't be written: what it would be in is not a folder`, {
        hint: 'name a place in a folder, which may be a new one: heald init FILE',
        cause: error,
      })
    }
    throw new Fault('init.failed', `${shown} could not be written: ${messageOf(error)}`, {
      hint: 'name a place where you may write: heald init FILE',
      cause: error,
    })
  }
}
