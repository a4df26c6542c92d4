import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recentTails } from '../../../core/notice/tails.ts'

test('last lines are kept only where they may be shown, without secrets, and not for ever', () => {
  let logs = false
  const tails = recentTails(() => ({ logs, redact: ['hunter2hunter2'] }))
  tails.note(1, 'hidden')
  assert.equal(tails.of(1), null)
  logs = true
  tails.note(2, 'password hunter2hunter2 refused')
  assert.equal(tails.of(2), 'password [redacted] refused')
  tails.note(3, 'x'.repeat(1024 * 1024))
  assert.equal(tails.of(3)?.length, 4096)
  for (let seq = 4; seq < 60; seq += 1) tails.note(seq, 'y')
  assert.deepEqual([tails.of(2), tails.of(59)], [null, 'y'])
  logs = false
  assert.equal(tails.of(59), null, 'nor once they may not be shown any more')
})
