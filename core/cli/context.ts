import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

type Env = NodeJS.ProcessEnv

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
