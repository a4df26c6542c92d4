import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import { BOT_CREDENTIALS } from '../../core/install/credentials.ts'
import { MARK } from '../../core/install/unit-text.ts'
import { makeReleases } from '../adapters/host/releases-stand.ts'
import { until } from '../until.ts'
import { INSTALLED, INSTALLED_NODE, machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()

/** Of a heald whose sockets were for the bot's group: what has changed since, in short. */
const BEFORE = {
  'etc/sysusers.d/heald.conf': `${MARK}
u heald-bot - "heald's bot" /var/lib/heald-bot
u heald-whatsapp - "WhatsApp of heald's bot" /var/lib/heald-whatsapp
`,
  'etc/systemd/system/heald-bot.service': `${MARK}
[Service]
ExecStart=/bin/sleep 100005
User=heald-bot
Group=heald-bot
StateDirectory=heald-bot
StateDirectoryMode=0700
[Install]
WantedBy=multi-user.target
`,
  'etc/systemd/system/heald-whatsapp.socket': `${MARK}
[Socket]
ListenStream=/run/heald-whatsapp.sock
SocketGroup=heald-bot
SocketMode=0660
RemoveOnStop=yes
Accept=yes
[Install]
WantedBy=sockets.target
`,
  'etc/systemd/system/heald-whatsapp@.service': `${MARK}
[Service]
ExecStart=/bin/sleep 100005
User=heald-whatsapp
Group=heald-whatsapp
`,
}

test('heald is not removed in the middle of a switch that has no dead-man', { timeout: 480_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const at = (...path: string[]) => join(machine.root(), ...path)
  const heald = (...words: string[]) => machine.run(INSTALLED_NODE, join(INSTALLED, 'heald.js'), ...words)
  const target = async () => (JSON.parse((await heald('status', '--json')).stdout) as Partial<Status>).targets?.[0]
  const configure = (probation: string) =>
    writeFileSync(
      at('etc/heald/heald.yaml'),
      JSON.stringify({
        host: 'machine',
        services: { worker: { run: ['sleep', '100004'], target: 'app' } },
        targets: {
          app: {
            kind: 'releases',
            path: '/srv/app',
            irreversible: ['2'],
            checks: [{ exec: ['true'], every: '200ms', timeout: '200ms' }],
          },
        },
        switch: { probation, passes: 2, deadMan: '10m' },
      }),
    )
  mkdirSync(at('etc/heald'), { recursive: true })
  makeReleases(at('srv/app'), 2)
  configure('1s')
  assert.equal((await heald('install')).code, 0)
  await until('what runs to be known as good', async () => ((await target())?.knownGood ?? null) !== null)
  configure('5m')
  assert.equal((await heald('reload')).code, 0)
  // It waits for another heald then, which does not come: it ends with the machine.
  const order = heald('deploy', 'app', '2')
  order.catch(() => {})
  await until('the probation', async () => (await target())?.state === 'probation')
  const units = await machine.must('systemctl', 'list-units', '--plain', '--no-legend', 'heald-deadman-*')
  assert.equal(units, '', 'what can’t be led back from has no dead-man')
  const { code, stderr } = await heald('uninstall')
  assert.notEqual(code, 0)
  assert.match(stderr, /a switch is under way \(app\).*\n.*heald status/)
  assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'active')
  await heald('down')
  await until('heald to have ended', async () => (await machine.show('heald', 'ActiveState')).ActiveState !== 'active')
  const roots = at('var/lib/heald/switch/of-nix/roots')
  mkdirSync(roots, { recursive: true })
  symlinkSync('/nix/store/generation', join(roots, 'generation'))
  const removed = await heald('uninstall')
  assert.equal(removed.code, 0, removed.stderr)
  assert.deepEqual(readdirSync(roots), [], 'nothing is kept from being collected')

  const unit = (name: string) => at('etc/systemd/system', name)
  const withChat = () => {
    mkdirSync(at('etc/heald/credentials'), { recursive: true, mode: 0o700 })
    writeFileSync(at('etc/heald/credentials/telegram'), '123:token\n', { mode: 0o600 })
    const telegram = { token: { file: `${BOT_CREDENTIALS}telegram` }, chats: [-100], apiRoot: 'http://127.0.0.1:9' }
    writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify({ bot: { run: 'unit' }, channels: { telegram } }))
  }
  await t.test(
    'a mask stays: it is not written over, keeps nothing from being removed, and is no installation',
    async () => {
      await machine.must('systemctl', 'mask', 'heald-bot', 'heald-whatsapp.socket')
      configure('1s')
      assert.equal((await heald('install')).code, 0, 'no unit of these is planned')
      // It goes on with the switch of before.
      await until('its target to rest', async () => ['idle', 'held'].includes((await target())?.state ?? ''))
      withChat()
      assert.match((await heald('install')).stderr, /heald-bot\.service is masked.*\n.*systemctl unmask heald-bot/)
      const { code, stderr } = await heald('uninstall')
      assert.equal(code, 0, stderr)
      assert.ok(!existsSync(unit('heald.service')))
      assert.equal((await heald('uninstall')).stdout.split('\n')[0], 'heald was not installed here.')
      for (const name of ['heald-bot.service', 'heald-whatsapp.socket'])
        assert.equal(readlinkSync(unit(name)), '/dev/null', name)
      await machine.must('systemctl', 'unmask', 'heald-bot', 'heald-whatsapp.socket')
    },
  )

  await t.test('a user that was there before stays', async () => {
    await machine.must('useradd', '--system', '--user-group', 'heald-bot')
    for (const verb of ['install', 'install', 'uninstall']) {
      const { code, stderr } = await heald(verb)
      assert.equal(code, 0, stderr)
    }
    assert.equal((await machine.must('stat', '-c', '%U', '/var/lib/heald-bot')).trim(), 'heald-bot')
    await machine.must('userdel', 'heald-bot')
  })

  await t.test('units of an earlier heald are taken over, and its users are removed in the end', async () => {
    for (const [path, text] of Object.entries(BEFORE)) {
      mkdirSync(dirname(at(path)), { recursive: true })
      writeFileSync(at(path), text)
    }
    await machine.must('systemd-sysusers', '/etc/sysusers.d/heald.conf')
    await machine.must('systemctl', 'daemon-reload')
    await machine.must('systemctl', 'enable', '--quiet', '--now', 'heald-bot', 'heald-whatsapp.socket')
    const { code, stderr } = await heald('install')
    assert.equal(code, 0, stderr)
    const { Group, ActiveState } = await machine.show('heald-bot', 'Group', 'ActiveState')
    assert.deepEqual([Group, ActiveState], ['', 'active'])
    assert.ok(!existsSync(at('run/heald-whatsapp.sock')))
    assert.equal((await heald('uninstall')).code, 0)
    for (const user of ['heald-bot', 'heald-whatsapp'])
      assert.notEqual((await machine.run('getent', 'passwd', user)).code, 0, user)
    const left = await machine.must('find', '/etc/systemd', '-name', 'heald*')
    assert.deepEqual([left, existsSync(at('etc/sysusers.d/heald.conf'))], ['', false])
  })

  await t.test('a folder in the place of a unit is somebody else’s', async () => {
    mkdirSync(unit('heald.service'))
    for (const verb of ['install', 'uninstall'])
      assert.match((await heald(verb)).stderr, /heald\.service is there already, and "heald install" did not write it/)
    rmdirSync(unit('heald.service'))
  })

  await t.test('a heald that is no unit is left alone; what is deleted is told', async () => {
    writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify({ services: { worker: { run: ['sleep', '100004'] } } }))
    const up = [INSTALLED_NODE, join(INSTALLED, 'heald.js'), 'up', '--config', '/etc/heald/heald.yaml']
    await machine.must('systemd-run', '--quiet', '--unit=by-hand', ...up)
    await until('it to answer', async () => (await heald('status')).code !== 4)
    const { code, stderr } = await heald('uninstall', '--purge')
    assert.notEqual(code, 0)
    assert.match(stderr, /heald was not installed here, but it runs.*\n.*heald down/)
    assert.equal((await machine.show('by-hand', 'ActiveState')).ActiveState, 'active')
    await machine.must('systemctl', 'mask', 'heald')
    assert.match((await heald('uninstall', '--purge')).stderr, /heald was not installed here, but it runs/)
    await machine.must('systemctl', 'unmask', 'heald')
    const { MainPID = '' } = await machine.show('by-hand', 'MainPID')
    await machine.must('kill', '-STOP', MainPID)
    assert.match((await heald('uninstall', '--purge')).stderr, /has not ended, and writes .*\n.*lock\.pid/)
    assert.ok(existsSync(at('var/lib/heald/ledger')))
    await machine.must('kill', '-CONT', MainPID)
    await heald('down')
    const { stdout, stderr: said } = await heald('uninstall', '--purge')
    assert.equal(
      stdout + said,
      'heald was not installed here.\nDeleted /etc/heald, /var/lib/heald, /var/lib/heald-bot (configuration and ledger).\n',
    )
  })
})
