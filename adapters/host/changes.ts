import { basename, dirname, posix } from 'node:path'
import type { OpenTarget } from '../../core/safeswitch/managed.ts'
import type { Account } from './account.ts'
import { type Ended, runCommand } from './command.ts'
import { commandEnv } from './nix.ts'

/**
 * What differs between two generations, for people who look into an incident: names, never contents. Whatever is named
 * there was named by somebody else, so each line is one line, without control characters, and short.
 */
type Changes = OpenTarget['changes']

export interface ChangesOptions {
  /** Beside PATH and the daemon's own NIX_…. */
  readonly env?: Readonly<Record<string, string>>
  /** Of each command; there are three at most. */
  readonly deadlineMs?: number
}

const DEADLINE_MS = 10_000
const MOST_LINES = 40
const MOST_CHARS = 200

/** Compares two releases with the rights of their owner: what only root may read must not be told to others. */
export function releaseChanges(owner: Account | null, { env, deadlineMs = DEADLINE_MS }: ChangesOptions = {}): Changes {
  return async (from, to) => {
    const argv = [...(owner?.become ?? []), 'diff', '-rq', '--no-dereference', '--', from, to]
    // Its words are read, so they have to be English.
    const environment = { PATH: process.env.PATH ?? '/usr/bin:/bin', ...env, LC_ALL: 'C' }
    const { exitCode, out, why } = await quietly(argv, { env: environment, deadlineMs })
    if (exitCode === 0) return []
    const said = sayings(out, from, to)
    // It was ended in the middle of a line.
    if (exitCode === null) said.pop()
    const lines = said.flatMap(saying => inWords(saying, from, to) ?? [])
    return listed(lines, exitCode === 1 ? '' : `not all of it was compared: ${why}`)
  }
}

/** Compares all that two store paths need: by versions where Nix can tell, else by names. */
export function closureChanges({ env = {}, deadlineMs = DEADLINE_MS }: ChangesOptions = {}): Changes {
  const options = { env: commandEnv(env), deadlineMs }
  const offline = ['--option', 'substitute', 'false']
  const requisites = (path: string) => quietly(['nix-store', ...offline, '--query', '--requisites', path], options)

  const isStored = (path: string) => dirname(path) === (options.env.NIX_STORE_DIR ?? '/nix/store')

  return async (from, to) => {
    // Anything else would be taken for something to build.
    if (!isStored(from) || !isStored(to)) return []
    const nix = ['nix', '--extra-experimental-features', 'nix-command', ...offline]
    const compared = await quietly([...nix, 'store', 'diff-closures', from, to], options)
    const lines = compared.exitCode === 0 ? linesOf(compared.out.replaceAll(/\x1b\[[0-9;]*m/g, '')) : []
    // It says nothing of what has no version and about the same size, like a file of settings.
    if (lines.length > 0) return listed(lines)
    const [before, after] = await Promise.all([requisites(from), requisites(to)])
    if (before.exitCode !== 0 || after.exitCode !== 0) return []
    return listed(namesThatDiffer(linesOf(before.out), linesOf(after.out)))
  }
}

/** A comparison that can't be made is no reason to fail anything: its lines are missing then. */
function quietly(argv: readonly string[], options: Parameters<typeof runCommand>[1]): Promise<Ended> {
  return runCommand(argv, options).catch((error: unknown) => ({ exitCode: null, out: '', why: String(error) }))
}

const linesOf = (out: string): string[] => out.split('\n').filter(line => line.trim() !== '')

/** What `diff` says, one difference each: a name with a line feed in it makes two lines of one. */
function sayings(out: string, from: string, to: string): string[] {
  const beginnings = [`Files ${from}/`, `Symbolic links ${from}/`, `File ${from}/`, `Only in ${from}`, `Only in ${to}`]
  const found: string[][] = []
  for (const line of out.split('\n')) {
    if (beginnings.some(beginning => line.startsWith(beginning))) found.push([line])
    else found.at(-1)?.push(line)
  }
  return found.map(lines => lines.join('\n'))
}

/** Null for what says that nothing differs, or nothing that is known. */
function inWords(saying: string, from: string, to: string): string | null {
  for (const root of [from, to]) {
    const start = `Only in ${root}`
    const only = saying.startsWith(start) ? /^(\/.*?)?: (.+)$/s.exec(saying.slice(start.length)) : null
    if (only !== null) return `only in ${basename(root)}: ${posix.join('/', only[1] ?? '', only[2] ?? '').slice(1)}`
  }
  const [, both = ''] = /^(?:Files|Symbolic links) (.+) differ$/s.exec(saying) ?? []
  // Both names end alike, so where the first ends is known even if it holds " and " itself.
  const chars = (both.length - `${from}/ and ${to}/`.length) / 2
  const name = both.slice(from.length + 1, from.length + 1 + chars)
  if (chars > 0 && both === `${from}/${name} and ${to}/${name}`) return `changed: ${name}`
  const [, one = '', was, , is] = /^File (.+) is an? ([a-z -]+) while file (.+) is an? ([a-z -]+)$/s.exec(saying) ?? []
  // Two pipes or sockets of the same name are told as well.
  if (was === undefined || was === is) return null
  return `changed: ${one.slice(from.length + 1)} (${was} in ${basename(from)}, ${is} in ${basename(to)})`
}

function namesThatDiffer(before: readonly string[], after: readonly string[]): string[] {
  const [old, now] = [pathsByName(before), pathsByName(after)]
  return [...new Set([...old.keys(), ...now.keys()])].flatMap(name => {
    const [was, is] = [old.get(name), now.get(name)]
    if (was === undefined) return [`added: ${name}`]
    if (is === undefined) return [`removed: ${name}`]
    return was === is ? [] : [`changed: ${name}`]
  })
}

/** `/nix/store/HASH-NAME`, several of which may have one name. */
function pathsByName(paths: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const path of paths.toSorted()) {
    const name = basename(path).slice(33)
    found.set(name, `${found.get(name) ?? ''}${path}\n`)
  }
  return found
}

/** Sorted, and at most 40; the last ones say what is missing. */
function listed(lines: readonly string[], note = ''): string[] {
  if (lines.length === 0) return []
  const clean = lines.map(harmless).sort()
  const notes = note === '' ? [] : [harmless(note)]
  const room = MOST_LINES - notes.length
  const left = clean.length - room
  const shown = left > 0 ? [...clean.slice(0, room - 1), `… and ${left + 1} more`] : clean
  return [...shown, ...notes]
}

function harmless(line: string): string {
  const clean = line.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\ufffd')
  return clean.length > MOST_CHARS ? `${clean.slice(0, MOST_CHARS - 1)}…` : clean
}
