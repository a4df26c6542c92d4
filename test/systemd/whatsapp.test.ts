import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { has } from '../adapters/host/nix-stand.ts'
import { startWhatsAppFake } from '../fakes/whatsapp/server.ts'
import { CHATS } from '../fakes/whatsapp/stand.ts'
import { until } from '../until.ts'
import { bridge } from './bridge.ts'
import { listed } from './listed.ts'
import { INSTALLED, INSTALLED_NODE, machineIsMissing, startMachine } from './machine.ts'

// WhatsApp on an installed host: whatsapp-web.js and a real Chromium as a unit and a user of their own, and the bot beside
// them confined as if there were none.

const [GROUP] = CHATS
const UNIT = 'heald-whatsapp@*.service'
const START_MS = 90_000
/** For `pgrep -f`: the browser with all that belongs to it, and the process between it and the bot. */
const BROWSER = 'user-data-dir|whatsapp-child'

/** Tries to speak to the unit of WhatsApp, and prints what comes of it. */
const CALLER = `
import { connect } from 'node:net'
const socket = connect('/run/heald-whatsapp.sock')
socket.on('error', error => console.log(error.code))
socket.on('data', data => console.log(String(data)))
socket.on('close', () => console.log('closed'))
`

test('WhatsApp runs as a unit and a user of its own', { timeout: 1200_000 }, async t => {
  const missing = machineIsMissing() ?? (has('chromium') ? null : 'needs chromium')
  if (missing !== null) return t.skip(missing)
  const fake = await startWhatsAppFake()
  t.after(() => fake.close())
  fake.account.chats.set(GROUP, { id: GROUP, name: 'Night shift', participants: [fake.account.me] })
  const machine = await startMachine(t)
  const at = (...path: string[]) => join(machine.root(), ...path)
  const heald = (...words: string[]) => machine.run(INSTALLED_NODE, join(INSTALLED, 'heald.js'), ...words)
  const log = async () => (await machine.run('journalctl', '-q', '-o', 'short', '-n', '80')).stdout
  const told = (what: string, isSo: () => boolean | Promise<boolean>) =>
    until(what, isSo, START_MS).catch(async error => {
      throw new Error(`${error}\n${await log()}`)
    })
  const instances = async () =>
    (await machine.must('systemctl', 'list-units', '--plain', '--no-legend', '--full', UNIT)).match(/^\S+/gm) ?? []
  const score = async (unit: string) => {
    const out = await machine.must('systemd-analyze', 'security', '--no-pager', unit)
    return Number(/Overall exposure level for \S+: ([\d.]+)/.exec(out)?.[1])
  }
  const services = [1, 2, 3, 4, 5, 6]
  const install = async (channels: object) => {
    const settings = {
      host: 'machine',
      services: Object.fromEntries(services.map(n => [`worker-${n}`, { run: ['sleep', `10000${n}`] }])),
      ...{ bot: { run: 'unit' }, channels, routes: [{ to: Object.keys(channels), grace: '0s' }] },
    }
    mkdirSync(at('etc/heald'), { recursive: true })
    writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify(settings))
    const { code, stdout, stderr } = await heald('install')
    assert.equal(code, 0, stdout + stderr)
  }
  let killed = 0
  /** Kills one service after another, and waits until the chat has been told of it. */
  const noticeArrives = async () => {
    killed += 1
    await machine.must('pkill', '-KILL', '-f', `^sleep 10000${killed}`)
    const messages = () => [...fake.account.messages.values()]
    await told(`a notice of worker-${killed}`, () => messages().some(({ body }) => body.includes(`worker-${killed}`)))
  }
  for (const folder of ['var/lib/heald', 'var/lib/heald-bot', 'etc/heald'])
    rmSync(at(folder), { recursive: true, force: true })
  const before = listed(machine)
  const port = /127\.0\.0\.1:(\d+)/.exec(fake.browserArgs.join())?.[1] ?? assert.fail()
  await bridge(t, machine, [port])
  await install({ console: {} })
  const alone = await score('heald-bot.service')
  const withWhatsApp = { console: {}, whatsapp: { chats: [GROUP], browserArgs: fake.browserArgs } }
  await install(withWhatsApp)

  await t.test('until a device is paired no browser runs, and the channel says what to do', async () => {
    await told('the channel to be down', async () =>
      /heald whatsapp pair/.test((await heald('status', '--json')).stdout),
    )
    assert.notEqual((await machine.run('pgrep', '-f', 'user-data-dir')).code, 0)
  })

  await t.test('it is paired through the socket, and the bot begins to use it', async () => {
    fake.scan()
    const { code, stdout, stderr } = await heald('whatsapp', 'pair')
    assert.equal(code, 0, `${stdout}${stderr}\n${await log()}`)
    assert.match(stdout, /Linked\./)
    await told('the bot to be linked', async () => {
      const { channels } = JSON.parse((await heald('status', '--json')).stdout)
      return channels.some(({ name, state }: { name: string; state: string }) => name === 'whatsapp' && state === 'up')
    })
    await noticeArrives()
    const again = await heald('whatsapp', 'pair')
    assert.match(again.stderr, /somebody else uses it.*\n.*whether a device is linked already.*journalctl/)
    assert.equal(again.stderr.match(/It is tried again/g)?.length, 1, 'told once')
  })

  await t.test('the browser is its own user’s, in its own unit; the bot is alone in its', async () => {
    const rows = (await machine.must('ps', '-eo', 'pid=,user:32=,args='))
      .split('\n')
      .map(row => row.trim().split(/\s+/))
    const chromium = rows.filter(row => row.some(word => word.startsWith('--user-data-dir=')))
    assert.ok(chromium.length > 0)
    for (const [pid, user] of chromium) {
      assert.equal(user, 'heald-whatsapp')
      assert.match(readFileSync(at(`proc/${pid}/cgroup`), 'utf8'), /\/heald-whatsapp@[^/]+\.service$/m)
      assert.match(readFileSync(at(`proc/${pid}/status`), 'utf8'), /^NoNewPrivs:\t1$/m)
    }
    const { ControlGroup = '' } = await machine.show('heald-bot', 'ControlGroup')
    assert.equal((await machine.must('systemd-cgls', '--no-pager', ControlGroup)).match(/─\d+/g)?.length, 1)
    assert.equal((await machine.must('stat', '-c', '%a %U', '/var/lib/heald-whatsapp')).trim(), '700 heald-whatsapp')
  })

  await t.test('the bot is as confined as without it, the browser as far as it lets us', async () => {
    const [instance = ''] = await instances()
    const scores = { alone, bot: await score('heald-bot.service'), whatsapp: await score(instance) }
    t.diagnostic(`systemd-analyze security: ${JSON.stringify(scores)}`)
    assert.equal(scores.bot, alone)
    assert.ok(scores.bot <= 2.0)
    assert.ok(scores.whatsapp <= 2.5)
    const files = ['heald-bot.service', 'heald-whatsapp.socket', 'heald-whatsapp@.service']
    const { code, stderr } = await machine.run(
      ...['systemd-analyze', 'verify', '--man=no'],
      ...files.map(file => `/etc/systemd/system/${file}`),
    )
    assert.equal(code, 0, stderr)
    assert.doesNotMatch(stderr, /heald/)
  })

  await t.test('only the bot and root reach it, and only one at a time', async () => {
    assert.equal(
      (await machine.must('stat', '-c', '%a %U %G', '/run/heald-whatsapp.sock')).trim(),
      '600 heald-bot heald-bot',
    )
    const caller = [INSTALLED_NODE, '--input-type=module', '-e', CALLER]
    assert.match(await machine.must('runuser', '-u', 'nobody', '--', ...caller), /EACCES/)
    assert.equal(await machine.must(...caller), 'closed\n')
    assert.equal((await instances()).length, 1)
  })

  const again = 'killed, stuck, or with a bot that was killed: another one comes, and so does the notice'
  await t.test(again, { timeout: 800_000 }, async () => {
    mkdirSync(at('run/systemd/system/heald-whatsapp@.service.d'), { recursive: true })
    writeFileSync(at('run/systemd/system/heald-whatsapp@.service.d/quick.conf'), '[Service]\nWatchdogSec=5\n')
    await machine.must('systemctl', 'daemon-reload')
    const kills: Record<string, () => Promise<unknown>> = {
      'the whole unit': () => machine.must('systemctl', 'kill', '-s', 'KILL', UNIT),
      'the browser': () => machine.must('pkill', '-KILL', '-f', 'user-data-dir'),
      // Started with the shorter watchdog.
      'the process between': () => machine.must('pkill', '-STOP', '-f', 'whatsapp-child'),
      'the bot': () => machine.must('systemctl', 'kill', '-s', 'KILL', 'heald-bot'),
    }
    for (const [what, kill] of Object.entries(kills)) {
      const [old] = await instances()
      await kill()
      await noticeArrives()
      const [now, ...more] = await instances()
      assert.notEqual(now, old, what)
      assert.deepEqual(more, [], what)
    }
  })

  await t.test(
    'while its socket is stopped the channel and a pairing say so; started again, the notice comes',
    async () => {
      await machine.must('systemctl', 'stop', 'heald-whatsapp.socket')
      // Who is connected stays so.
      await machine.must('systemctl', 'kill', '-s', 'KILL', UNIT)
      await told('the channel to say so', async () =>
        /its socket can't be reached \(ENOENT\)/.test((await heald('status', '--json')).stdout),
      )
      const { code, stderr } = await heald('whatsapp', 'pair')
      assert.notEqual(code, 0)
      assert.match(
        stderr,
        /the unit of WhatsApp is not there \(\/run\/heald-whatsapp\.sock\)\n.*systemctl start heald-whatsapp\.socket/,
      )
      await machine.must('systemctl', 'start', 'heald-whatsapp.socket')
      await noticeArrives()
    },
  )

  await t.test('a channel that is taken out takes its units and its browser along', async () => {
    await install({ console: {} })
    assert.deepEqual(await instances(), [])
    assert.notEqual((await machine.run('pgrep', '-f', BROWSER)).code, 0)
    assert.ok(!listed(machine).some(path => /heald-whatsapp(@\.service|\.sock|\.socket)$/.test(path)))
    await install(withWhatsApp)
    await told('the browser is back', async () => (await machine.run('pgrep', '-f', BROWSER)).code === 0)
  })

  await t.test('uninstall leaves nothing', async () => {
    rmSync(at('run/systemd/system/heald-whatsapp@.service.d'), { recursive: true })
    assert.equal((await heald('uninstall', '--purge')).code, 0)
    for (const user of ['heald-bot', 'heald-whatsapp'])
      assert.notEqual((await machine.run('getent', 'passwd', user)).code, 0)
    assert.equal(await machine.must('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'heald*'), '')
    assert.notEqual((await machine.run('pgrep', '-f', BROWSER)).code, 0)
    assert.deepEqual(
      listed(machine).filter(path => !path.endsWith('/bridge.service')),
      before,
    )
  })
})
