import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleaned, orderIn, reportIn } from '../../../adapters/chat/whatsapp-wire.ts'

test('what has the right shape is taken', () => {
  const reports = [
    { report: 'ready' },
    { report: 'linked' },
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

test('an error is told without addresses, paths and what may be a secret', () => {
  const error = new Error(
    'net::ERR_FAILED at https://web.whatsapp.com/?x=1 in /var/lib/heald/whatsapp/session: 2@AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/==\n    at x',
  )
  assert.equal(cleaned(error), 'net::ERR_FAILED at … in …: 2@…')
  assert.equal(cleaned('x y '.repeat(100)).length, 200)
})
