// Plain JavaScript: it runs before Node loads its TypeScript stripper, which costs 25 MB that the daemon never gives
// back. With a warm compile cache the stripper is never needed.
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const WARM_DEADLINE_MS = 20_000
/** The argument by which `heald.js` is asked only to load what a daemon loads. */
export const WARM = '--warm-cache'

/**
 * The subcommand in an argument line: its first word that is neither an option nor the value of `--state`.
 * @param {readonly string[]} argv
 * @returns {string | undefined}
 */
export function commandName(argv) {
  return argv.find((word, index) => !word.startsWith('-') && argv[index - 1] !== '--state')
}

/**
 * The one option that is needed before the argument line is parsed: the value of `--state`, the last one given.
 * @param {readonly string[]} argv
 * @returns {string | undefined}
 */
export function stateOption(argv) {
  const end = argv.indexOf('--')
  const before = end < 0 ? argv : argv.slice(0, end)
  const at = before.findLastIndex(word => word === '--state' || word.startsWith('--state='))
  const word = before[at]
  return word === '--state' ? before[at + 1] : word?.slice('--state='.length)
}

/**
 * Where heald keeps its state: `--state`, else `$STATE_DIRECTORY`, else `/var/lib/heald` for root, else the user's own.
 * @param {string | undefined} option
 * @param {NodeJS.ProcessEnv} env
 * @param {number} uid
 * @returns {string} absolute
 */
export function stateFolder(option, env, uid) {
  // An empty one is refused later (`front.ts`); until then it must not mean the current folder.
  if (option) return resolve(option)
  // systemd gives several folders as `a:b`. The first one is ours.
  const given = env.STATE_DIRECTORY?.split(':').find(path => path !== '')
  if (given !== undefined) return resolve(given)
  if (uid === 0) return '/var/lib/heald'
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local/state'), 'heald')
}

/**
 * Options of V8 for a small daemon: the space for young objects at its smallest (20 MB less with 500 services, nothing
 * slower that matters), and a way to give back what the start needed (`up.ts`).
 */
const SMALL = ['--max-semi-space-size=1', '--expose-gc']

/** For glibc, which keeps memory for each thread otherwise, and gives back little of it: 2 MB less. */
const ONE_ARENA = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' }

/**
 * Turns this process into the same one with a smaller heap, if it is to become a daemon: V8 takes such options only at
 * its start. The pid stays.
 * @param {readonly string[]} argv
 */
export function slim(argv) {
  const wanted = commandName(argv) === 'up' || argv[0] === WARM
  if (!wanted || SMALL.every(option => process.execArgv.includes(option)) || process.execve === undefined) return
  const node = process.execPath
  process.execve(node, [node, ...SMALL, ...process.execArgv, ...process.argv.slice(1)], {
    ...ONE_ARENA,
    ...process.env,
  })
}

/**
 * Switches on Node's compile cache in `<state>/cache`. Cached code is run, so the folder must be ours alone: never a
 * shared temporary folder, never one that another user owns or may write to. Without it heald only starts slower.
 * @param {readonly string[]} argv
 */
export function openCompileCache(argv) {
  const state = stateFolder(stateOption(argv), process.env, process.getuid?.() ?? 0)
  const folder = join(state, 'cache')
  const isUp = commandName(argv) === 'up'
  try {
    // Only `up` makes the state folder; a question leaves no trace.
    if (isUp) mkdirSync(state, { recursive: true, mode: 0o700 })
    if (!isOurs(state, 0o022)) return
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (!isOurs(folder, 0o077)) return
    // For child processes of ours, such as the check of the configuration. Services never get the daemon's variables.
    process.env.NODE_COMPILE_CACHE = folder
    if (isUp) warm(folder)
    enableCompileCache(folder)
  } catch {
    // Missing, not ours, read-only or full: all of them mean "no cache", and whoever needs the folder says so itself.
  }
}

/**
 * Fills the cache in a child process when the source has changed since the last time, so that even the very first
 * daemon stays small. Once after an installation or update, about half a second.
 * @param {string} folder
 */
function warm(folder) {
  const source = fileURLToPath(new URL('../..', import.meta.url))
  const newest = ['core', 'adapters']
    .flatMap(name => readdirSync(join(source, name), { recursive: true, withFileTypes: true }))
    .filter(file => file.isFile())
    .reduce((latest, file) => Math.max(latest, statSync(join(file.parentPath, file.name)).mtimeMs), 0)
  const mark = join(folder, 'warm')
  // In a Nix store all times are the same, but each version has a folder of its own.
  const wanted = `${process.version} ${newest} ${source}`
  if (readIfThere(mark) === wanted) return
  const { status } = spawnSync(process.execPath, [process.argv[1] ?? '', WARM], {
    stdio: 'ignore',
    timeout: WARM_DEADLINE_MS,
  })
  if (status === 0) writeFileSync(mark, wanted, { mode: 0o600 })
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * @param {string} folder
 * @param {number} othersMode permissions that nobody else may have
 */
function isOurs(folder, othersMode) {
  const stat = lstatSync(folder)
  return stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & othersMode) === 0
}
