import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ChannelSpec } from '../../../core/config/channel-spec.ts'
import { checkConfig } from '../../../core/config/load.ts'
import { Fault } from '../../../core/fault.ts'
import { wordAfter } from '../../../core/install/command-line.ts'
import { BOT_CREDENTIALS } from '../../../core/install/credentials.ts'
import { installedConfig } from '../../../core/install/files.ts'
import { checkProgram, checkSecrets, planInstall } from '../../../core/install/plan.ts'
import { coreUnit } from '../../../core/install/unit-text.ts'
import { ABLE, freshFolder } from '../config/folder.ts'

const PLAN = { config: '/etc/heald/heald.yaml', host: 'web-1', hasSubgroups: true, bot: null, alarm: null }

async function told(t: TestContext, bot: object): Promise<string> {
  const path = join(freshFolder(t), 'heald.yaml')
  writeFileSync(path, JSON.stringify({ channels: { telegram: { token: { env: 'T' }, chats: [1] } }, bot }))
  const { config } = await checkConfig(path, { facts: ABLE })
  return saidBy(() => planInstall(config ?? assert.fail(), path, 255))
}

function saidBy(plan: () => unknown): string {
  try {
    plan()
    return 'nothing'
  } catch (error) {
    return error instanceof Fault ? `${error.message}; ${error.hint}` : assert.fail(String(error))
  }
}

test('a user or a folder that the unit of the bot has not is refused', async t => {
  assert.match(await told(t, { run: 'unit', user: 'relay' }), /bot\.user is relay.*: heald-bot; leave bot\.user out/)
  for (const state of ['/srv/bot', '/var/lib/relay', '/var/lib/heald-bot/x', '/'])
    assert.match(await told(t, { run: 'unit', state }), /bot\.state is .*: \/var\/lib\/heald-bot; leave bot\.state out/)
  const own = { user: 'heald-bot', state: '/var/lib/heald-bot' }
  for (const bot of [own, { run: 'child', user: 'nobody', state: '/srv/bot' }])
    assert.doesNotMatch(await told(t, { run: 'unit', ...bot }), /bot\.(user|state)/)
})

test('a program that systemd would not find by its path is refused', () => {
  for (const odd of ['/opt/$x/node', '/opt/a"b/node', '/opt/a\\b/node', '/opt/a\nb/node'])
    assert.match(
      saidBy(() => checkProgram([odd, '/opt/heald.js'])),
      /units can't start a program; .*\/opt\/heald/,
      odd,
    )
  assert.equal(
    saidBy(() => checkProgram(['/opt/my heald 50%/node', '/opt/my heald 50%/heald.js'])),
    'nothing',
  )
})

test('what a unit was installed with is read from it, whatever its name has in it', t => {
  const path = join(freshFolder(t), 'heald.service')
  assert.equal(installedConfig(path), null)
  for (const config of ['/etc/heald/heald.yaml', '/srv/5 % of $HOME/"a\\b".yaml', '/srv/--config']) {
    const text = coreUnit({ ...PLAN, program: ['/opt/node', '/opt/heald.js'], config })
    assert.equal(wordAfter('--config', text), config)
    assert.equal(wordAfter('--folder', text), null)
    writeFileSync(path, text)
    assert.equal(installedConfig(path), config)
  }
  writeFileSync(path, '[Service]\nExecStart="/usr/bin/node" "--config" "/x"\n')
  assert.equal(installedConfig(path), null, 'it is somebody else’s')
})

test('the manual is named so that systemd reads one address', () => {
  const text = coreUnit({ ...PLAN, program: ['/opt/node', '/opt/my heald 50%/heald.js'] })
  assert.match(text, /^Documentation=file:\/\/\/opt\/my%%20heald%%2050%%25\/docs\/units\.md$/m)
})

test('each secret of a channel is given a name of its own', () => {
  const quiet = { quietHours: null, digest: null }
  const slack = { ...quiet, kind: 'slack', chats: ['C01'], http: null, apiUrl: 'https://slack.com/api/' } as const
  const good = (name: string) => ({ file: `${BOT_CREDENTIALS}${name}` })
  const [bot, app] = [{ env: 'B' }, { file: '/etc/app' }]
  const place = /put the token into (\S+), and write \{ file: (\S+) \}/
  const placesOf = (channel: ChannelSpec) => place.exec(saidBy(() => checkSecrets(channel)))?.slice(1)
  const named = (name: string) => [`/etc/heald/credentials/${name}`, `${BOT_CREDENTIALS}${name}`]
  assert.deepEqual(placesOf({ ...slack, botToken: bot, appToken: app }), named('slack-bot'))
  assert.deepEqual(placesOf({ ...slack, botToken: good('slack-bot'), appToken: app }), named('slack-app'))
  const telegram = {
    ...quiet,
    kind: 'telegram',
    token: bot,
    chats: ['1'],
    apiRoot: 'https://api.telegram.org',
  } as const
  assert.deepEqual(placesOf(telegram), named('telegram'))
})
