import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

type Env = NodeJS.ProcessEnv

/** The subcommand in an argument line: its first word that is neither an option nor the value of `--state`. */
export function commandName(argv: readonly string[]): string | undefined {
  return argv.find((word, index) => !word.startsWith('-') && argv[index - 1] !== '--state')
}

/** Where heald keeps its state: `--state`, else `$STATE_DIRECTORY`, else `/var/lib/heald` for root, else the user's own. */
export function stateFolder(option: string | undefined, env: Env, uid: number): string {
  if (option !== undefined) return resolve(option)
  const given = firstOf(env.STATE_DIRECTORY)
  if (given !== undefined) return resolve(given)
  if (uid === 0) return '/var/lib/heald'
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local/state'), 'heald')
}

/**
 * The daemon's socket: in `$RUNTIME_DIRECTORY`, else in the state folder. A shell of root does not have the variable
 * of heald's unit, so there the unit's usual place is tried too.
 */
export function socketFile(state: string, env: Env): string {
  const given = firstOf(env.RUNTIME_DIRECTORY)
  if (given !== undefined) return join(resolve(given), 'heald.sock')
  const own = join(state, 'heald.sock')
  const unit = '/run/heald/heald.sock'
  return state === '/var/lib/heald' && !existsSync(own) && existsSync(unit) ? unit : own
}

/** The zone people read times in here: `$TZ` if it is one, else the system's. */
export function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
}

/** systemd gives several folders as `a:b`. The first one is ours. */
function firstOf(list: string | undefined): string | undefined {
  return list?.split(':').find(path => path !== '')
}
