import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clean, troubleOf, verdictOf } from '../../../adapters/chat/telegram-verdict.ts'

// The words are those of the Bot API server; the code alone says too little.

const said = (error_code: number, description: string, parameters = {}) => ({ error_code, description, parameters })
const line = (error: object) => ({ name: 'HttpError', message: 'x', error })

/** What is told of a refusal: who has to change something, or to wait. */
const TABLE: readonly [object, string][] = [
  [said(400, 'Bad Request: chat not found'), 'refused chat'],
  [said(400, 'Bad Request: not enough rights to send text messages to the chat'), 'refused chat'],
  [said(400, 'Bad Request: need administrator rights in the channel chat'), 'refused chat'],
  [said(400, 'Bad Request: CHAT_WRITE_FORBIDDEN'), 'refused chat'],
  [said(400, 'Bad Request: TOPIC_CLOSED'), 'refused chat'],
  [
    said(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: -1001 }),
    'refused chat',
  ],
  [said(403, 'Forbidden: bot was blocked by the user'), 'refused chat'],
  [said(403, 'Forbidden: the group chat was deleted'), 'refused chat'],
  [said(401, 'Unauthorized'), 'refused channel'],
  [said(404, 'Not Found'), 'refused channel'],
  [said(421, 'Misdirected Request: unallowed token specified'), 'refused channel'],
  [said(400, 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0'), 'refused message'],
  [said(400, 'Bad Request: message is too long'), 'refused message'],
  [said(400, 'Bad Request: message text is empty'), 'refused message'],
  [said(400, 'Bad Request: BUTTON_DATA_INVALID'), 'refused message'],
  [said(413, 'Request Entity Too Large'), 'refused message'],
  [said(400, 'Bad Request: message to edit not found'), 'gone'],
  [said(400, "Bad Request: message can't be edited"), 'gone'],
  [said(400, 'Bad Request: MESSAGE_ID_INVALID'), 'gone'],
  [said(429, 'Too Many Requests: retry after 5', { retry_after: 5 }), 'retry chat 5000 not sent'],
  [said(429, 'Too Many Requests'), 'retry chat null not sent'],
  [said(429, 'Too Many Requests: retry after 900000', { retry_after: 900_000 }), 'retry chat 3600000 not sent'],
  [said(500, 'Internal Server Error'), 'retry channel null open'],
  [said(502, 'Bad Gateway'), 'retry channel null open'],
  [line({ type: 'system', code: 'ECONNREFUSED' }), 'retry channel null not sent'],
  [line({ type: 'system', code: 'ENOTFOUND' }), 'retry channel null not sent'],
  [line({ type: 'system', code: 'ECONNRESET' }), 'retry channel null open'],
  [line({ type: 'system', code: 'ETIMEDOUT' }), 'retry channel null open'],
  [line(new Error("Request to 'sendMessage' timed out after 8 seconds")), 'retry channel null open'],
  [line({ type: 'invalid-json' }), 'retry channel null open'],
  [new TypeError('x'), 'retry channel null open'],
]

test('each answer of Telegram becomes one verdict', () => {
  for (const [error, expected] of TABLE) {
    const verdict = verdictOf(error)
    const parts: unknown[] = [verdict.verdict]
    if (verdict.verdict === 'refused') parts.push(verdict.of)
    if (verdict.verdict === 'retry')
      parts.push(verdict.of, String(verdict.afterMs), verdict.isOpen ? 'open' : 'not sent')
    assert.equal(parts.join(' '), expected, JSON.stringify(error))
  }
})

test('what people have to change is told as final, all else is not', () => {
  const isFinal = (error: unknown) => troubleOf(error).isFinal
  assert.equal(isFinal(said(401, 'Unauthorized')), true)
  assert.equal(isFinal(said(409, 'Conflict: terminated by other getUpdates request')), true)
  for (const error of [
    said(500, 'x'),
    said(429, 'x'),
    line({ code: 'ECONNRESET' }),
    new Error('x'),
    null,
    undefined,
    7,
  ]) {
    assert.equal(isFinal(error), false)
  }
  assert.equal(troubleOf(said(429, 'x', { retry_after: 7 })).afterMs, 7000)
})

test('a token in any text is hidden, and the text is one line of 300 characters at most', () => {
  const token = '700123456:AAF-fake_TokenOfTheTelegramServer_35c'
  assert.equal(
    clean(`request to https://api.telegram.org/bot${token}/getMe\nfailed`),
    'request to https://api.telegram.org/bot<token>/getMe failed',
  )
  for (const unit of ['x', '😀', 'я']) {
    const cut = clean(unit.repeat(500))
    assert.ok(cut.length <= 300 && cut.length >= 298 && cut.endsWith('…') && cut.isWellFormed())
  }
  const echoed = verdictOf(said(400, `Bad Request: ${token} is wrong`))
  assert.ok(echoed.verdict === 'refused' && !echoed.why.includes('AAF'))
})
