import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import type { TestContext } from 'node:test'

export const ROOT = resolve(import.meta.dirname, '../..')

/** The oldest Node that package.json allows. */
export const OLDEST = '22.18.0'

const MINUTES = 60_000

/** What a machine may need to reach the npm registry. */
const NETWORK = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|npm_config_(registry|userconfig))$/i

/** npm on this Node, with nothing of a clone's environment; packages fetched before are not fetched again. */
export function npm(cwd: string, ...words: string[]): string {
  const env = {
    PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
    HOME: homedir(),
    npm_config_cache: process.env.npm_config_cache ?? join(homedir(), '.npm'),
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => NETWORK.test(name))),
  }
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--update-notifier=false']
  const options = { cwd, env, encoding: 'utf8', timeout: 3 * MINUTES } as const
  return execFileSync('npm', [...words, ...quiet], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
}

export interface Packed {
  readonly filename: string
  /** Bytes of the tarball, and of what is in it. */
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

/** Builds and packs what would be published, into a folder that disappears with the test; as who keeps all to himself. */
export function pack(t: TestContext): Packed & { readonly tarball: string } {
  const folder = temporary(t)
  const before = process.umask(0o077)
  const said = npm(ROOT, 'pack', '--json', '--pack-destination', folder)
  process.umask(before)
  const [packed] = JSON.parse(said.slice(said.indexOf('[\n'))) as Packed[]
  assert.ok(packed !== undefined, said)
  return { ...packed, tarball: join(folder, packed.filename) }
}

/** Installs a tarball into an empty folder, as docs/installing.md says. */
export function install(t: TestContext, tarball: string) {
  const folder = temporary(t)
  npm(folder, 'install', '--prefix', folder, '--omit=optional', '--ignore-scripts', tarball)
  const modules = join(folder, 'node_modules')
  return { folder, modules, front: join(modules, 'heald/heald.js'), bin: join(modules, '.bin/heald') }
}

/** The Node of a version, fetched once; null where it can't be. */
export function nodeOf(version: string): string | null {
  const folder = join(ROOT, 'test/.tools', `node-${version}`)
  const node = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin/node')
  if (!existsSync(node)) {
    const fresh = `${folder}.${process.pid}`
    mkdirSync(fresh, { recursive: true })
    try {
      npm(fresh, 'install', '--prefix', fresh, '--ignore-scripts', `node-linux-${process.arch}@${version}`)
      renameSync(fresh, folder)
    } catch {
      // No registry, or another test was first: what counts is whether it is there.
      rmSync(fresh, { recursive: true, force: true })
    }
  }
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${version}` ? node : null
}

export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'heald-package-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}
