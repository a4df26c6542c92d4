import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Channel, Word } from '../../../bot/channel.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { startTelegramPlatform, type TelegramPlatform } from '../../fakes/telegram/platform.ts'
import { until } from '../../until.ts'

let platform: TelegramPlatform
let group: number
let person: number
const channels: Channel[] = []
const words: Word[] = []

beforeEach(() => void words.splice(0))
afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.close()
  await platform.close()
})

async function start(options: Parameters<typeof startTelegramPlatform>[0] = {}): Promise<void> {
  platform = await startTelegramPlatform(options)
  group = Number(platform.chats[0])
  person = Number(platform.chats[1])
}
async function open(onWord: (word: Word) => void = word => void words.push(word)): Promise<Channel> {
  let isUp = false
  const onState = (state: { isUp: boolean }) => {
    isUp = state.isUp
  }
  const channel = await platform.open({ onWord, onState })
  channels.push(channel)
  await until('it is up', () => isUp)
  return channel
}
/** Words come in order, so when this one is there, all before it would be. */
async function settled(): Promise<string[]> {
  platform.fake.world.write(person, '/last')
  await until('the last word came', () => words.at(-1)?.text === '/last')
  return words.slice(0, -1).map(({ text }) => text)
}

test('only what somebody says to this bot, now, and as a person, is a word', async () => {
  await start({ isPrivate: false })
  await open()
  const { write, bot } = platform.fake.world
  const me = bot.username
  write(group, `/status@${me} agent`)
  write(group, `/STATUS@${me.toUpperCase()}`)
  write(group, '/status bare')
  write(group, '/restart@other_bot agent')
  write(group, 'restart agent')
  write(group, `hello /status@${me}`)
  write(group, `/status@${me}`, { by: { id: 9, first_name: 'Other', is_bot: true } })
  write(group, `/rollback@${me} web`, { more: { forward_origin: { type: 'user', date: 1, sender_user: { id: 2 } } } })
  write(group, `/rollback@${me} web`, { more: { sender_chat: { id: group, type: 'supergroup' } } })
  write(group, `/rollback@${me} web`, { more: { via_bot: { id: 9, is_bot: true } } })
  write(person, '/rollback web', { more: { forward_origin: { type: 'hidden_user', date: 1 } } })
  write(person, '/rollback@other_bot web')
  write(person, 'status of the agent')
  platform.fake.updates.add({ edited_message: { message_id: 1, text: `/rollback@${me} web`, chat: { id: group } } })
  platform.fake.updates.add({ message: { message_id: 5, date: 1, chat: { id: person, type: 'private' } } })
  assert.deepEqual(await settled(), ['/status agent', '/STATUS', '/status bare', 'status of the agent'])
})

test('a bare command as an answer to another bot is not ours', async () => {
  await start({ isPrivate: false })
  await open()
  const { write } = platform.fake.world
  const theirs = { message_id: 3, date: 1, chat: { id: group }, from: { id: 9, is_bot: true, first_name: 'Other' } }
  write(group, '/restart agent', { more: { reply_to_message: theirs } })
  assert.deepEqual(await settled(), [])
})

test('who, where and the key; a name can’t turn the text around it', async () => {
  await start()
  const channel = await open()
  const id = platform.fake.world.write(person, '/whoami', {
    by: { id: 77, first_name: `\u202eEve\n${'x'.repeat(100)}` },
  })
  await until('it came', () => words.length === 1)
  const bot = platform.fake.world.bot.id
  assert.equal(words[0]?.key, `telegram:${bot}:${person}:${id}`)
  assert.deepEqual([words[0]?.user, words[0]?.chat], ['77', String(person)])
  assert.equal(words[0]?.name, `Eve${'x'.repeat(61)}`)
  const how = { key: 'k', isAgain: false, isSilent: false, replyTo: null }
  const posted = await channel.post(String(group), fullMessage(), how)
  const callback = platform.fake.world.press(group, Number(posted.verdict === 'done' && posted.reference), 'b1:ack')
  await until('the press came', () => words.length === 2)
  assert.equal(words[1]?.key, `telegram:${bot}:cb:${callback}`)
  await until('it was answered', () => platform.fake.world.callbacks.get(callback)?.isAnswered === true)
})

test('an answer is shown under the word; one that can’t be is a warning, no error', async () => {
  await start()
  await open()
  platform.say(String(group), '/status agent')
  await until('it came', () => words.length === 1)
  words[0]?.showBusy?.()
  const typing = { chat: group, action: 'typing' }
  await until('it types', () => JSON.stringify(platform.fake.world.actions) === JSON.stringify([typing]))
  await words[0]?.reply(plainMessage('all is well'))
  const [shown] = platform.shown(String(group))
  assert.equal(shown?.replyTo, words[0]?.key.split(':').at(-1))
  platform.leave(String(group))
  await words[0]?.reply(plainMessage('nobody sees it'))
  assert.match(platform.warnings.join('\n'), /an answer to Alice could not be shown: .*kicked/)
})

test('the answer to a word that was taken out of the chat is its answer; what calls people under a card answers nobody', async () => {
  await start()
  const channel = await open()
  platform.say(String(person), '/approve c17 123456')
  await until('it came', () => words.length === 1)
  assert.equal(await words[0]?.hide(), true)
  await words[0]?.reply(plainMessage('approved'))
  const how = { key: 'k', isAgain: false, isSilent: false, replyTo: null }
  const card = await channel.post(String(person), fullMessage(), how)
  const reference = card.verdict === 'done' ? card.reference : ''
  await channel.post(String(person), plainMessage('bob is called'), { ...how, replyTo: reference })
  platform.press(String(person), reference, 'b1:ack')
  await until('the press came', () => words.length === 2)
  await words[1]?.reply(plainMessage('acknowledged'))
  assert.deepEqual(
    platform.answers().map(({ text }) => /approved|called|acknowledged/.exec(text)?.[0]),
    ['approved', 'acknowledged'],
  )
})

test('killed before the poll that confirms: the word comes again, with the same key', async () => {
  await start()
  const { apiRoot, token } = platform.fake
  const program = join(import.meta.dirname, '../../fixtures/telegram-dies-on-word.ts')
  const died = new Promise<string>(resolve => {
    execFile(process.execPath, [program, apiRoot, token], { timeout: 20_000 }, (_, out) => resolve(out.trim()))
  })
  await until('it polls', () => platform.fake.calls('getUpdates') >= 2)
  platform.say(String(group), '/rollback web')
  const key = await died
  assert.match(key, /^telegram:/)
  await open()
  await until('it came again', () => words.length === 1)
  assert.deepEqual([words[0]?.key, words[0]?.text], [key, '/rollback web'])
  await until('it is confirmed', () => platform.fake.updates.waiting === 0)
})

test('closed after it was handed over: the word does not come again', async () => {
  await start()
  const first = await open()
  platform.say(String(group), '/status agent')
  await until('it is confirmed', () => words.length === 1 && platform.fake.updates.waiting === 0)
  await first.close()
  await open()
  assert.deepEqual(await settled(), ['/status agent'])
})

test('a listener that throws, or takes for ever, stops nothing', async () => {
  await start()
  let count = 0
  await open(word => {
    words.push(word)
    count += 1
    if (count === 1) throw new Error('no room')
  })
  for (const text of ['/one', '/two', '/three']) platform.fake.world.write(person, text)
  assert.deepEqual(await settled(), ['/one', '/two', '/three'])
  assert.match(platform.warnings.join(), /a listener of the Telegram channel failed: no room/)
})

test('numbers that begin anew after a quiet week lose no word', async () => {
  await start()
  await open()
  platform.fake.world.write(person, '/before')
  await until('it is confirmed', () => words.length === 1 && platform.fake.updates.waiting === 0)
  platform.fake.updates.interrupt({ ok: true, result: [] })
  await new Promise(resolve => setTimeout(resolve, 200))
  // It comes while the line is down, with a lower number than all before.
  platform.fake.updates.interrupt({ ok: false, error_code: 500, description: 'Internal Server Error' })
  platform.fake.updates.restartIds(1000)
  platform.fake.world.write(person, '/after')
  assert.deepEqual(await settled(), ['/before', '/after'])
})

test('another bot takes over: the numbers of the first confirm nothing there', async () => {
  await start()
  await open()
  const { fake, secret } = platform
  // The trouble is for the poll after the one that brings the word, which is the second.
  await until('it waits for words', () => fake.calls('getUpdates') >= 2)
  fake.next('poll', 'error 500')
  fake.world.write(person, '/one')
  await until('it came, and is not confirmed', () => words.length === 1 && fake.updates.waiting === 1)
  const other = '700999999:AAH-fake_TokenOfAnotherBotAltogether'
  secret.read = async () => other
  fake.takeOnly(other)
  fake.updates.restartIds(1000)
  fake.world.write(person, '/two')
  await until('its own word came', () => words.some(({ text }) => text === '/two'))
})

test('a word that waited at Telegram while nobody fetched it says when it was said', async () => {
  await start()
  const hours = 3_600_000
  platform.fake.world.write(person, '/rollback web', { more: { date: Math.floor((Date.now() - 10 * hours) / 1000) } })
  await open()
  await until('it came', () => words.length === 1)
  const ageMs = Date.now() - (words[0]?.saidMs ?? Number.NaN)
  assert.ok(ageMs >= 10 * hours && ageMs < 10 * hours + 60_000, `${ageMs}`)
})
