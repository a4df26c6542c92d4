import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { END_MS } from '../../../bot/bot.ts'
import { type BotPlace, withBot } from '../../../core/notice/bot-service.ts'
import { NO_CHANNELS } from '../../fakes/no-channels.ts'
import { configOf, SLACK, TELEGRAM } from './stand.ts'

const PLACE: BotPlace = {
  ...{ state: '/var/lib/heald', socket: '/run/heald/heald.sock', version: '1.0.0' },
  env: { SLACK_BOT_TOKEN: 'xoxb-1', AWS_SECRET: 'no', HOME: '/root' },
}
const botOf = (...[config, place = PLACE]: [Parameters<typeof withBot>[0], BotPlace?]) =>
  withBot(config, place).services[0] ?? assert.fail('there is no bot')

test('the bot is started by this Node and this heald, with its folder, its socket and its tokens only', () => {
  const bot = botOf(configOf({ channels: [TELEGRAM, SLACK] }))
  const [node, program = '', ...words] = bot.run
  assert.equal(node, process.execPath)
  assert.ok(program.endsWith('/heald.js') && existsSync(program), program)
  assert.deepEqual(words, ['bot', '--folder', '/var/lib/heald/bot', '--socket', '/run/heald/bot.sock'])
  const { HEALD_CHANNELS: _, ...secrets } = bot.env
  assert.deepEqual(secrets, { SLACK_BOT_TOKEN: 'xoxb-1' })
  assert.deepEqual([bot.name, bot.user, bot.target, bot.critical], ['bot', undefined, undefined, false])
  assert.equal(bot.limits.memoryBytes, 512 * 1024 ** 2)
})

test('it has the time to end a request that hangs', () => {
  assert.ok(botOf(configOf({ channels: [TELEGRAM] })).stop.timeoutMs > END_MS)
})

test('its user, its folder and a browser’s memory are as configured', () => {
  const bot = { ...NO_CHANNELS.bot, user: 'heald-bot', state: '/srv/bot' }
  const whatsapp = {
    kind: 'whatsapp',
    browser: null,
    browserArgs: [],
    chats: ['1'],
    quietHours: null,
    digest: null,
  } as const
  const spec = botOf(configOf({ channels: [whatsapp] }, { bot }))
  assert.deepEqual([spec.user, spec.run[4]], ['heald-bot', '/srv/bot'])
  assert.ok((spec.limits.memoryBytes ?? 0) > 1024 ** 3)
})

test('it is another one with other channels or another version, and the same with other routes', () => {
  const mark = (bot: ReturnType<typeof botOf>) => bot.env.HEALD_CHANNELS
  const first = mark(botOf(configOf({ channels: [TELEGRAM] })))
  assert.equal(mark(botOf(configOf({ channels: [TELEGRAM], logs: true }))), first)
  assert.notEqual(mark(botOf(configOf({ channels: [{ ...TELEGRAM, chats: ['2'] }] }))), first)
  assert.notEqual(mark(botOf(configOf({ channels: [TELEGRAM] }), { ...PLACE, version: '1.0.1' })), first)
})

test('there is none without channels, or where somebody else runs it; the name is reserved', () => {
  const without = configOf()
  assert.equal(withBot(without, PLACE), without)
  const unit = configOf({ channels: [TELEGRAM] }, { bot: { ...NO_CHANNELS.bot, run: 'unit' } })
  assert.equal(withBot(unit, PLACE), unit)
  const services = [botOf(configOf({ channels: [TELEGRAM] }))]
  assert.throws(() => withBot(configOf({ channels: [TELEGRAM] }, { services }), PLACE), { code: 'config.reserved' })
  const named = configOf({}, { services })
  assert.equal(withBot(named, PLACE), named)
})
