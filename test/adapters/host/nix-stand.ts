import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { type NixProfileOptions, nixProfile } from '../../../adapters/host/nix-profile.ts'
import type { Target } from '../../../core/safeswitch/target.ts'

export const ROOT = resolve(import.meta.dirname, '../../..')

/** A Nix store of its own, offline, with a profile whose generations 1..N are good-1 .. good-N. */
export interface NixStand {
  readonly root: string
  readonly profile: string
  /** The profile's folder. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly options: NixProfileOptions
  target(more?: Partial<NixProfileOptions>): Target
  /** The path of what the fixture built under this name. */
  path(name: string): string
  /** Runs a command with the stand's environment; its output. */
  run(...argv: string[]): string
  /** The name of what the profile leads to. */
  current(): string
  /** What stands in the profile's folder, without Nix's own. */
  links(): string[]
  /** Which activations began, in order. */
  activated(): string[]
}

export const has = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0

/** Why the stand can't be built here; null when it can. */
export function nixIsMissing(): string | null {
  for (const tool of ['nix-env', 'flock', 'timeout']) if (!has(tool)) return `needs ${tool}`
  return null
}

/** Builds the stand, in `root` when it is given; with `systems` the profile is that of small NixOS systems. */
export function nixStand(t: TestContext, { good = 3, root = temporary(t), systems = false } = {}): NixStand {
  const env = {
    NIX_STORE_DIR: join(root, 'store'),
    NIX_STATE_DIR: join(root, 'var/nix'),
    NIX_LOG_DIR: join(root, 'log'),
    NIX_CONF_DIR: join(root, 'etc'),
    NIX_USER_CONF_FILES: '',
    NIX_REMOTE: '',
    HOME: root,
    ACTIVATED: join(root, 'activated'),
  }
  const run = (...argv: string[]): string => {
    const [command = '', ...args] = argv
    const options = { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8', timeout: 60_000 } as const
    return execFileSync(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const built = run(
    'sh',
    join(ROOT, 'test/fixtures', systems ? 'builds-systems.sh' : 'builds-a-profile.sh'),
    root,
    String(good),
  )
  const paths = new Map(built.split('\n').map(line => line.split(' ') as [string, string]))
  const folder = join(root, 'var/nix/profiles')
  const profile = join(folder, systems ? 'system' : 'app')
  const stateDir = join(root, 'heald')
  mkdirSync(stateDir)
  const options = { name: 'app', profile, activate: ['bin/activate'], stateDir, env }
  return {
    root,
    profile,
    folder,
    env,
    options,
    target: more => nixProfile({ ...options, ...more }),
    path: name => paths.get(name) ?? assert.fail(`the fixture builds no ${name}`),
    run,
    current: () => realpathSync(profile).replace(/.*\/[a-z0-9]{32}-/, ''),
    links: () => readdirSync(folder).filter(name => name !== 'per-user' && !name.endsWith('.lock')),
    activated: () => (existsSync(env.ACTIVATED) ? readFileSync(env.ACTIVATED, 'utf8').split('\n').filter(Boolean) : []),
  }
}

/** A folder under a real path, as a store needs, that disappears with the test. */
export function temporary(t: TestContext): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'heald-nix-')))
  t.after(() => {
    // Nix takes the write permission from what it builds, which binds others than root.
    spawnSync('chmod', ['-R', 'u+w', root])
    rmSync(root, { recursive: true, force: true })
  })
  return root
}

/** Checks that a call is refused with this code, and with words about it. */
export async function refused(call: Promise<unknown>, code: string, words: RegExp = /./): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error && 'retry' in error)
    assert.equal(error.code, code, error.message)
    assert.match(error.message, words)
    return true
  })
}
