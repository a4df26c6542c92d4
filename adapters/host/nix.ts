import { lstat, readdir, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Ended, runCommand } from './command.ts'
import { syncFolder } from './durable-link.ts'
import { nullWhenMissing } from './missing.ts'
import { TargetFault } from './target-fault.ts'

/** How Nix is called. Its commands take 20 to 30 ms; none may reach for the network. */
export interface Nix {
  readonly env: Readonly<Record<string, string>>
  readonly storeDir: string
  readonly limits: NixLimits
  /** The command that makes `path` the newest generation of a profile and points the profile at it. */
  setCommand(profile: string, path: string): readonly string[]
  /** Rejects unless Nix vouches for the path and everything it needs, and all of it is there. */
  checkWhole(path: string): Promise<void>
  /** Writes the store to the disk: a path built a moment ago is empty after a power cut, and Nix calls it valid. */
  syncStore(): Promise<void>
  /** Makes `link` a root that keeps `path` from being collected. */
  addRoot(link: string, path: string): Promise<void>
}

export interface NixLimits {
  /** How long to wait for a profile's lock; nix-env itself waits for ever. */
  readonly lockMs: number
  readonly commandMs: number
  /** Reading and hashing a whole path. */
  readonly verifyMs: number
  readonly syncMs: number
}

export const NIX_LIMITS: NixLimits = { lockMs: 5000, commandMs: 20_000, verifyMs: 300_000, syncMs: 60_000 }

/** Where Nix stands when the daemon was started with a bare PATH. */
const NIX_PLACES = '/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin'
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const FIXED = ['--option', 'substitute', 'false']
/** Files hashed in one call at most, so that the arguments fit. */
const CHUNK = 500

export function makeNix(env: Readonly<Record<string, string>>, limits: Partial<NixLimits> = {}): Nix {
  const all = { ...NIX_LIMITS, ...limits }
  const environment = commandEnv(env)
  const storeDir = environment.NIX_STORE_DIR ?? '/nix/store'
  const rootsFolder = join(environment.NIX_STATE_DIR ?? '/nix/var/nix', 'gcroots/auto')
  const store = (args: readonly string[], deadlineMs = all.commandMs): Promise<Ended> =>
    runCommand(['nix-store', ...FIXED, ...args], { env: environment, deadlineMs })

  return {
    env: environment,
    storeDir,
    limits: all,
    setCommand: (profile, path) => ['nix-env', ...FIXED, '--profile', profile, '--set', path],

    async checkWhole(path) {
      await checkPresent(path)
      const asked = await store(['--check-validity', '--print-invalid', path])
      if (asked.why !== '') throw nixTrouble(asked.why)
      if (asked.out.trim() !== '') throw notWhole(path, 'Nix does not know it; it was not built here, or collected')
      const needed = await store(['--query', '--requisites', path])
      if (needed.why !== '') throw nixTrouble(needed.why)
      const requisites = needed.out.split('\n').filter(Boolean)
      const suspects = [path]
      for (const one of requisites) {
        const content = await contentOf(one)
        if (content === 'missing') throw notWhole(path, `${one}, which it needs, is missing`)
        if (content === 'empty' && one !== path) suspects.push(one)
      }
      for (let from = 0; from < suspects.length; from += CHUNK) {
        const read = await store(['--verify-path', ...suspects.slice(from, from + CHUNK)], all.verifyMs)
        if (read.why !== '') throw notWhole(path, `its content is not what was built (${read.why})`)
      }
    },

    async syncStore() {
      const { why } = await runCommand(['sync', '-f', storeDir], { env: environment, deadlineMs: all.syncMs })
      if (why !== '')
        throw new TargetFault('target.sync', `the store could not be written to the disk: ${why}`, { retry: 5000 })
    },

    async addRoot(link, path) {
      const { why } = await store(['--realise', path, '--add-root', link, '--indirect'])
      if (why !== '') throw nixTrouble(why)
      // Exit code 0 proves nothing.
      if ((await nullWhenMissing(realpath(link))) !== path)
        throw nixTrouble(`nix-store made no root ${link} for ${path}`)
      await nullWhenMissing(syncFolder(rootsFolder))
    },
  }
}

/** What a command gets of the daemon's environment, the rest of which may hold secrets. */
export function commandEnv(more: Readonly<Record<string, string>>): Record<string, string> {
  const nix = Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('NIX_') && value !== undefined ? [[name, value] as const] : [],
  )
  return {
    PATH: `${process.env.PATH ?? USUAL_PATH}:${NIX_PLACES}`,
    HOME: homedir(),
    LANG: process.env.LANG ?? 'C.UTF-8',
    ...Object.fromEntries(nix),
    ...more,
  }
}

/** Rejects when a store path is not there or holds nothing: what a power cut or a collection leaves. Needs no Nix. */
export async function checkPresent(path: string): Promise<void> {
  const content = await contentOf(path)
  if (content === 'whole') return
  if (content === 'missing')
    throw new TargetFault('target.gone', `${path} is not there any more; it was collected as garbage`, {
      hint: 'build it again, or choose another generation: heald generations',
    })
  throw notWhole(path, 'it is empty, as after a power cut before it was written')
}

async function contentOf(path: string): Promise<'missing' | 'empty' | 'whole'> {
  const stat = await nullWhenMissing(lstat(path))
  if (stat === null) return 'missing'
  if (stat.isDirectory()) return (await readdir(path)).length === 0 ? 'empty' : 'whole'
  return stat.size === 0 ? 'empty' : 'whole'
}

function notWhole(path: string, why: string) {
  return new TargetFault('target.not-whole', `${path} is not whole: ${why}`, {
    hint: `build it again, or repair it: nix-store --repair-path ${path}`,
  })
}

function nixTrouble(why: string) {
  return new TargetFault('target.nix', why, {
    hint: 'see whether Nix works: nix-store --verify',
    retry: 5000,
  })
}
