import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Showing } from '../../../bot/commands/answer.ts'
import { status } from '../../../bot/commands/status.ts'
import { createLinks } from '../../../bot/links.ts'

const NOW_MS = Date.parse('2026-11-17T02:14:07.180Z')
const SHOWING: Showing = {
  ...{ place: { host: 'web-1', tz: 'Europe/Berlin' }, nowMs: NOW_MS, platform: 'slack', line: 'status', page: 1 },
  ...{ links: createLinks(), hasLogs: false },
}
const SERVICE = { restarts: 0, check: { verdict: 'pass' }, generation: null, why: null }

test('a service is in its state since a moment, by the clock of the host', () => {
  const data = {
    ...{ host: 'web-1', targets: [], channels: [], ledger: { receipt: '#1·a' }, incidents: { open: 0 } },
    daemon: { recording: 'ok', frozen: false },
    services: [
      { ...SERVICE, name: 'web', state: 'ready', sinceTs: '2026-11-17T02:14:06.900Z' },
      {
        ...SERVICE,
        name: 'old',
        state: 'looping',
        sinceTs: '2026-11-16T02:14:06.900Z',
        restarts: 3,
        why: 'crash loop',
      },
    ],
  }
  const { message } = status(data, {}, SHOWING)
  const [block] = message.blocks
  assert.equal(
    block?.block === 'text' ? block.text : '',
    '🟢 web: ready since 03:14:06\n🔴 old: looping since 2026-11-16 03:14:06, 3 restarts, crash loop',
  )
})
