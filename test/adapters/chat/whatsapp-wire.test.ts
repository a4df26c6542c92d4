import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleaned, orderIn, reportIn } from '../../../adapters/chat/whatsapp-wire.ts'

test('what has the right shape is taken', () => {
  const reports = [
    { report: 'ready' },
    { report: 'linked' },
    // As WhatsApp Web shows them: a reference, keys in base64, the platform.
    { report: 'qr', text: `2@${'aB3/+='.repeat(40)},${'Zz09+/A='.repeat(6)},${'Zz09+/A='.repeat(6)},1` },
    { report: 'code', text: 'ABCD1234' },
    { report: 'ack', reference: 'true_1@c.us_3EB0', ack: -1 },
    { report: 'over', why: 'unpaired', detail: 'LOGOUT' },
    { report: 'answer', id: 1, answer: { is: 'sent', reference: 'x', ack: 0 } },
    { report: 'answer', id: 1, answer: { is: 'failed', detail: '' } },
  ]
  for (const report of reports) assert.deepEqual(reportIn(report), report)
  const open = { order: 'open', pairing: null }
  const pairing = { order: 'open', pairing: { phoneNumber: '15550001111', keepMs: 500 } }
  for (const order of [{ order: 'close' }, open, pairing, { order: 'find', id: 2, reference: 'x' }])
    assert.deepEqual(orderIn(order), order)
})

test('what has not is left out', () => {
  const reports = [
    ...[null, 7, 'ready', [], {}, { report: 'else' }],
    ...[
      { report: 'qr', text: 'x'.repeat(100_001) },
      { report: 'ack', reference: 'x', ack: 0.5 },
    ],
    ...[
      { report: 'over', why: 'bored', detail: '' },
      { report: 'answer', id: 1 },
    ],
    ...[{ report: 'answer', id: 1, answer: { is: 'sent', reference: 'x' } }],
  ]
  for (const report of reports) assert.equal(reportIn(report), null, JSON.stringify(report)?.slice(0, 60))
  const open = { order: 'open' }
  const pairing = { order: 'open', pairing: { phoneNumber: '--user-data-dir=/etc', keepMs: 500 } }
  for (const order of [null, {}, open, pairing, { order: 'ping' }, { order: 'send', id: 1, chat: 'x' }])
    assert.equal(orderIn(order), null)
})

test('nothing that is shown for a pairing can write to a terminal more than it is', () => {
  const texts = ['', '\x1b]0;owned\x07', '2@abc\x1b[2J', 'ABCD\n1234', 'ABCD\x9b1m', 'ABCD1234\n', 'ABCÄ1234']
  for (const text of texts)
    for (const report of ['qr', 'code']) assert.equal(reportIn({ report, text }), null, JSON.stringify(text))
  for (const text of ['abcd1234', 'ABC', 'A'.repeat(17), 'ABCD 1234', 1234_5678, null])
    assert.equal(reportIn({ report: 'code', text }), null, String(text))
  assert.equal(reportIn({ report: 'qr', text: 'x'.repeat(2001) }), null)
})

test('an error is told without addresses, paths and what may be a secret', () => {
  const error = new Error(
    'net::ERR_FAILED at https://web.whatsapp.com/?x=1 in /var/lib/heald/whatsapp/session: 2@AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/==\n    at x',
  )
  assert.equal(cleaned(error), 'net::ERR_FAILED at … in …: 2@…')
  assert.equal(cleaned('x y '.repeat(100)).length, 200)
})
