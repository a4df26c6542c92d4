import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkConfig } from '../../core/config/load.ts'
import { filesOf, SYSUSERS } from '../../core/install/files.ts'
import { planOf } from '../../core/install/plan.ts'
import { temporary } from '../adapters/host/nix-stand.ts'
import { ABLE } from '../core/config/folder.ts'
import { CONFIGURED, evaluator, nixIsMissing } from './evaluate.ts'
import { type SocketUnit, socketFile, type Unit, unitFile } from './unit-file.ts'

// The units of `heald install` and those of the module, for the same settings: section by section, setting by setting.

/** Where they differ, and why that is right. What is compared of them is the rest. */
const EXPLAINED: Readonly<Record<string, string>> = {
  Documentation: 'where the manual is',
  ExecStart: 'where the programs are; the words after them are compared',
  ExecReload: 'the same',
  LoadCredential: 'where the tokens are; their names are compared',
  Environment: 'NixOS has no PATH that all units share; the other variables are compared',
  EnvironmentFile: 'tokens in variables: `heald install` takes none for a bot that is a unit of its own',
}

const SETTINGS = {
  plain: { services: { web: { run: ['node', 'server.js'] } } },
  child: { channels: { telegram: { token: { env: 'TOKEN' }, chats: [-1001] } }, bot: { run: 'child' } },
  'child, with its token in a file': {
    host: 'web-1',
    channels: {
      discord: { token: { env: 'TOKEN' }, channels: '112233445566778899' },
      telegram: { token: { file: '/run/secrets/telegram' }, chats: [-1001] },
    },
    bot: { run: 'child' },
  },
  'child, with a credential that ends with heald': {
    channels: { telegram: { token: { file: '/run/credentials/heald.service/telegram' }, chats: [-1001] } },
    bot: { run: 'child' },
  },
  telegram: { host: 'web-1', channels: { telegram: { token: { file: '/run/secrets/telegram' }, chats: [-1001, 2] } } },
  discord: {
    host: 'web-1',
    channels: {
      console: {},
      discord: {
        token: { file: '/run/secrets/discord' },
        channels: '112233445566778899',
        apiUrl: 'https://a.example/x',
      },
      whatsapp: {
        ...{ chats: '4915112345678@c.us', browser: '/usr/bin/chromium' },
        browserArgs: ['--proxy-server=https://proxy.example/50%$a', '--lang="de"'],
      },
    },
  },
  slack: {
    host: 'web-1',
    channels: {
      slack: {
        botToken: { file: '/run/secrets/bot' },
        appToken: { file: '/run/secrets/app' },
        channels: ['C012AB3CD'],
        apiUrl: 'https://slack.example/50%$a',
      },
    },
  },
  'nobody to tell': { channels: { console: {} } },
}

for (const [name, settings] of Object.entries(SETTINGS)) {
  test(`${name}: the units of NixOS are those of heald install`, async t => {
    const missing = nixIsMissing()
    if (missing !== null) return t.skip(missing)
    const { file, units, sockets, users } = evaluator(t).evaluate<Configured>(
      `${CONFIGURED} (input // { bot = { run = "unit"; } // (input.bot or { }); }) { }`,
      settings,
    )
    const { units: installed, users: installedUsers } = await installedFor(t, file)
    const nixos = new Map<string, string>([
      ...Object.entries(units).map(([name, unit]) => [`${name}.service`, unitFile(unit)] as const),
      ...Object.entries(sockets).map(([name, socket]) => [`${name}.socket`, socketFile(socket)] as const),
    ])
    assert.deepEqual([...nixos.keys()].sort(), [...installed.keys()].sort(), 'the same units')
    assert.deepEqual(Object.keys(users.users).sort(), installedUsers.sort(), 'the same users')
    for (const [unit, text] of installed) assert.deepEqual(comparable(nixos.get(unit) ?? ''), comparable(text), unit)
  })
}

interface Configured {
  readonly file: object
  readonly users: { readonly users: object }
  readonly units: Readonly<Record<string, Unit>>
  readonly sockets: Readonly<Record<string, SocketUnit>>
}

interface Installed {
  readonly units: Map<string, string>
  readonly users: string[]
}

/** The unit files that `heald install` would write for what the module wrote, by name, and the users that it would make. */
async function installedFor(t: TestContext, file: object): Promise<Installed> {
  const path = join(temporary(t), 'heald.yaml')
  writeFileSync(path, JSON.stringify(file))
  const { config, problems } = await checkConfig(path, { facts: ABLE })
  assert.deepEqual(problems, undefined)
  const files = [...filesOf(planOf(config ?? assert.fail(), '/etc/heald/heald.yaml', 255))]
  const units = new Map(
    files.flatMap(([to, text]) => {
      const name = /[^/]+\.(service|socket)$/.exec(to)?.[0]
      return name === undefined || text === '' ? [] : [[name, text] as const]
    }),
  )
  const users = files.flatMap(([to, text]) =>
    to === SYSUSERS ? [...text.matchAll(/^u (\S+)/gm)].map(([, name = '']) => name) : [],
  )
  return { units, users }
}

/** Settings by section, with their values in one way of writing, without what is explained. */
function comparable(text: string): Record<string, readonly string[]> {
  const found: Record<string, string[]> = {}
  let section = ''
  for (const line of text.split('\n')) {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section
    const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (key === '') continue
    const kept = key in EXPLAINED ? rest(key, value) : value
    if (kept === null) continue
    const name = `${section}: ${key}`
    // Elsewhere the order may mean something: commands run one after another, filters build on each other.
    const all = [...(found[name] ?? []), ...(LISTS.has(key) ? kept.split(' ') : [kept]).map(plain)]
    found[name] = LISTS.has(key) ? all.sort() : all
  }
  return Object.fromEntries(Object.entries(found).sort(([one], [other]) => (one < other ? -1 : 1)))
}

const LISTS = new Set([
  'After',
  'Before',
  'Wants',
  'WantedBy',
  'OnFailure',
  'Environment',
  'RestrictAddressFamilies',
  'LoadCredential',
])

/** What is compared of a setting that is explained. */
function rest(key: string, value: string): string | null {
  if (key === 'Documentation' || key === 'EnvironmentFile') return null
  if (key === 'Environment') return value.startsWith('PATH=') ? null : value
  if (key === 'LoadCredential') return value.replace(/:.*/, '')
  if (!key.startsWith('Exec')) return value
  // The program is one word there; here it is Node and a file.
  return value
    .replaceAll(/["'\\]/g, '')
    .replaceAll(/\/nix\/store\/[^/]+\/bin\/sh/g, '/bin/sh')
    .split(' ')
    .filter(
      word => !/^\/.*\/(heald|heald-failed|heald-whatsapp|node|heald\.js|sender\.ts|whatsapp-child\.ts)$/.test(word),
    )
    .join(' ')
}

function plain(value: string): string {
  if (/^(yes|true)$/.test(value)) return 'true'
  if (/^(no|false)$/.test(value)) return 'false'
  const [, count, unit] = /^(\d+)(min|d)$/.exec(value) ?? []
  return count === undefined ? value : String(Number(count) * (unit === 'min' ? 60 : 86_400))
}
