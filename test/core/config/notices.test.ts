import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { checkConfig, loadConfig } from '../../../core/config/load.ts'
import { loadConfigApart } from '../../../core/config/load-apart.ts'
import type { HostConfig } from '../../../core/config/spec.ts'
import { BOT_CREDENTIALS, secretToLookAt } from '../../../core/install/credentials.ts'
import { ABLE, freshFolder, writeConfig } from './folder.ts'

const FULL = `
tz: Europe/Berlin
services: { web: { run: x } }
channels:
  slack: { botToken: { file: bot }, signingSecret: { env: S }, port: 3000, channels: C012AB3CD, apiUrl: "http://127.0.0.1:1/api" }
  discord: { token: { env: D }, channels: ["112233"], apiUrl: "https://proxy.example/discord/api///" }
  telegram:
    token: { file: /run/credentials/telegram }
    chats: [-1001234567890, "42"]
    apiRoot: http://localhost:8081/
    quietHours: 22:00 – 7:00
    digest: "8:15"
  whatsapp: { chats: ["12345@c.us", "120363012345678901@g.us"], browser: bin/chromium, browserArgs: [--x, 010] }
  console: {}
routes:
  - { match: { severity: critical, service: [web, "job-*", web], kind: [incident, switch] }, to: [slack, whatsapp], grace: 0 }
  - { to: [], match: { kind: silence } }
  - { to: telegram, grace: 10m }
notify: { logs: true, flap: { changes: 2, within: 1h } }
escalation: [{ after: 5m, to: slack }, { after: 5m1s, unless: resolved, to: [whatsapp, telegram] }]
fallback: mail -s 'heald calls' ops
maintenance:
  - { match: { service: web }, from: 2026-07-01T22:00, to: 2026-07-02T06:00Z, why: "new disks" }
  - { cron: "0 3 * * SUN", for: 90m }
bot: { run: unit, user: ops, state: state/bot }
`

const ALL = { severity: null, services: null, kinds: null }
const PLAIN = { quietHours: null, digest: null }

async function loaded(t: TestContext, text: string): Promise<HostConfig> {
  return loadConfig(writeConfig(t, text), ABLE)
}

test('everything that can be written of notices arrives, in the order of the file', async t => {
  const path = writeConfig(t, FULL)
  const folder = join(path, '..')
  const { notice, bot } = await loadConfig(path, ABLE)
  assert.deepEqual(notice.channels, [
    {
      kind: 'slack',
      botToken: { file: join(folder, 'bot') },
      appToken: null,
      http: { signingSecret: { env: 'S' }, port: 3000 },
      chats: ['C012AB3CD'],
      apiUrl: 'http://127.0.0.1:1/api/',
      ...PLAIN,
    },
    { kind: 'discord', token: { env: 'D' }, chats: ['112233'], apiUrl: 'https://proxy.example/discord/api', ...PLAIN },
    {
      kind: 'telegram',
      token: { file: '/run/credentials/telegram' },
      chats: ['-1001234567890', '42'],
      apiRoot: 'http://localhost:8081',
      quietHours: { from: '22:00', to: '07:00' },
      digest: '08:15',
    },
    {
      kind: 'whatsapp',
      chats: ['12345@c.us', '120363012345678901@g.us'],
      browser: join(folder, 'bin/chromium'),
      browserArgs: ['--x', '010'],
      ...PLAIN,
    },
    { kind: 'console', chats: ['console'], ...PLAIN },
  ])
  assert.deepEqual(notice.routes, [
    {
      match: { severity: ['critical'], services: ['web', 'job-*'], kinds: ['incident', 'switch'] },
      to: ['slack', 'whatsapp'],
      graceMs: 0,
    },
    { match: { ...ALL, kinds: ['silence'] }, to: [], graceMs: 10_000 },
    { match: ALL, to: ['telegram'], graceMs: 600_000 },
  ])
  assert.deepEqual([notice.logs, notice.flap], [true, { changes: 2, withinMs: 3_600_000 }])
  assert.deepEqual(notice.escalation, [
    { afterMs: 300_000, unless: 'acked', to: ['slack'] },
    { afterMs: 301_000, unless: 'resolved', to: ['whatsapp', 'telegram'] },
  ])
  assert.deepEqual(notice.fallback, ['mail', '-s', 'heald calls', 'ops'])
  assert.deepEqual(notice.maintenance, [
    {
      match: { ...ALL, services: ['web'] },
      when: { fromMs: Date.parse('2026-07-01T20:00:00Z'), toMs: Date.parse('2026-07-02T06:00:00Z') },
      why: 'new disks',
    },
    { match: ALL, when: { cron: '0 3 * * SUN', forMs: 5_400_000 }, why: '' },
  ])
  assert.deepEqual(bot, { run: 'unit', user: 'ops', state: join(folder, 'state/bot') })
  assert.deepEqual(await loadConfigApart(path, ABLE), await loadConfig(path, ABLE))
})

test('what is left out has its defaults', async t => {
  const text =
    'channels:\n  slack: { botToken: { env: B }, appToken: { env: A }, channels: [C01] }\n  discord: { token: { env: D }, channels: ["1"] }\n  telegram: { token: { env: T }, chats: [1] }\n'
  const { notice } = await loaded(t, text)
  const addresses = notice.channels.map(channel => {
    if (channel.kind === 'telegram') return channel.apiRoot
    return channel.kind === 'slack' || channel.kind === 'discord' ? channel.apiUrl : ''
  })
  assert.deepEqual(addresses, ['https://slack.com/api/', 'https://discord.com/api', 'https://api.telegram.org'])
  assert.deepEqual([notice.flap, notice.logs], [{ changes: 4, withinMs: 600_000 }, false])
})

/** The channels of the file, and where notices then go without a route. */
const ROUTES: readonly (readonly [channels: string, routes: string, to: readonly string[] | null])[] = [
  ['', '', null],
  ['console: {}', '', ['console']],
  ['telegram: { token: { env: T }, chats: [1] }', '', ['telegram']],
  ['console: {}\n  telegram: { token: { env: T }, chats: [1] }', '', ['telegram']],
  ['console: {}\n  telegram: { token: { env: T }, chats: [1] }', 'routes: []\n', ['telegram']],
  ['whatsapp: { chats: ["12345@c.us"] }\n  telegram: { token: { env: T }, chats: [1] }', '', ['whatsapp', 'telegram']],
]

for (const [channels, routes, to] of ROUTES)
  test(`without routes all goes to ${to?.join(' and ') ?? 'nowhere'}: ${channels} ${routes}`, async t => {
    const { notice } = await loaded(t, `services: {}\n${channels === '' ? '' : `channels:\n  ${channels}\n`}${routes}`)
    assert.deepEqual(notice.routes, to === null ? [] : [{ match: ALL, to, graceMs: 10_000 }])
  })

test('what channels name and is not there, or can be read by everybody, is warned of', async t => {
  const folder = freshFolder(t)
  const at = (name: string) => join(folder, name)
  writeFileSync(at('open'), 'never shown')
  chmodSync(at('open'), 0o644)
  mkdirSync(at('folder'))
  // What is open in a folder that nobody else passes is nobody else's to read.
  mkdirSync(at('passed-by-none'), { mode: 0o700 })
  writeFileSync(at('passed-by-none/open'), 'never shown')
  chmodSync(at('passed-by-none/open'), 0o644)
  chmodSync(folder, 0o755)
  writeFileSync(
    at('heald.yaml'),
    `services: { web: { run: "${process.execPath}" } }
channels:
  telegram: { token: { file: open }, chats: [1] }
  discord: { token: { file: folder }, channels: ["1"] }
  slack: { botToken: { file: passed-by-none/open }, appToken: { file: lost }, channels: [C01] }
  whatsapp: { chats: ["12345@c.us"], browser: nowhere/chromium }
fallback: no-such-program --x
bot: { user: no-such-user-here }
`,
  )
  const checked = await checkConfig(at('heald.yaml'), { facts: ABLE, warn: true })
  assert.equal(checked.problems, undefined)
  assert.deepEqual(
    checked.warnings?.map(({ path, line, message }) => `${line} ${path}: ${message.replaceAll(folder, '')}`),
    [
      '3 channels.telegram.token: everybody on this host may read /open',
      '4 channels.discord.token: /folder is not a file',
      '5 channels.slack.appToken: there is no file /lost',
      '6 channels.whatsapp.browser: no program /nowhere/chromium is found',
      '7 fallback: no program no-such-program is found',
      '8 bot.user: there is no user no-such-user-here',
    ],
  )
  assert.ok(!JSON.stringify(checked).includes('never shown'))
  assert.match(checked.warnings?.[0]?.hint ?? '', /chmod o= /)
})

test('a secret that the bot’s unit is handed is missed where people write it', async t => {
  const channels = `{ telegram: { token: { file: ${BOT_CREDENTIALS}telegram }, chats: [1] } }`
  const warnings = async (run: string) => {
    const bot = `bot: { run: ${run}, user: heald-bot }`
    const path = writeConfig(t, `services: { web: { run: "${process.execPath}" } }\nchannels: ${channels}\n${bot}\n`)
    const checked = await checkConfig(path, { facts: ABLE, warn: true })
    assert.ok(checked.problems === undefined)
    return checked.warnings.map(({ message }) => message)
  }
  const noFile = `there is no file ${BOT_CREDENTIALS}telegram`
  // Its user comes with the installation.
  assert.deepEqual(await warnings('unit'), ['there is no file /etc/heald/credentials/telegram'])
  assert.deepEqual(await warnings('child'), [noFile, 'there is no user heald-bot'])
  const secret = { file: `${BOT_CREDENTIALS}telegram` }
  assert.deepEqual(await secretToLookAt(secret, { run: 'unit' }, true), secret, 'on NixOS its file is elsewhere')
})

test('whatever is written, it does not throw, and what is accepted is whole', async t => {
  const path = writeConfig(t, '')
  const words = [
    'telegram',
    'slack',
    'whatsapp',
    'critical',
    'web',
    '5m',
    '22:00-07:00',
    '@daily',
    '2026-01-01',
    1,
    true,
  ]
  const junk = fc.oneof(fc.jsonValue(), fc.constantFrom(...words))
  const map = (...keys: string[]) => fc.dictionary(fc.constantFrom(...keys, '__proto__', 'env'), junk)
  const some = (item: fc.Arbitrary<unknown>) => fc.oneof(junk, fc.array(fc.oneof(junk, item), { maxLength: 4 }))
  const match = fc.oneof(junk, map('severity', 'service', 'kind'))
  const telegram = fc.record({ token: fc.constant({ env: 'T' }), chats: fc.constant([1]) })
  const file = fc.record({
    channels: fc.oneof(
      junk,
      fc.dictionary(
        fc.constantFrom('telegram', 'discord', 'slack', 'whatsapp', 'console', '__proto__'),
        fc.oneof(junk, telegram, map('token', 'chats', 'channels', 'botToken', 'appToken', 'port', 'digest')),
      ),
    ),
    routes: some(fc.record({ match, to: junk })),
    escalation: some(map('after', 'unless', 'to')),
    maintenance: some(map('match', 'from', 'to', 'cron', 'for', 'why')),
    notify: fc.oneof(junk, map('logs', 'flap')),
    bot: fc.oneof(junk, map('run', 'user', 'state')),
    fallback: junk,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        file,
        file.map(({ channels, routes }) => ({ channels, routes })),
      ),
      async object => {
        writeFileSync(path, JSON.stringify(object))
        const { config, problems = [] } = await checkConfig(path, { facts: ABLE })
        for (const problem of problems) assert.ok(problem.message !== '' && problem.hint !== '' && problem.line === 1)
        if (config === undefined) return
        const kinds: readonly string[] = config.notice.channels.map(({ kind }) => kind)
        for (const { to } of [...config.notice.routes, ...config.notice.escalation])
          assert.ok(to.every(name => kinds.includes(name)))
        for (const { chats } of config.notice.channels) assert.ok(chats.length > 0)
        assert.ok(config.notice.routes.length > 0 || kinds.length === 0)
      },
    ),
    { numRuns: 400 },
  )
})

test('crowds are bounded', async t => {
  const route = '  - { to: slak, match: { kind: switch } }\n'
  const path = writeConfig(t, `routes:\n${route.repeat(5000)}`)
  const { problems = [] } = await checkConfig(path, { facts: ABLE })
  assert.deepEqual(problems.length, 101)
  assert.match(problems[0]?.message ?? '', /more than 100 entries/)
  const chats = Array.from({ length: 51 }, (_, index) => index + 1)
  const many = await checkConfig(writeConfig(t, `channels: { telegram: { token: { env: T }, chats: [${chats}] } }`), {
    facts: ABLE,
  })
  assert.match(many.problems?.[0]?.message ?? '', /more than 50 entries/)
})
