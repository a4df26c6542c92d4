import { commandOptions, type Ended, endedOf, loadExeca } from './command.ts'
import { TargetFault } from './target-fault.ts'

/**
 * Nix guards the links of a profile with a flock on `PROFILE.lock`, and removes the file when it is done; a file that
 * was removed or written to while we waited guards nothing any more (76: once more). Node has no flock, so a shell
 * holds it and asks on its input what to do: end of file, also by our death, frees it; a line runs the command, with the
 * lock held until that has ended, even when we die meanwhile. So no move that an earlier process asked for can come
 * after one of ours. `$1` lock file, `$2` seconds, then the command.
 */
const HOLD = `lock=$1; wait=$2; shift 2
exec 9>>"$lock" || exit 77
flock -w "$wait" 9 || exit 75
[ "$lock" -ef /proc/self/fd/9 ] && ! [ -s "$lock" ] || exit 76
echo held
IFS= read -r go || exit 0
exec "$@" </dev/null
`
const TRIES = 20

export interface HeldLock {
  /** Runs the command that was given, which frees the lock when it ends. Once at most. */
  run(): Promise<Ended>
  /** Frees the lock. Resolves when it is free; may be called after `run`. */
  free(): Promise<void>
}

export interface LockOptions {
  readonly env: Readonly<Record<string, string>>
  readonly waitMs: number
  /** For the wait, all that is done under the lock, and the command. */
  readonly deadlineMs: number
  readonly command: readonly string[]
}

/** Takes the lock of a profile; null when somebody else still holds it after `waitMs`. */
export async function lockProfile(profile: string, options: LockOptions): Promise<HeldLock | null> {
  for (let turn = 1; turn <= TRIES; turn++) {
    const held = await take(`${profile}.lock`, options)
    if (held !== 'again') return held
  }
  return null
}

async function take(file: string, options: LockOptions): Promise<HeldLock | null | 'again'> {
  const { env, waitMs, deadlineMs, command } = options
  const execa = await loadExeca()
  const args = ['-c', HOLD, 'heald', file, String(waitMs / 1000), ...command]
  const child = execa('/bin/sh', args, { ...commandOptions({ env, deadlineMs: waitMs + deadlineMs }), stdin: 'pipe' })
  const done = child.then(result => endedOf(command[0] ?? '', deadlineMs, result))
  // A shell that is gone before it is told anything is no news: how it ended is.
  child.stdin.on('error', () => {})
  const isHeld = await Promise.race([
    new Promise<true>(resolve => child.stdout.once('data', () => resolve(true))),
    done.then(() => false),
  ])
  if (!isHeld) {
    const { exitCode, why } = await done
    if (exitCode === 76) return 'again'
    if (exitCode === 75 || exitCode === null) return null
    throw new TargetFault('target.lock', `${file} can't be locked: ${why}`, {
      hint: 'the folder must be writable for heald, and flock (util-linux) on its PATH',
      retry: 1000,
    })
  }
  return {
    run() {
      child.stdin.end('go\n')
      return done
    },
    async free() {
      child.stdin.end()
      await done
    },
  }
}
