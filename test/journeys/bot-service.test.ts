import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Changes } from '../../core/api/control.ts'
import { CHANNEL, noticesOf } from './notices.ts'
import { FIXTURES, makeStand, NODE } from './stand.ts'

const SERVICES = { services: { app: { run: ['sleep', '100000'] } } }
const SLOW = { apiRoot: 'http://127.0.0.1:10' }

test('the bot is heald’s first service: healed, restarted and stopped like any other, renewed with its channels', async t => {
  const stand = await makeStand(t)
  const bot = noticesOf(stand)
  stand.configure(SERVICES)
  bot.configure({ notice: { channels: [CHANNEL] } })
  const daemon = await bot.up()
  const { pid } = await stand.inState('bot', 'ready')
  assert.deepEqual(
    (await stand.status()).services.map(({ name }) => name),
    ['bot', 'app'],
  )
  assert.equal((statSync(join(stand.state, 'bot.sock')).mode & 0o777).toString(8), '600')
  assert.equal((statSync(bot.folder).mode & 0o777).toString(8), '700')

  await stand.wait('the bot tells of its channel', () => stand.of('channel.up')[0])
  const environment = JSON.parse(bot.read('environment')) as Record<string, string>
  assert.equal(environment.HEALD_MARK, `${stand.mark}/bot`, 'it gets the variable of its token')
  assert.equal(environment.NODE_COMPILE_CACHE, undefined, 'and none that is heald’s own')
  assert.doesNotMatch(bot.read('config'), new RegExp(stand.mark), 'the value of a secret is no configuration')

  process.kill(pid ?? 0, 'SIGKILL')
  const next = await stand.wait('another bot', async () => {
    const now = await stand.service('bot')
    return now.state === 'ready' && now.pid !== pid ? now.pid : null
  })
  await stand.must('restart', 'bot')
  const restarted = (await stand.inState('bot', 'ready')).pid
  assert.notEqual(restarted, next)

  // A route is asked for anew, without another bot.
  bot.configure({ notice: { channels: [CHANNEL], logs: true } })
  assert.deepEqual((await stand.json<Changes>('reload')).keep, ['bot', 'app'])
  await stand.wait('the bot knows the new settings', () => bot.read('config').includes('"logs":true'))
  assert.equal((await stand.service('bot')).pid, restarted)

  bot.configure({ notice: { channels: [{ ...CHANNEL, ...SLOW }] } })
  assert.deepEqual((await stand.json<Changes>('reload')).restart, ['bot'])
  const renewed = await stand.wait('a bot of the new channels', async () => {
    const now = await stand.service('bot')
    return now.state === 'ready' && now.pid !== restarted ? now.pid : null
  })

  // It outlives heald like any service; one of other channels is renewed at the start.
  await daemon.kill()
  await bot.up()
  assert.equal((await stand.inState('bot', 'ready')).pid, renewed)

  bot.configure({})
  assert.deepEqual((await stand.json<Changes>('reload')).stop, ['bot'])
  await stand.wait('no socket', () => statSync(join(stand.state, 'bot.sock'), { throwIfNoEntry: false }) === undefined)
  bot.configure({ notice: { channels: [CHANNEL] } })
  assert.deepEqual((await stand.json<Changes>('reload')).start, ['bot'])
  await stand.inState('bot', 'ready')
  await stand.must('down')
  await stand.verified()
  await stand.nothingLeft()
})

test('a bot that crash-loops is an incident, and nothing is rolled back', async t => {
  const stand = await makeStand(t)
  const bot = noticesOf(stand)
  stand.configure(SERVICES)
  bot.configure({ notice: { channels: [CHANNEL] } })
  bot.switchOn('crashes')
  await bot.up()
  const loop = await stand.wait('a crash loop', () => stand.of('crashloop.detected', 'bot')[0])
  assert.equal(loop.data.verdict, 'slow restarts')
  const [incident] = await stand.incidents()
  assert.deepEqual(incident?.services, ['bot'])
  await stand.inState('app', 'ready')
  unlinkSync(join(bot.folder, 'crashes'))
  await stand.must('restart', 'bot')
  await stand.must('down')
  await stand.nothingLeft()
})

test('with a bot run by somebody else heald opens the socket only; its own name is reserved', async t => {
  const stand = await makeStand(t)
  const bot = noticesOf(stand)
  stand.configure(SERVICES)
  bot.configure({ notice: { channels: [CHANNEL] }, bot: { run: 'unit' } })
  await bot.up()
  assert.deepEqual(
    (await stand.status()).services.map(({ name }) => name),
    ['app'],
  )
  assert.ok(statSync(join(stand.state, 'bot.sock')).isSocket())
  bot.configure({ notice: { channels: [CHANNEL] } })
  stand.configure({ services: { bot: { run: ['sleep', '1'] } } })
  const { code, stderr } = await stand.cli('reload')
  assert.equal(code, 1)
  assert.match(stderr, /a service is named bot/)
  await stand.must('down')
  await stand.nothingLeft()
})

test('a bot with a user of its own reaches its socket and its folder, and nothing else of heald’s', {
  skip: process.getuid?.() !== 0 && 'only root can start programs as somebody else',
}, async t => {
  const stand = await makeStand(t)
  chmodSync(stand.root, 0o711)
  const bot = noticesOf(stand)
  stand.configure(SERVICES)
  bot.configure({ notice: { channels: [CHANNEL] }, bot: { user: 'nobody' } })
  await bot.up()
  await stand.wait('the bot tells of its channel', () => stand.of('channel.up')[0])
  const { pid } = await stand.service('bot')
  const { uid } = statSync(`/proc/${pid}`)
  assert.notEqual(uid, 0)
  const socket = statSync(join(stand.state, 'bot.sock'))
  assert.deepEqual([socket.uid, (socket.mode & 0o777).toString(8)], [uid, '600'])
  assert.equal(statSync(bot.folder).uid, uid)
  const closed = ['ledger', 'run', 'logs', 'heald.sock']
  for (const name of closed) assert.equal(statSync(join(stand.state, name)).mode & 0o007, 0, name)
  assert.equal(statSync(stand.state).mode & 0o006, 0, 'nobody reads the list of what is in there')
  await stand.must('down')
  await stand.nothingLeft()
})

test('a channel that is down for good is in the status and an incident, across a restart and until it is up', async t => {
  const stand = await makeStand(t)
  const bot = noticesOf(stand)
  stand.configure(SERVICES)
  const any = { severity: null, services: null, kinds: null }
  bot.configure({ notice: { channels: [CHANNEL], routes: [{ match: any, to: ['telegram'], graceMs: 0 }] } })
  bot.switchOn('refused')
  const daemon = await bot.up()
  const opened = await stand.wait('its incident', () => stand.of('incident.opened', 'channel:telegram')[0])
  assert.deepEqual([opened.data.severity, opened.inc], ['critical', `channel:telegram-${opened.seq}`])
  const { channels } = await stand.status()
  assert.deepEqual(channels, [{ name: 'telegram', state: 'down', why: 'the token is wrong' }])
  assert.match((await stand.cli('status')).stdout, /^channels: telegram down \(the token is wrong\)$/m)
  await daemon.kill()
  await bot.up()
  await stand.inState('bot', 'ready')
  unlinkSync(join(bot.folder, 'refused'))
  await stand.must('restart', 'bot')
  await stand.wait('its end', () => stand.of('incident.resolved', 'channel:telegram')[0])
  assert.equal(stand.of('incident.opened', 'channel:telegram').length, 1)
  assert.match(await stand.must('status'), /^channels: telegram up$/m)
  await stand.must('down')
  await stand.verified()
  await stand.nothingLeft()
})

for (const run of ['child', 'unit'] as const) {
  test(`a bot that is killed (${run}): no channel is called up until the next one has told of it`, async t => {
    const stand = await makeStand(t)
    const bot = noticesOf(stand)
    stand.configure(SERVICES)
    bot.configure({ notice: { channels: [CHANNEL] }, bot: { run } })
    const heald = await bot.up()
    const places = ['--folder', bot.folder, '--socket', join(stand.state, 'bot.sock')]
    const begin = () => stand.start([NODE, join(FIXTURES, 'stand-in-bot.ts'), ...places])
    const shows = (state: string, why: string | null) =>
      stand.wait(`the channel is ${state}, ${why}`, async () => {
        const { channels } = await stand.status()
        return isDeepStrictEqual(channels, [{ name: 'telegram', state, why }])
      })
    mkdirSync(bot.folder, { recursive: true })
    let unit = run === 'unit' ? begin() : null
    await shows('up', null)
    bot.switchOn('silent')
    const { pid } = unit ?? (await stand.service('bot'))
    process.kill(pid ?? 0, 'SIGKILL')
    if (unit !== null) {
      await shows('off', 'the bot is not connected')
      unit = begin()
    }
    await shows('off', 'the bot has not told of it yet')
    unlinkSync(join(bot.folder, 'silent'))
    if (unit === null) await stand.must('restart', 'bot')
    else {
      unit.kill('SIGKILL')
      begin()
    }
    await shows('up', null)
    // Another heald is told by the bot that goes on.
    await heald.kill()
    await bot.up()
    await shows('up', null)
    assert.equal(stand.of('channel.up').length, 1, 'what is known is not recorded again')
    await stand.must('down')
  })
}
