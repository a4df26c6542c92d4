import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ChannelSpec } from '../../../core/config/channel-spec.ts'
import type { HostConfig } from '../../../core/config/spec.ts'
import {
  type ChannelProbes,
  checkChannels,
  checkSecretFiles,
  isPackageInstalled,
  type ProbeChannel,
  sessionFolder,
} from '../../../core/doctor/channels.ts'
import { Fault } from '../../../core/fault.ts'
import { freshFolder } from '../config/folder.ts'

const COMMON = { chats: ['7', '8'], quietHours: null, digest: null }
const TELEGRAM: ChannelSpec = { kind: 'telegram', token: { env: 'T' }, apiRoot: 'http://127.0.0.1:1', ...COMMON }
const DISCORD: ChannelSpec = { kind: 'discord', token: { env: 'D' }, apiUrl: 'http://127.0.0.1:1', ...COMMON }
const SLACK: ChannelSpec = {
  kind: 'slack',
  botToken: { env: 'B' },
  appToken: null,
  http: { signingSecret: { env: 'S' }, port: 1 },
  apiUrl: 'http://127.0.0.1:1/',
  ...COMMON,
}
const WHATSAPP: ChannelSpec = { kind: 'whatsapp', browser: null, browserArgs: [], ...COMMON }
const CONSOLE: ChannelSpec = { kind: 'console', ...COMMON, chats: ['console'] }

/** Platforms where all is well but the second chat; `lacking` are the variables that are not set. */
function probesOf(...lacking: string[]): ChannelProbes & { readonly asked: string[] } {
  const asked: string[] = []
  const probe: ProbeChannel = async (spec, _, session) => {
    asked.push(`${spec.kind} ${session}`)
    return [
      { ok: true, why: 'takes the token' },
      { ok: true, why: '#ops' },
      { ok: false, why: 'not found' },
    ]
  }
  return {
    asked,
    probe,
    readSecret: async secret => {
      const name = 'env' in secret ? secret.env : secret.file
      if (lacking.includes(name))
        throw new Fault('secret.missing', `the variable ${name} is not set`, { hint: 'set it' })
      return 'secret'
    },
  }
}
const place = (path: string) => ({ path, session: '/session' })

test('a channel has a row for its platform and one for each chat', async () => {
  const probes = probesOf()
  const checks = await checkChannels([SLACK, CONSOLE], probes, place(''), () => true)
  assert.deepEqual(
    checks.map(({ id, title, state, why }) => [id, title, state, why]),
    [
      ['channel.slack', 'slack', 'ok', 'takes the token'],
      ['channel.slack.7', 'slack chat', 'ok', '7: #ops'],
      ['channel.slack.8', 'slack chat', 'warn', '8: not found'],
      ['channel.console', 'console', 'ok', 'printed by the bot: heald logs bot'],
    ],
  )
  assert.deepEqual(probes.asked, ['slack /session'])
})

test('a channel without its package or its secret is off, and says why; the others are asked', async () => {
  const probes = probesOf('D', 'S')
  const checks = await checkChannels([TELEGRAM, DISCORD, SLACK], probes, place(''), name => name !== 'grammy')
  assert.deepEqual(
    checks.map(({ id, state, why, advice }) => [id, state, why, advice]),
    [
      ['channel.telegram', 'off', 'its package grammy is not installed', 'install it beside heald: npm install grammy'],
      ['channel.discord', 'off', 'no token: the variable D is not set', 'set it'],
      ['channel.slack', 'off', 'no signingSecret: the variable S is not set', 'set it'],
    ],
  )
  assert.deepEqual(probes.asked, [])
})

test('a secret that everybody may read is warned of, where it is on the disk', async t => {
  const folder = freshFolder(t)
  chmodSync(folder, 0o755)
  for (const [name, mode] of [
    ['open', 0o644],
    ['shut', 0o640],
  ] as const) {
    writeFileSync(join(folder, name), 'secret')
    chmodSync(join(folder, name), mode)
  }
  const channels: ChannelSpec[] = [
    { ...TELEGRAM, token: { file: 'open' } },
    { ...SLACK, botToken: { file: 'shut' }, appToken: { file: 'gone' } },
  ]
  const checks = await checkSecretFiles(channels, async secret =>
    'file' in secret ? { file: join(folder, secret.file) } : secret,
  )
  assert.deepEqual(
    checks.map(({ id, state, why, advice }) => [id, state, why, advice].join('; ').replaceAll(folder, '')),
    ['secret.telegram.token; warn; everybody on this host may read /open; keep it to yourself: chmod o= /open'],
  )
})

test('the session of WhatsApp is looked for where its unit keeps it, if it has one', t => {
  const unit = freshFolder(t)
  const at = (bot: Partial<HostConfig['bot']>, ofUnit: string) =>
    sessionFolder({ bot: { run: 'child', user: null, state: null, ...bot } }, '/state', ofUnit)
  assert.equal(at({ run: 'unit' }, unit), unit)
  assert.equal(at({ run: 'unit', state: '/srv/bot' }, join(unit, 'none')), '/srv/bot/whatsapp')
  assert.equal(at({}, unit), '/state/bot/whatsapp')
})

test('WhatsApp has to have a browser', async t => {
  const folder = freshFolder(t)
  const state = async (browser: string | null) => {
    const [check] = await checkChannels([{ ...WHATSAPP, browser }], probesOf(), place(folder), () => true)
    return [check?.state, check?.why]
  }
  assert.deepEqual(await state(null), ['off', 'no Chromium is on the PATH'])
  assert.deepEqual(await state(join(folder, 'x')), ['off', `no program ${join(folder, 'x')} is found`])
  writeFileSync(join(folder, 'chromium'), '', { mode: 0o755 })
  assert.deepEqual(await state(null), ['ok', 'takes the token'])
  assert.deepEqual(await state(join(folder, 'chromium')), ['ok', 'takes the token'])
})

test('whether a package is there is seen without loading it', async () => {
  const states = await checkChannels([TELEGRAM, DISCORD, SLACK], probesOf(), place(''))
  assert.ok(states.every(({ why }) => !why.includes('not installed')))
  assert.deepEqual(['zod', '@no-such/package', 'no-such-package'].map(isPackageInstalled), [true, false, false])
  const script = `
    import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { console.log(url); return next(url, context) } })
    const { checkChannels } = await import(${JSON.stringify(new URL('../../../core/doctor/channels.ts', import.meta.url).href)})
    const probes = { probe: async () => [{ ok: true, why: 'asked' }], readSecret: async () => 'x' }
    console.log(JSON.stringify(await checkChannels([${JSON.stringify(TELEGRAM)}], probes, { path: '', session: '' })))
  `
  const { execFileSync } = await import('node:child_process')
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.match(said, /"why":"asked"/)
  assert.doesNotMatch(said, /node_modules/)
})
