import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { version } from '../../core/cli/version.ts'
import { npm, temporary } from '../package/installed.ts'
import { expectNone } from '../structure/project.ts'
import { evaluator, nixIsMissing, ROOT } from './evaluate.ts'

// nix/package.nix: what it asks nixpkgs for is evaluated, and then done here by hand, as buildNpmPackage and importNpmLock
// do it: the same files, the same package.json and lock, no network, the same commands.

interface Entry {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  /** Of an alias. */
  readonly name?: string
  readonly dependencies?: Record<string, string>
  readonly dev?: boolean
}

interface Asked {
  readonly pname: string
  readonly version: string
  readonly roots: readonly string[]
  readonly buildPhase: string
  readonly postInstall: string
  readonly npmPackFlags: readonly string[]
  readonly makeWrapperArgs: readonly string[]
  readonly env: Record<string, string>
  readonly manifest: { readonly dependencies: Record<string, string>; readonly devDependencies: Record<string, string> }
  readonly lock: { readonly packages: Record<string, Entry> }
}

const ASKED = `(withWhatsApp: let inherit (pkgs.callPackage (root + "/nix/package.nix") { inherit withWhatsApp; }) asked; in {
  inherit (asked) pname version buildPhase postInstall npmPackFlags makeWrapperArgs env;
  roots = map toString asked.src.fileset.roots;
  manifest = asked.npmDeps.asked.package;
  lock = asked.npmDeps.asked.packageLock;
})`

for (const withWhatsApp of [false, true]) {
  const kind = withWhatsApp ? 'with WhatsApp' : 'without WhatsApp'

  test(`the lock ${kind} has all that is needed, each package with its address, and nothing of a clone`, t => {
    const missing = nixIsMissing()
    if (missing !== null) return t.skip(missing)
    const { manifest, lock, makeWrapperArgs } = evaluator(t).evaluate<Asked>(`${ASKED} input`, withWhatsApp)
    const { '': _, ...packages } = lock.packages
    t.diagnostic(`${Object.keys(packages).length} packages`)
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.ok(packages[`node_modules/${name}`] !== undefined, `${name}, which importNpmLock looks for`)
    }
    expectNone(
      Object.entries(packages).flatMap(([path, { resolved, version: is = '?', integrity, name: own }]) => {
        const name = own ?? path.split('node_modules/').at(-1) ?? ''
        const good = resolved?.endsWith(`/${name}/-/${basename(name)}-${is}.tgz`) && integrity?.startsWith('sha512-')
        return good ? [] : [`${path}: ${resolved}`]
      }),
      'These have no address, or another one:',
    )
    const found = (from: string, name: string): boolean => {
      if (packages[`${from === '' ? '' : `${from}/`}node_modules/${name}`] !== undefined) return true
      return from !== '' && found(from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name)
    }
    expectNone(
      Object.entries(packages).flatMap(([path, { dependencies = {} }]) =>
        Object.keys(dependencies).flatMap(name =>
          found(path, name) || found('', name) ? [] : [`${path} needs ${name}`],
        ),
      ),
      'What is needed was left out:',
    )
    const has = (pattern: RegExp) => Object.keys(packages).some(path => pattern.test(path))
    assert.deepEqual([has(/node-linux|heald|biome|win32|darwin/), has(/puppeteer/)], [false, withWhatsApp])
    assert.equal(makeWrapperArgs.join(' ').includes('chromium'), withWhatsApp)
  })

  test(`what is asked for ${kind} builds, packs and runs`, { timeout: 600_000 }, t => {
    const missing = nixIsMissing()
    if (missing !== null) return t.skip(missing)
    const asked = evaluator(t).evaluate<Asked>(`${ASKED} input`, withWhatsApp)
    assert.deepEqual([asked.pname, asked.version], ['heald', version()])
    const root = temporary(t)
    const source = join(root, 'source')
    const out = join(root, 'out/lib/node_modules/heald')
    for (const path of asked.roots) cpSync(path, join(source, relative(ROOT, path)), { recursive: true })

    // As importNpmLock: every address becomes the path of a file.
    const fetched = new Map<string, string>()
    mkdirSync(join(root, 'fetched'))
    for (const [path, entry] of Object.entries(asked.lock.packages)) {
      if (entry.integrity === undefined) continue
      const file = join(root, 'fetched', `${path.replaceAll('/', '_')}.tgz`)
      symlinkSync(cached(entry.integrity), file)
      fetched.set(path, file)
    }
    const packages = Object.entries(asked.lock.packages).map(([path, entry]) => {
      const file = fetched.get(path)
      return [path, { ...entry, ...(file === undefined ? {} : { resolved: `file:${file}` }) }]
    })
    const pinned = (names: Record<string, string>) =>
      Object.fromEntries(Object.keys(names).map(name => [name, `file:${fetched.get(`node_modules/${name}`)}`]))
    const { dependencies, devDependencies } = asked.manifest
    const patched = { ...asked.manifest, dependencies: pinned(dependencies), devDependencies: pinned(devDependencies) }
    writeFileSync(join(source, 'package.json'), JSON.stringify(patched))
    const lock = { ...asked.lock, packages: Object.fromEntries(packages) }
    writeFileSync(join(source, 'package-lock.json'), JSON.stringify(lock))

    // As its hook, and then as buildNpmPackage.
    const env = {
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: root,
      npm_config_offline: 'true',
      npm_config_cache: join(root, 'cache'),
      out: join(root, 'out'),
      ...asked.env,
    }
    const run = (script: string) =>
      execFileSync('bash', ['-euc', script], { cwd: source, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    run('npm install --ignore-scripts; npm rebuild')
    run(`runHook() { :; }; ${asked.buildPhase}`)
    const listed = JSON.parse(run(`npm pack --json --dry-run --loglevel=warn ${asked.npmPackFlags.join(' ')}`))
    for (const { path } of listed[0].files as { path: string }[]) cpSync(join(source, path), join(out, path))
    run('npm prune --omit=dev --no-save')
    cpSync(join(source, 'node_modules'), join(out, 'node_modules'), { recursive: true, verbatimSymlinks: true })
    run(
      `makeWrapper() { test -s $4; }; installManPage() { test -s $1; }; installShellCompletion() { for file in $4 $6 $8; do test -s $file; done; }; ${asked.postInstall}`,
    )

    const modules = readdirSync(join(out, 'node_modules'))
    t.diagnostic(`${modules.length} packages, ${run(`du -sm ${out} | cut -f 1`).trim()} MB`)
    assert.deepEqual(
      modules.filter(name => /^(node-linux|typescript|heald)/.test(name)),
      [],
    )
    assert.equal(existsSync(join(out, 'node_modules/whatsapp-web.js')), withWhatsApp)
    assert.equal(run(`node ${out}/heald.js --version`), `heald ${version()}\n`)
    assert.equal(
      run(`cd ${out} && node -e "import('heald/verifier').then(it => console.log(typeof it.verifyLedger))"`),
      'function\n',
    )
    const packagesNeeded = ['grammy', 'discord.js', '@slack/bolt', ...(withWhatsApp ? ['whatsapp-web.js'] : [])]
    for (const name of packagesNeeded) run(`cd ${out} && node -e "import('${name}')"`)
  })
}

/** The file of a package in npm's cache, by its hash; where it is not there, npm fetches it. */
function cached(integrity: string): string {
  const hash = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm')
  const file = join(cache, '_cacache/content-v2/sha512', hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
  if (existsSync(file)) return file
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Asked['lock']
  const [path = '', entry] = Object.entries(packages).find(([, each]) => each.integrity === integrity) ?? []
  npm(ROOT, 'cache', 'add', `${path.split('node_modules/').at(-1)}@${entry?.version}`)
  return file
}
