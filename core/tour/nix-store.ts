import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, messageOf } from '../fault.ts'
import type { Plan } from './plan.ts'
import { writeRelease } from './release.ts'

/** What of Nix is made takes a fifth of a second. */
const COMMAND_MS = 5000

/** Points Nix at a store of the tour's own, whatever else there is on this host. */
export function nixEnv({ dir }: Plan['nix']): Record<string, string> {
  return {
    NIX_STORE_DIR: join(dir, 'store'),
    NIX_STATE_DIR: join(dir, 'state'),
    NIX_LOG_DIR: join(dir, 'log'),
    NIX_CONF_DIR: join(dir, 'etc'),
    NIX_USER_CONF_FILES: '',
    NIX_REMOTE: '',
    // It leaves a file or two in everybody's home.
    HOME: join(dir, 'home'),
  }
}

/**
 * Makes a store with agent-1 and agent-2, which is bad, and a profile whose generation 1 is agent-1. Needs no network.
 * Resolves to agent-2's path, or to why there is no store.
 */
export async function makeStore({ nix }: Plan): Promise<{ readonly bad: string } | { readonly missing: string }> {
  const { dir, profile } = nix
  for (const folder of ['store', 'state/profiles', 'log', 'etc', 'home', 'packed']) {
    mkdirSync(join(dir, folder), { recursive: true })
  }
  writeFileSync(join(dir, 'etc/nix.conf'), 'build-users-group =\nsubstituters =\n')
  const run = (command: string, ...args: string[]) => runNix(nix, command, args)
  const pack = (name: string, isBad: boolean) => {
    const folder = join(dir, 'packed', name)
    writeRelease(folder, name, isBad)
    return run('nix-store', '--add', folder)
  }
  try {
    const [good, bad] = [await pack('agent-1', false), await pack('agent-2', true)]
    await run('nix-env', '--profile', profile, '--set', good)
    return { bad }
  } catch (error) {
    return { missing: codeOf(error) === 'ENOENT' ? 'Nix is not there' : `Nix makes no store here: ${messageOf(error)}` }
  }
}

function runNix(nix: Plan['nix'], command: string, args: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, ...nixEnv(nix) }
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: '/', env, timeout: COMMAND_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim())
      else if (error.code === 'ENOENT') reject(error)
      else reject(new Error(stderr.trim().split('\n').at(-1) || messageOf(error), { cause: error }))
    })
  })
}
