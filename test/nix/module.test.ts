import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkConfig } from '../../core/config/load.ts'
import { has, temporary } from '../adapters/host/nix-stand.ts'
import { ABLE } from '../core/config/folder.ts'
import { CONFIGURED, evaluator, nixIsMissing } from './evaluate.ts'
import { type Unit, unitFile } from './unit-file.ts'

// The module, evaluated by a real Nix with test/nix/small-lib in the place of nixpkgs' lib.

interface System {
  readonly file: Record<string, unknown>
  readonly assertions: readonly { readonly assertion: boolean; readonly message: string }[]
  readonly warnings: readonly string[]
  readonly users: { readonly users: Record<string, { isSystemUser: boolean; group: string }>; readonly groups: object }
  readonly units: Readonly<Record<string, Unit>>
  readonly programs: readonly string[]
}

const TELEGRAM = { token: { file: '/run/secrets/telegram' }, chats: [-1001] }
const WEB = { run: ['node', 'server.js'], health: { http: 'http://127.0.0.1:8080/' } }

function configured(t: TestContext, settings: object, more = '{ }'): System {
  return evaluator(t).evaluate<System>(`${CONFIGURED} input (${more})`, settings)
}

const refused = ({ assertions }: System): string[] =>
  assertions.filter(({ assertion }) => !assertion).map(({ message }) => message)

const unitOf = ({ units }: System, name: string): Unit => units[name] ?? assert.fail(`there is no unit ${name}`)

test('without channels there are two units, and the end of heald is not the end of its services', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const system = configured(t, { services: { web: WEB } })
  assert.deepEqual(Object.keys(system.units), ['heald', 'heald-recover'])
  const heald = unitOf(system, 'heald')
  const { KillMode, Delegate, OOMPolicy, Restart, StateDirectory, RuntimeDirectory } = heald.serviceConfig
  assert.deepEqual([KillMode, Delegate, OOMPolicy, Restart], ['process', true, 'continue', 'always'])
  assert.deepEqual([StateDirectory, RuntimeDirectory], ['heald', 'heald'])
  assert.match(String(heald.serviceConfig.ExecStart), /\/bin\/heald up --config \/etc\/heald\/heald\.yaml$/)
  // A new file is a reload, a new heald a restart that no service notices.
  assert.match(String(heald.reloadTriggers), /heald\.yaml$/)
  assert.equal(heald.stopIfChanged, false)
  assert.equal(heald.startLimitIntervalSec, 0)
  for (const tool of ['bash', 'coreutils', 'util-linux', 'getent', 'nix']) {
    assert.ok(
      heald.path.some(path => path.endsWith(`-${tool}`)),
      `${tool}, which a dead-man needs`,
    )
  }
  assert.ok(system.programs.some(path => path.endsWith('-heald')))
  assert.deepEqual([system.warnings, system.users.users], [[], {}])
})

test('with channels the bot is a unit of its own, with its secrets as credentials', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const slack = { botToken: { env: 'SLACK_BOT' }, appToken: { file: '/run/secrets/app' }, channels: 'C012AB3CD' }
  const more = '{ services.heald.environmentFiles = [ "/run/secrets/slack.env" ]; }'
  const system = configured(t, { services: { web: WEB }, channels: { telegram: TELEGRAM, slack } }, more)
  const bot = unitOf(system, 'heald-bot')
  assert.deepEqual(bot.serviceConfig.LoadCredential, [
    'slack-appToken:/run/secrets/app',
    'telegram-token:/run/secrets/telegram',
  ])
  assert.deepEqual(bot.serviceConfig.EnvironmentFile, ['/run/secrets/slack.env'])
  assert.equal(unitOf(system, 'heald').serviceConfig.EnvironmentFile, undefined, 'secrets are the bot’s alone')
  assert.deepEqual([bot.serviceConfig.User, bot.serviceConfig.StateDirectory], ['heald-bot', 'heald-bot'])
  assert.match(
    String(bot.serviceConfig.ExecStart),
    /heald bot --socket \/run\/heald\/bot\.sock --folder \/var\/lib\/heald-bot/,
  )
  assert.deepEqual(system.users.users, { 'heald-bot': { group: 'heald-bot', isNormalUser: false, isSystemUser: true } })
  assert.deepEqual(system.file.bot, { run: 'unit', user: 'heald-bot', state: '/var/lib/heald-bot' })
  const place = '/run/credentials/heald-bot.service'
  assert.deepEqual(system.file.channels, {
    slack: { ...slack, appToken: { file: `${place}/slack-appToken` } },
    telegram: { ...TELEGRAM, token: { file: `${place}/telegram-token` } },
  })
  const other = configured(t, { channels: { telegram: { ...TELEGRAM, chats: [-1002] } } })
  assert.notDeepEqual(unitOf(other, 'heald-bot').restartTriggers, bot.restartTriggers, 'other channels, another bot')
})

test('the bot can be left to heald; as a unit it has a user and a folder of its own', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const channels = { telegram: TELEGRAM }
  const child = configured(t, { channels, bot: { run: 'child' } }, '{ services.heald.environmentFiles = [ "/e" ]; }')
  assert.deepEqual(Object.keys(child.units), ['heald', 'heald-again', 'heald-back', 'heald-failed', 'heald-recover'])
  assert.deepEqual(child.file.channels, channels, 'it reads the file where it is')
  assert.deepEqual([child.file.bot, child.users.users], [{ run: 'child' }, {}], 'no user is named that there is not')
  assert.deepEqual(unitOf(child, 'heald').serviceConfig.EnvironmentFile, ['/e'])
  const ofChild = configured(t, { channels, bot: { run: 'child', user: 'relay', state: '/srv/bot' } })
  assert.deepEqual([refused(child), refused(ofChild), ofChild.users.users], [[], [], {}])
  const others = { user: 'relay', state: '/srv/bot' }
  for (const [key, value] of Object.entries(others)) {
    const [message = '', ...more] = refused(configured(t, { channels, bot: { [key]: value } }))
    assert.match(message, new RegExp(`settings\\.bot\\.${key}: .*heald-bot.*child`))
    assert.deepEqual(more, [])
  }
})

test('there is a Chromium only where there is WhatsApp', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const without = configured(t, { channels: { telegram: TELEGRAM } })
  assert.doesNotMatch(JSON.stringify(without), /chromium/)
  const system = configured(t, { channels: { telegram: TELEGRAM, whatsapp: { chats: '4915112345678@c.us' } } })
  const { whatsapp } = system.file.channels as { whatsapp: { browser: string } }
  assert.match(whatsapp.browser, /chromium\/bin\/chromium$/)
  assert.match(String(unitOf(system, 'heald-whatsapp@').serviceConfig.ExecStart), /chromium\/bin\/chromium"$/)
  assert.deepEqual(Object.keys(system.users.users), ['heald-bot', 'heald-whatsapp'])
  const own = configured(t, { channels: { whatsapp: { chats: '4915112345678@c.us', browser: '/usr/bin/x' } } })
  assert.equal(
    (own.file.channels as typeof system.file & { whatsapp: { browser: string } }).whatsapp.browser,
    '/usr/bin/x',
  )
})

test('a new system does not start anew what waits to try heald again, tells of it, or leads back', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const system = configured(t, { channels: { telegram: TELEGRAM } })
  const left = Object.keys(system.units).filter(name => !unitOf(system, name).restartIfChanged)
  assert.deepEqual(left, ['heald-again', 'heald-back', 'heald-failed', 'heald-recover'])
})

test('heald is tried again without end where somebody is told, and the message says so', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const system = configured(t, { channels: { telegram: TELEGRAM } })
  assert.equal(unitOf(system, 'heald-again').startLimitIntervalSec, 0)
  const said =
    /it is tried again every 10 minutes until it runs, and you are told more and more rarely, and when it is back"$/
  assert.match(String(unitOf(system, 'heald-failed').serviceConfig.ExecStart), said)
})

test('options beside the settings have an effect, or nothing has without enable', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { evaluate } = evaluator(t)
  const options = evaluate<string[]>(`builtins.attrNames (lib.evalModules {
    modules = [ small.nixos (root + "/nix/module.nix") ]; specialArgs = { inherit pkgs; }; }).options.services.heald`)
  assert.deepEqual(options, ['enable', 'environmentFiles', 'package', 'path', 'settings'])
  const off = evaluate<object>(`(small.evaluate [ (root + "/nix/module.nix") ]).systemd.services`)
  assert.deepEqual(off, {})
  const system = configured(
    t,
    { services: { web: WEB } },
    '{ services.heald.package = pkgs.python3; services.heald.path = [ pkgs.nodejs ]; }',
  )
  assert.match(String(unitOf(system, 'heald').serviceConfig.ExecStart), /python3\/bin\/python3 up/)
  assert.ok(system.programs.some(path => path.endsWith('-python3')))
  assert.ok(unitOf(system, 'heald').path.some(path => path.endsWith('-nodejs')))
})

test('what can’t work is told before a system is built', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const told = (settings: object) =>
    configured(t, settings)
      .assertions.filter(({ assertion }) => !assertion)
      .map(({ message }) => message.replace('services.heald.settings.', ''))
      .join('\n')
  assert.equal(told({ services: { web: WEB } }), '')
  assert.match(told({ services: { web: {} } }), /^services\.web: needs run/)
  assert.match(told({ services: { Web: WEB } }), /^services\.Web: .*small letters/)
  assert.match(told({ services: { web: { ...WEB, target: 'app' } } }), /^services\.web\.target: there is no target app/)
  assert.match(told({ services: { web: { ...WEB, dependsOn: ['db'] } } }), /^services\.web\.dependsOn/)
  assert.match(
    told({ services: { web: { ...WEB, health: { every: '2s' } } } }),
    /^services\.web\.health: needs exactly one/,
  )
  assert.match(told({ targets: { app: { path: '/srv' } } }), /^targets\.app: needs kind/)
  assert.match(
    told({ targets: { app: { kind: 'nixos', checks: [{}] } } }),
    /^targets\.app\.checks\[1\]: needs exactly one/,
  )
  assert.match(told({ services: { bot: WEB }, channels: { console: {} } }), /^services\.bot: .*heald's own name/)
  const { warnings } = configured(t, { ledger: { redact: ['hunter2'] } })
  assert.match(warnings.join(), /ledger\.redact is in the Nix store/)
})

test('the example makes a file that heald takes, and units that systemd takes', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  if (!has('systemd-analyze')) return t.skip('needs systemd-analyze')
  const system = configured(t, {}, 'import (root + "/nix/example/configuration.nix")')
  assert.ok(system.assertions.every(({ assertion }) => assertion))
  const folder = temporary(t)
  writeFileSync(join(folder, 'heald.yaml'), JSON.stringify(system.file))
  assert.deepEqual((await checkConfig(join(folder, 'heald.yaml'), { facts: ABLE })).problems, undefined)
  const recover = unitOf(system, 'heald-recover')
  assert.deepEqual([recover.wantedBy, recover.unitConfig.DefaultDependencies], [['sysinit.target'], false])
  assert.match(
    String(recover.serviceConfig.ExecStart),
    /read -r id < "\$\$record" && \[ -e "\$\$record\.boot\.\$\$id" \]/,
  )
  const files = Object.entries(system.units).map(([name, unit]) => writeUnit(folder, name, unit))
  assert.equal(files.length, 6)
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' })
  const said = stderr
    .split('\n')
    .filter(line => line.startsWith(folder) || line.includes('heald'))
    // What systemd has from 254 on.
    .filter(line => !line.includes("Unknown key 'DelegateSubgroup'"))
  assert.deepEqual([said, status], [[], 0], stderr)
})

test('the bot is confined, heald as far as its work lets it', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  if (!has('systemd-analyze')) return t.skip('needs systemd-analyze')
  const folder = temporary(t)
  const exposure = (name: string, settings: object) => {
    const file = writeUnit(folder, name, unitOf(configured(t, settings), name))
    const words = ['security', '--offline=true', '--no-pager', file]
    const { stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' })
    const level = Number(/exposure level for [\w@-]+\.service: ([\d.]+)/.exec(stdout)?.[1])
    assert.ok(level > 0, stdout + stderr)
    return level
  }
  const bot = exposure('heald-bot', { channels: { telegram: TELEGRAM } })
  const whatsapp = { channels: { telegram: TELEGRAM, whatsapp: { chats: '4915112345678@c.us' } } }
  assert.equal(exposure('heald-bot', whatsapp), bot, 'the browser is a unit of its own')
  const browser = exposure('heald-whatsapp@', whatsapp)
  const core = exposure('heald', { services: { web: WEB } })
  t.diagnostic(`exposure: bot ${bot}, WhatsApp ${browser}, heald ${core}`)
  assert.ok(bot <= 2, `the bot: ${bot}`)
  assert.ok(browser <= 2.5, `the browser: ${browser}`)
  assert.ok(core <= 8.3, `heald: ${core}`)
})

/** Writes a unit's file, with programs that are here in the place of those that are not. */
function writeUnit(folder: string, name: string, unit: Unit): string {
  const file = join(folder, `${name}.service`)
  writeFileSync(
    file,
    unitFile(unit).replaceAll(/\/nix\/store\/\S+\/(bin\/heald|bin\/sh|libexec\/heald-failed)/g, '/bin/true'),
  )
  return file
}
