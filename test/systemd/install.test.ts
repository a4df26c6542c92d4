import assert from 'node:assert/strict'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import { BOT_CREDENTIALS } from '../../core/install/credentials.ts'
import { install, pack } from '../package/installed.ts'
import { until } from '../until.ts'
import { listed } from './listed.ts'
import { machineIsMissing, startMachine } from './machine.ts'
import { PACKED_FRONT, PACKED_NODE, putPacked } from './packed-inside.ts'
import { CHAT, PORT } from './written-chat.ts'

// What people do on a host: the package is unpacked there, and installs itself as units.

const missing = machineIsMissing()

test('heald is installed as a unit, confined, and removed without a trace', { timeout: 600_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const packed = install(t, pack(t).tarball)
  const machine = await startMachine(t)
  putPacked(machine, packed.folder)
  const at = (...path: string[]) => join(machine.root(), ...path)
  const heald = (...words: string[]) => machine.run(PACKED_NODE, PACKED_FRONT, ...words)
  const told = join(machine.shared, 'told')
  const isReady = (service: string) =>
    until(
      `${service} to be ready`,
      async () => new RegExp(`${service} +● ready`).test((await heald('status')).stdout),
      20_000,
    )
  const log = async (unit: string) => (await machine.run('journalctl', '-q', '-o', 'cat', '-u', unit)).stdout
  const worker = async () => {
    const { services } = JSON.parse((await heald('status', '--json')).stdout) as Status
    return services.find(({ name }) => name === 'worker')?.pid ?? null
  }
  let good = ''
  const processes = async () =>
    (await machine.must('ps', '-eo', 'args=')).split('\n').filter(row => /opt\/(heald|packed)|100001/.test(row))
  for (const folder of ['var/lib/heald', 'var/lib/heald-bot', 'etc/heald'])
    rmSync(at(folder), { recursive: true, force: true })
  const before = listed(machine)
  writeFileSync(join(machine.shared, 'chat.mjs'), CHAT)
  await machine.units({
    'app.service': '[Service]\nExecStart=/bin/sleep 100000\n',
    'chat.service': `[Service]\nExecStart=${process.execPath} ${join(machine.shared, 'chat.mjs')} ${told}\n`,
  })
  await machine.must('systemctl', 'start', 'app', 'chat')

  await t.test('it says what is missing, and writes nothing', async () => {
    const none = await heald('install')
    assert.match(none.stderr, /there is no \/etc\/heald\/heald\.yaml yet.*\n.*heald init \/etc\/heald\/heald\.yaml/)
    assert.match((await heald('init', '/etc/heald/heald.yaml')).stdout, /3\. Run {2}heald install {2}to start/)
    mkdirSync(at('etc/heald/credentials'), { recursive: true, mode: 0o700 })
    const config = (file: string) => ({
      host: 'machine',
      services: { app: { unit: 'app.service' }, worker: { run: ['sleep', '100001'] } },
      bot: { run: 'unit' },
      channels: { telegram: { token: { file }, chats: [-100], apiRoot: `http://127.0.0.1:${PORT}` } },
    })
    writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify(config('/etc/heald/token')))
    assert.match(
      (await heald('install')).stderr,
      /can't read the secret.*\n.*\/run\/credentials\/heald-bot\.service\/telegram/,
    )
    writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify(config(`${BOT_CREDENTIALS}telegram`)))
    assert.match((await heald('install')).stderr, /has no telegram.*\n.*install -D -m 600 \/dev\/stdin/)
    assert.match((await heald('config', 'check')).stdout, /there is no file \/etc\/heald\/credentials\/telegram; write/)
    assert.match((await heald('doctor', '--json')).stdout, /no token: \/etc\/heald\/credentials\/telegram is not there/)
    assert.ok(!existsSync(at('etc/systemd/system/heald.service')))
    writeFileSync(at('etc/heald/credentials/telegram'), '123:token\n', { mode: 0o600 })
    // As root unpacks it with a umask of 077.
    await machine.must('chmod', '-R', 'go-rwx', '/opt/packed/node_modules')
    const { stderr } = await heald('install')
    assert.match(stderr, /only root can read heald/)
    assert.ok(!existsSync(at('etc/systemd/system/heald.service')))
    await machine.must('sh', '-c', /open them: (.*)/.exec(stderr)?.[1] ?? '')
  })

  await t.test('it starts, ready when it says so, with the bot beside it', async () => {
    const { code, stdout, stderr } = await heald('install')
    assert.equal(code, 0, stdout + stderr + (await log('heald')))
    const { ActiveState, NRestarts } = await machine.show('heald', 'ActiveState', 'NRestarts')
    assert.deepEqual([ActiveState, NRestarts], ['active', '0'])
    await isReady('app')
    await until('the bot to reach the chat', async () => existsSync(told)).catch(async error => {
      throw new Error(`${error}\n${await log('heald-bot')}`)
    })
    const { MainPID } = await machine.show('heald-bot', 'MainPID')
    assert.match(await machine.must('ps', '-o', 'user=', '-p', String(MainPID)), /^heald-b/)
    assert.equal((await machine.must('stat', '-c', '%a %U', '/run/heald/bot.sock')).trim(), '600 heald-bot')
    // Of the package alone: nothing of the clone, which machines see too.
    for (const unit of ['heald', 'heald-bot']) {
      const { ExecStart = '' } = await machine.show(unit, 'ExecStart')
      assert.match(ExecStart, new RegExp(`argv\\[\\]=${PACKED_NODE} ${PACKED_FRONT} `))
    }
  })

  await t.test('a changed file is taken by a reload, and a bad one is refused', async () => {
    const file = at('etc/heald/heald.yaml')
    good = readFileSync(file, 'utf8')
    writeFileSync(file, 'services: [')
    assert.notEqual((await machine.run('systemctl', 'reload', 'heald')).code, 0)
    writeFileSync(file, good.replace('"worker"', '"other"'))
    await machine.must('systemctl', 'reload', 'heald')
    await isReady('other')
    writeFileSync(file, good)
    await machine.must('systemctl', 'reload', 'heald')
    await isReady('worker')
  })

  await t.test('its files are clean, and its confinement is as promised', async () => {
    const units = ['heald', 'heald-recover', 'heald-bot', 'heald-failed', 'heald-back', 'heald-again'].map(
      name => `/etc/systemd/system/${name}.service`,
    )
    const { code, stderr } = await machine.run('systemd-analyze', 'verify', '--man=no', ...units)
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stderr, /heald/, 'no word about our units')
    const scores: Record<string, number> = {}
    for (const name of ['heald', 'heald-bot', 'heald-failed']) {
      const out = await machine.must('systemd-analyze', 'security', '--no-pager', `${name}.service`)
      scores[name] = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(out)?.[1])
    }
    t.diagnostic(`systemd-analyze security: ${JSON.stringify(scores)}`)
    assert.ok((scores['heald-bot'] ?? 10) <= 2.0, 'the bot')
    assert.ok((scores['heald-failed'] ?? 10) <= 2.0, 'the sender')
    assert.ok((scores.heald ?? 10) <= 8.3, 'heald')
  })

  await t.test('killed, it is back and its services have not noticed; stuck, it is ended by the watchdog', async () => {
    const pid = async () => (await machine.show('heald', 'MainPID')).MainPID
    const before = await worker()
    for (const signal of ['KILL', 'STOP']) {
      const old = await pid()
      if (signal === 'STOP') {
        const drop = '[Service]\nWatchdogSec=2\nWatchdogSignal=SIGKILL\n'
        mkdirSync(at('run/systemd/system/heald.service.d'), { recursive: true })
        writeFileSync(at('run/systemd/system/heald.service.d/quick.conf'), drop)
        await machine.must('systemctl', 'daemon-reload')
        await machine.must('systemctl', 'restart', 'heald')
        await new Promise(resolve => setTimeout(resolve, 4500))
        assert.equal((await machine.show('heald', 'NRestarts')).NRestarts, '0', 'its signs of life arrive')
      }
      const now = await pid()
      await machine.must('kill', `-${signal}`, String(now))
      await until(`another heald after ${signal}`, async () => ![old, now, '0'].includes(await pid()))
      await until('it to answer', async () => (await heald('status')).code !== 4)
    }
    assert.equal((await machine.show('heald', 'Result', 'ActiveState')).ActiveState, 'active')
    assert.equal(await worker(), before)
  })

  await t.test('heald down stays down; when it fails for good, a chat is told without it', async () => {
    assert.equal((await heald('down')).code, 0)
    await new Promise(resolve => setTimeout(resolve, 2500))
    assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'inactive')
    assert.match((await heald('status')).stderr, /can't be reached.*\n.*start it with "systemctl start heald"/)
    const asNobody = ['runuser', '-u', 'nobody', '--', 'env', 'HOME=/nowhere', PACKED_NODE, PACKED_FRONT] as const
    assert.match((await machine.run(...asNobody, 'status')).stderr, /asked as root: sudo heald …/)
    assert.match((await machine.run(...asNobody, 'doctor')).stdout, /daemon: .*asked as root: sudo heald …/)
    await machine.must('chmod', 'o+rX', '/etc/heald', '/etc/heald/heald.yaml')
    const asked = [...asNobody, 'config', 'check', '/etc/heald/heald.yaml'] as const
    assert.match(
      (await machine.run(...asked)).stdout,
      /only root may start units(.*\n)+You are not root.*: sudo heald config/,
    )
    writeFileSync(at('etc/heald/heald.yaml'), 'services: [')
    const drop = '[Unit]\nStartLimitBurst=2\n[Service]\nRestartSec=100ms\n'
    writeFileSync(at('run/systemd/system/heald.service.d/quick.conf'), drop)
    await machine.must('systemctl', 'daemon-reload')
    await machine.must('systemctl', 'stop', 'heald-bot')
    await machine.run('systemctl', 'start', 'heald')
    const words =
      /\/bot123:token\/sendMessage .*machine: heald is down, and systemd has given up starting it; it is tried again/
    await until('the chat to be told', () => words.test(readFileSync(told, 'utf8'))).catch(async error => {
      throw new Error(`${error}\n${await log('heald')}\n${await log('heald-failed')}`)
    })
  })

  await t.test('after systemd has given up, installing again brings it back', async () => {
    writeFileSync(at('etc/heald/heald.yaml'), good)
    const { code, stdout, stderr } = await heald('install')
    assert.equal(code, 0, stdout + stderr)
    await isReady('worker')
  })

  await t.test('a bot that is no unit any more is stopped, and not started at the next boot', async () => {
    assert.equal((await machine.show('heald-bot', 'ActiveState')).ActiveState, 'active')
    writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify({ ...JSON.parse(good), channels: undefined }))
    const { code, stdout, stderr } = await heald('install')
    assert.equal(code, 0, stdout + stderr)
    const { ActiveState, LoadState } = await machine.show('heald-bot', 'ActiveState', 'LoadState')
    assert.deepEqual([ActiveState, LoadState], ['inactive', 'not-found'])
    assert.ok(!readdirSync(at('etc/systemd/system/multi-user.target.wants')).includes('heald-bot.service'))
    writeFileSync(at('etc/heald/heald.yaml'), good)
    assert.equal((await heald('install')).code, 0)
  })

  await t.test('another user or folder for the bot is refused, and nothing is stopped', async () => {
    const { MainPID } = await machine.show('heald-bot', 'MainPID')
    for (const other of [{ user: 'games' }, { state: '/srv/relay' }]) {
      writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify({ ...JSON.parse(good), bot: { run: 'unit', ...other } }))
      assert.match((await heald('install')).stderr, /the unit of the bot has its own.*\n.*leave bot\.(user|state) out/)
    }
    assert.equal((await machine.show('heald-bot', 'MainPID')).MainPID, MainPID)
    assert.ok(!existsSync(at('srv/relay')))
    writeFileSync(at('etc/heald/heald.yaml'), good)
  })

  await t.test('a token that is not for root alone is told', async () => {
    for (const [name, mode] of Object.entries({ '': 0o755, telegram: 0o644 }))
      chmodSync(at('etc/heald/credentials', name), mode)
    const { code, stdout, stderr } = await heald('install')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stderr, /credentials\/telegram is not for root alone\n.*chown root: .* && chmod 600 /)
    assert.match(
      (await heald('doctor', '--json')).stdout,
      /"warn","why":"everybody on this host may read \/etc\/heald\//,
    )
    chmodSync(at('etc/heald/credentials/telegram'), 0o600)
  })

  await t.test('a newer heald in another folder takes over, with the configuration of the one before', async () => {
    await isReady('worker')
    const pid = await worker()
    cpSync(at('etc/heald/heald.yaml'), at('srv/heald.yaml'))
    assert.equal((await heald('install', '--config', '/srv/heald.yaml')).code, 0)
    await machine.must('cp', '-al', '/opt/packed', '/opt/a newer 50%')
    const manifest = at('opt/a newer 50%/node_modules/heald/package.json')
    const text = readFileSync(manifest, 'utf8').replace(/"version": ".*"/, '"version": "99.0.0"')
    rmSync(manifest)
    writeFileSync(manifest, text)
    const newer = PACKED_FRONT.replace('/opt/packed', '/opt/a newer 50%')
    const { code, stdout, stderr } = await machine.run(PACKED_NODE, newer, 'install')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /Started: heald\.service, heald-bot\.service, with \/srv\/heald\.yaml/)
    await isReady('worker')
    assert.match((await heald('status')).stdout, /^heald 99\.0\.0/m)
    assert.equal(await worker(), pid)
    const units = ['heald', 'heald-recover', 'heald-bot'].map(name => `/etc/systemd/system/${name}.service`)
    const verified = await machine.run('systemd-analyze', 'verify', '--man=no', ...units)
    assert.deepEqual([verified.code, verified.stderr.match(/.*heald.*/g)], [0, null])
    rmSync(at('srv/heald.yaml'))
    assert.match(
      (await heald('install')).stderr,
      /no \/srv\/heald\.yaml, which the installed unit names\n.*--config FILE/,
    )
    assert.equal((await heald('install', '--config', '/etc/heald/heald.yaml')).code, 0)
  })

  await t.test('it is not removed in the middle of a switch', async () => {
    await machine.must('systemd-run', '--quiet', '--unit=heald-deadman-app-1', 'sleep', '100000')
    const { code, stderr } = await heald('uninstall')
    assert.notEqual(code, 0)
    assert.match(stderr, /a switch is under way \(heald-deadman-app-1\.service\).*\n.*heald status/)
    assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'active')
    await machine.must('systemctl', 'stop', 'heald-deadman-app-1')
  })

  await t.test('where heald is dead, uninstall says that what it ran goes on', async () => {
    await machine.must('systemctl', 'stop', 'heald')
    const { code, stdout, stderr } = await heald('uninstall')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /heald did not answer.*systemd-cgls \/system\.slice\/heald\.service/)
    assert.deepEqual(await processes(), ['sleep 100001'])
    assert.match(await machine.must('systemd-cgls', '/system.slice/heald.service'), /sleep 100001/)
    const up = [PACKED_NODE, PACKED_FRONT, 'up', '--config', '/etc/heald/heald.yaml']
    await machine.must('systemd-run', '--quiet', '--unit=by-hand', '--property=KillMode=process', ...up)
    await isReady('worker')
    const refused = (await heald('install')).stderr
    assert.match(refused, /heald\.service does not start.*\n(.*\n)*.*is being written by process/)
    assert.doesNotMatch(refused, /restart job|left-over/, 'its own lines, however often it is tried again meanwhile')
    await machine.must('systemctl', 'stop', 'by-hand')
    assert.equal((await heald('install')).code, 0)
    await isReady('worker')
  })

  await t.test('uninstall leaves nothing', async () => {
    rmSync(at('run/systemd/system/heald.service.d'), { recursive: true })
    const { code, stdout, stderr } = await heald('uninstall')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /Stopped: worker/)
    assert.match(stdout, /Kept: \/etc\/heald, \/var\/lib\/heald, \/var\/lib\/heald-bot/)
    assert.equal((await machine.must('stat', '-c', '%a %u %g', '/var/lib/heald-bot')).trim(), '700 0 0')
    assert.equal((await heald('uninstall', '--purge')).code, 0)
    assert.equal((await machine.show('heald', 'LoadState')).LoadState, 'not-found')
    assert.notEqual((await machine.run('getent', 'passwd', 'heald-bot')).code, 0)
    assert.equal((await machine.show('app', 'ActiveState')).ActiveState, 'active', 'units go on')
    assert.equal(await machine.must('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'heald*'), '')
    assert.deepEqual(await processes(), [])
    const ours = (path: string) => !/\/(app|chat)\.service$/.test(path)
    assert.deepEqual(listed(machine).filter(ours).sort(), [...before].sort())
  })
})
