import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EntityError, parseHtml } from '../../fakes/telegram/html.ts'
import { startTelegramFake, type TelegramFake } from '../../fakes/telegram/server.ts'

// The fake by itself, asked over HTTP: it refuses what Telegram refuses, in Telegram's words.

const CHAT = -1001
const PERSON = 5001
let nowMs = Date.UTC(2026, 0, 1)
let fake: TelegramFake

before(async () => {
  fake = await startTelegramFake({ nowMs: () => nowMs })
  fake.world.addChat(CHAT, 'supergroup', 'Operations', 'operations')
  fake.world.addChat(PERSON, 'private', 'Alice')
})
after(() => fake.close())

interface Said {
  ok: boolean
  error_code?: number
  description?: string
  parameters?: { retry_after?: number; migrate_to_chat_id?: number }
  result?: { message_id: number; update_id: number; text: string }[] & { message_id: number; text: string }
}

async function ask(method: string, args: object = {}, token = fake.token): Promise<Said> {
  // The pace is not looked at here.
  nowMs += 60_000
  const response = await fetch(`${fake.apiRoot}/bot${token}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(args),
  })
  const said = (await response.json()) as Said
  assert.equal(response.status, said.error_code ?? 200, 'the status is the error code')
  return said
}
const html = (text: string, more: object = {}) =>
  ask('sendMessage', { chat_id: CHAT, text, parse_mode: 'HTML', ...more })
const refusal = async (said: Promise<Said>) => {
  const { error_code: code, description } = await said
  return `${code} ${description}`
}

test('tokens and methods', async () => {
  assert.equal(await refusal(ask('getMe', {}, '700123456:AAFwrong')), '401 Unauthorized')
  assert.equal(await refusal(ask('getMe', {}, 'nonsense')), '404 Not Found')
  assert.equal(await refusal(ask('sendMesage')), '404 Not Found: method not found')
  assert.equal((await ask('GETME')).ok, true, 'methods have no case')
})

test('HTML that does not parse is refused, with what is wrong and where', async () => {
  const cases = {
    'a < b': 'Unsupported start tag "" at byte offset 2',
    'é<br>': 'Unsupported start tag "br" at byte offset 2',
    '<b>x': 'Can\'t find end tag corresponding to start tag "b"',
    '<b><i>x</b></i>': 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
    'x</b>': 'Unexpected end tag at byte offset 1',
    '<b': 'Unclosed start tag at byte offset 0',
    '<b>x</b': 'Unclosed end tag at byte offset 4',
    '<a href>x</a>': 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0',
    '<b x="y>z</b>': 'Unclosed start tag at byte offset 0',
    '<span>x</span>': 'Tag "span" must have class "tg-spoiler" at byte offset 0',
    '<!-- x -->': 'Unsupported start tag "!--" at byte offset 0',
    '<tg-emoji emoji-id="x">y</tg-emoji>': 'Invalid custom emoji identifier specified',
    '<tg-time unix="soon">y</tg-time>': 'Invalid date specified',
    '&#xd83d;':
      'Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units',
  }
  for (const [text, wrong] of Object.entries(cases)) {
    assert.equal(await refusal(html(text)), `400 Bad Request: can't parse entities: ${wrong}`, text)
  }
  assert.throws(() => parseHtml('<script>'), EntityError)
})

test('HTML that parses: what is seen, and how', () => {
  const parsed = parseHtml(
    '<B>a &lt;b&gt; &amp;amp; &quot;</B> &copy; &#128512;&#x41 <pre><code class="language-sh">x</code></pre>',
  )
  assert.equal(parsed.text, 'a <b> &amp; " &copy; 😀A x')
  assert.deepEqual(parsed.entities[0], { type: 'bold', offset: 0, length: 13 })
  const { entities } = parseHtml(
    '😀<blockquote expandable>q</blockquote><tg-time unix="5" format="dT">then</tg-time><b></b>',
  )
  assert.deepEqual(entities, [
    { type: 'expandable_blockquote', offset: 2, length: 1 },
    { type: 'date_time', offset: 3, length: 4, unix_time: 5 },
  ])
  assert.deepEqual(parseHtml('<blockquote><blockquote>x</blockquote></blockquote><pre><b>y</b></pre>').dropped, [
    'a quotation in a quotation',
    '<b> in <pre>',
  ])
})

test('length is counted in UTF-16 after the entities are parsed', async () => {
  const long = `<b>${'😀'.repeat(2047)}</b>&amp;`
  assert.equal((await html(`${long}x`)).ok, true)
  assert.equal(await refusal(html(`${long}xx`)), '400 Bad Request: message is too long')
  assert.equal((await html(`  \n${'x'.repeat(4096)}\n `)).ok, true, 'blanks around do not count')
  assert.equal(await refusal(html('x'.repeat(32_769))), '400 Bad Request: text is too long')
  assert.equal(await refusal(html('<b></b> \n')), '400 Bad Request: message text is empty')
  assert.equal(await refusal(html('x', { parse_mode: 'HTML5' })), '400 Bad Request: unsupported parse_mode')
})

test('keyboards', async () => {
  const button = (more: object) => html('x', { reply_markup: { inline_keyboard: [[{ text: 'Ack', ...more }]] } })
  assert.equal((await button({ callback_data: 'x'.repeat(64) })).ok, true)
  assert.equal(await refusal(button({ callback_data: 'x'.repeat(65) })), '400 Bad Request: BUTTON_DATA_INVALID')
  assert.equal(await refusal(button({ callback_data: 'é'.repeat(33) })), '400 Bad Request: BUTTON_DATA_INVALID')
  assert.match(await refusal(button({})), /Text buttons are unallowed/)
  assert.match(await refusal(button({ callback_data: 'x', style: 'red' })), /style/)
})

test('chats and messages that are not there', async () => {
  assert.equal(await refusal(html('x', { chat_id: -404 })), '400 Bad Request: chat not found')
  assert.equal((await html('x', { chat_id: '@operations' })).ok, true)
  const { result } = await html('one', { chat_id: PERSON })
  const at = { chat_id: PERSON, message_id: result?.message_id, parse_mode: 'HTML' }
  assert.match(
    await refusal(ask('editMessageText', { ...at, text: 'one' })),
    /^400 Bad Request: message is not modified: /,
  )
  assert.equal((await ask('editMessageText', { ...at, text: 'two' })).ok, true)
  assert.equal((await ask('deleteMessage', { chat_id: PERSON, message_id: result?.message_id })).ok, true)
  const edit = ask('editMessageText', { ...at, text: 'three' })
  assert.equal(await refusal(edit), '400 Bad Request: message to edit not found')
  const theirs = fake.world.write(PERSON, 'hello')
  const change = ask('editMessageText', { ...at, message_id: theirs, text: 'x' })
  assert.equal(await refusal(change), "400 Bad Request: message can't be edited")
  const reply = (more: object) => html('x', { chat_id: PERSON, reply_parameters: { message_id: 99, ...more } })
  assert.equal(await refusal(reply({})), '400 Bad Request: message to be replied not found')
  assert.equal((await reply({ allow_sending_without_reply: true })).ok, true)
  fake.world.addChat(-7, 'group', 'Old')
  const moved = fake.world.migrate(-7)
  assert.equal((await html('x', { chat_id: -7 })).parameters?.migrate_to_chat_id, moved)
  const chat = fake.world.addChat(-8, 'group', 'Out')
  chat.barred = 'bot was kicked from the group chat'
  assert.equal(await refusal(html('x', { chat_id: -8 })), '403 Forbidden: bot was kicked from the group chat')
})

test('an update stays until a later offset confirms it, and for a day', async () => {
  const texts = async (args: object) => ((await ask('getUpdates', args)).result ?? []).map(({ update_id: id }) => id)
  await texts({ offset: -1 })
  await texts({ offset: 2 ** 40 })
  fake.world.write(PERSON, 'one')
  fake.world.write(PERSON, 'two')
  const [first = 0, second = 0, ...more] = await texts({})
  assert.deepEqual(more, [])
  assert.deepEqual(await texts({ offset: first }), [first, second], 'not confirmed by being sent')
  assert.deepEqual(await texts({ offset: second }), [second])
  nowMs += 24 * 3_600_000
  assert.deepEqual(await texts({}), [])
  fake.world.write(CHAT, 'hello all')
  assert.deepEqual(await texts({}), [], 'privacy mode: what is not meant for the bot does not come')
})

test('a second poller ends the first, and a webhook both', async () => {
  const first = ask('getUpdates', { offset: 2 ** 40, timeout: 20 })
  await new Promise(resolve => setTimeout(resolve, 100))
  const second = ask('getUpdates', { timeout: 20 })
  assert.match(await refusal(first), /^409 Conflict: terminated by other getUpdates request/)
  await ask('setWebhook', { url: 'https://example.org' })
  assert.match(await refusal(second), /^409 Conflict: terminated by setWebhook/)
  assert.match(await refusal(ask('getUpdates')), /^409 Conflict: can't use getUpdates method while webhook is active/)
  await ask('deleteWebhook')
  assert.equal((await ask('getUpdates')).ok, true)
})

test('commands, callbacks and documents', async () => {
  const commands = (command: string, description = 'x') =>
    ask('setMyCommands', { commands: [{ command, description }] })
  assert.equal((await commands('status')).ok, true)
  assert.equal(await refusal(commands('Status!')), '400 Bad Request: BOT_COMMAND_INVALID')
  assert.equal(await refusal(commands('status', '')), '400 Bad Request: BOT_COMMAND_DESCRIPTION_INVALID')
  const acts = (action: string, chat_id: number = CHAT) => ask('sendChatAction', { chat_id, action })
  assert.equal((await acts('typing')).ok, true)
  assert.deepEqual(fake.world.actions, [{ chat: CHAT, action: 'typing' }])
  assert.match(await refusal(acts('thinking')), /wrong parameter action/)
  assert.match(await refusal(acts('typing', 1)), /chat not found/)
  assert.match(await refusal(ask('answerCallbackQuery', { callback_query_id: '1' })), /query is too old/)
  const send = async (content: string) => {
    const body = new FormData()
    body.set('chat_id', String(CHAT))
    body.set('caption', 'the report')
    body.set('document', new Blob([content]), 'report.txt')
    nowMs += 60_000
    const response = await fetch(`${fake.apiRoot}/bot${fake.token}/sendDocument`, { method: 'POST', body })
    return (await response.json()) as { ok: boolean; description?: string }
  }
  assert.equal((await send('all is well')).ok, true)
  const sent = [...(fake.world.chats.get(CHAT)?.messages.values() ?? [])].at(-1)
  assert.deepEqual([sent?.document?.name, sent?.document?.bytes.toString()], ['report.txt', 'all is well'])
  assert.equal((await send('')).description, 'Bad Request: file must be non-empty')
})

test('who sends too fast is told to wait, and it is noted', async () => {
  const before = fake.breaches().length
  const answers: Said[] = []
  for (let n = 0; n < 12; n += 1) {
    answers.push(await html(String(n), { chat_id: PERSON }))
    nowMs -= 60_000
  }
  const refused = answers.filter(({ ok }) => !ok)
  assert.ok(refused.length >= 2 && refused.length <= 5, `${refused.length} of 12 refused`)
  assert.equal(refused[0]?.error_code, 429)
  assert.equal(refused[0]?.parameters?.retry_after, 1)
  assert.match(refused[0]?.description ?? '', /^Too Many Requests: retry after 1$/)
  assert.equal(fake.breaches().length - before, refused.length)
})

test('messages of others are deleted only where the bot may, and not when they are old', async () => {
  const remove = (chat: number, id: number) => refusal(ask('deleteMessage', { chat_id: chat, message_id: id }))
  const can = "400 Bad Request: message can't be deleted"
  const said = fake.world.write(CHAT, '/approve c1 123456')
  assert.equal(await remove(CHAT, said), can)
  const chat = fake.world.chats.get(CHAT)
  if (chat !== undefined) chat.isAdmin = true
  assert.equal((await ask('deleteMessage', { chat_id: CHAT, message_id: said })).ok, true)
  assert.equal(chat?.messages.has(said), false)
  if (chat !== undefined) chat.isAdmin = false
  const old = fake.world.write(PERSON, 'an old one')
  nowMs += 49 * 3_600_000
  assert.equal(await remove(PERSON, old), can)
})

test('who is called: a link to a person is a mention of them', () => {
  const { entities } = parseHtml('<a href="tg://user?id=77">Ada</a> <a href="https://x">x</a>')
  assert.deepEqual(
    entities.map(({ type, user, url }) => [type, user ?? url]),
    [
      ['text_mention', 77],
      ['text_link', 'https://x'],
    ],
  )
})
