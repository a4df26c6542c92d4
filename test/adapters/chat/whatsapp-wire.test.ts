import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cleaned, orderIn, reportIn } from '../../../adapters/chat/whatsapp-wire.ts'

test('what has the right shape is taken', () => {
  const reports = [
    { report: 'ready' },
    { report: 'browser', pid: 7 },
    { report: 'ack', reference: 'true_1@c.us_3EB0', ack: -1 },
    { report: 'over', why: 'unpaired', detail: 'LOGOUT' },
    { report: 'answer', id: 1, answer: { is: 'sent', reference: 'x', ack: 0 } },
    { report: 'answer', id: 1, answer: { is: 'failed', detail: '' } },
  ]
  for (const report of reports) assert.deepEqual(reportIn(report), report)
  const open = { order: 'open', browser: '/b', browserArgs: ['--x'], folder: '/f', pairing: null }
  for (const order of [{ order: 'close' }, open, { order: 'find', id: 2, reference: 'x' }])
    assert.deepEqual(orderIn(order), order)
})

test('what has not is left out', () => {
  const reports = [
    ...[null, 7, 'ready', [], {}, { report: 'else' }],
    ...[
      { report: 'browser', pid: 0 },
      { report: 'browser', pid: -1 },
      { report: 'browser', pid: '7' },
    ],
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
  const open = { order: 'open', browser: '/b', browserArgs: [7], folder: '/f', pairing: null }
  for (const order of [null, {}, open, { order: 'ping' }, { order: 'send', id: 1, chat: 'x' }])
    assert.equal(orderIn(order), null)
})

test('an error is told without addresses, paths and what may be a secret', () => {
  const error = new Error(
    'net::ERR_FAILED at https://web.whatsapp.com/?x=1 in /var/lib/heald/whatsapp/session: 2@AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/==\n    at x',
  )
  assert.equal(cleaned(error), 'net::ERR_FAILED at … in …: 2@…')
  assert.equal(cleaned('x y '.repeat(100)).length, 200)
})
