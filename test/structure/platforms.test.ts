import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { written } from '../../bot/commands/answer.ts'
import { checkConfig } from '../../core/config/load.ts'
import { startSlackFake } from '../fakes/slack/fake.ts'
import { callMethod } from '../fakes/slack/web-api.ts'
import { expectNone, ROOT, textOf } from './project.ts'

// What docs/platforms.md tells people to grant is what the adapters use: all of it, and nothing else.

const text = textOf('docs/platforms.md')
const CHAT = 'adapters/chat'
const sources = (platform: string) =>
  readdirSync(join(ROOT, CHAT))
    .filter(name => name.startsWith(platform) || name === 'probe.ts')
    .map(name => textOf(`${CHAT}/${name}`))
    .join('\n')

interface Manifest {
  readonly display_information: { readonly name: string; readonly description: string }
  readonly features: {
    readonly slash_commands: readonly { readonly command: string; readonly should_escape: boolean }[]
  }
  readonly oauth_config: { readonly scopes: { readonly bot: readonly string[] } }
  readonly settings: Readonly<Record<string, unknown>>
}

const [, shown = ''] = /```json\n([\s\S]*?)```/.exec(text) ?? []
const manifest = JSON.parse(shown) as Manifest
const { bot: scopes } = manifest.oauth_config.scopes

/** Bot scopes by method: https://docs.slack.dev/reference/methods. Of history and info the one for each sort of channel. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  'auth.test': [],
  // By the app-level token, which has a scope of its own.
  'apps.connections.open': [],
  'chat.postMessage': ['chat:write'],
  'chat.update': ['chat:write'],
  'chat.postEphemeral': ['chat:write'],
  'views.open': [],
  'files.getUploadURLExternal': ['files:write'],
  'files.completeUploadExternal': ['files:write'],
  'conversations.history': ['channels:history', 'groups:history'],
  'conversations.info': ['channels:read', 'groups:read'],
}

test('the manifest for Slack has the scopes of the methods that are called, and no other', () => {
  const FAMILIES =
    /\b(?:auth|apps|bots|chat|conversations|files|reactions|team|users|usergroups|views)\.[a-z]\w+(?:\.\w+)?(?=[(`])/g
  const called = [...new Set(sources('slack').match(FAMILIES))]
  assert.ok(called.includes('chat.postMessage') && called.includes('conversations.info'), called.join(' '))
  expectNone(
    called.filter(method => SCOPES[method] === undefined),
    'These methods are called, and nobody says here which scopes they take:',
  )
  const needed = new Set(['commands', ...called.flatMap(method => SCOPES[method] ?? [])])
  assert.deepEqual([...scopes].sort(), [...needed].sort())
  for (const scope of scopes)
    assert.ok(text.includes(`\`${scope}\``) || /^groups:/.test(scope), `${scope} is explained`)
})

test('with these scopes the strict fake takes every call of the adapter', async t => {
  const fake = await startSlackFake({ scopes: [...scopes] })
  t.after(() => fake.close())
  const { workspace } = fake
  const addresses = { socket: () => 'ws://fake', upload: () => 'http://fake' }
  for (const method of Object.keys(SCOPES)) {
    const token = method.startsWith('apps.') ? workspace.appToken : workspace.botToken
    const answer = callMethod(workspace, { method, token, args: { channel: 'C0ONE' } }, addresses)
    assert.ok(!['missing_scope', 'unknown_method', 'not_allowed_token_type'].includes(String(answer.error)), method)
  }
})

test('the manifest for Slack is one that Slack takes, for what the adapter listens to', () => {
  const { display_information: display, features, settings } = manifest
  assert.ok(display.name.length <= 35 && display.description.length <= 140)
  const [command, ...more] = features.slash_commands
  assert.deepEqual([command?.command, command?.should_escape, more.length], ['/heald', false, 0])
  assert.equal(written('status', 'slack').split(' ')[0], command?.command)
  assert.deepEqual([settings.socket_mode_enabled, settings.interactivity], [true, { is_enabled: true }])
  // Bolt acknowledges events before anybody has seen them, so the adapter takes none.
  assert.doesNotMatch(sources('slack'), /app\.(?:event|message)\(/)
  assert.equal(settings.event_subscriptions, undefined)
})

test('the link for Discord asks for the permissions that are listed, and the bot for no privileged intent', () => {
  // "Bitwise Permission Flags" of Discord's documentation.
  const BITS: Readonly<Record<string, number>> = {
    'View Channels': 10,
    'Send Messages': 11,
    'Embed Links': 14,
    'Attach Files': 15,
    'Read Message History': 16,
  }
  const [, list = ''] = /\| permission \|[^\n]*\n([\s\S]*?)\n\n/.exec(text) ?? []
  const names = [...list.matchAll(/^ *\| ([A-Z][\w ]+?) \|/gm)].map(([, name = '']) => name)
  assert.deepEqual(names.toSorted(), Object.keys(BITS).toSorted())
  const wanted = names.reduce((all, name) => all + 2 ** (BITS[name] ?? 0), 0)
  assert.ok(text.includes(`scope=bot+applications.commands&permissions=${wanted}`), String(wanted))
  const [, intents] = /^const INTENTS = (\d+)$/m.exec(textOf(`${CHAT}/discord-gateway.ts`)) ?? []
  // GUILDS; 1, 8 and 15 are the privileged ones.
  assert.equal(Number(intents) & ((1 << 1) | (1 << 8) | (1 << 15)), 0)
})

test('the lines of configuration that are shown pass the check together', async t => {
  const lines = [...text.matchAll(/`((?:telegram|discord|slack|whatsapp): \{.*?\})`/g)].map(
    ([, line = '']) => `  ${line}\n`,
  )
  assert.equal(lines.length, 4)
  const folder = mkdtempSync(join(tmpdir(), 'heald-platforms-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'heald.yaml')
  writeFileSync(path, `services:\n  web: { run: [sleep, "1"] }\nchannels:\n${lines.join('')}`)
  const { problems } = await checkConfig(path)
  assert.equal(problems, undefined)
})
