import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyEntry, emptyIncidents, findIncident } from '../../../core/incident/fold.ts'
import { entryInWords } from '../../../core/incident/words.ts'

const say = (kind: string, data: object) => entryInWords({ seq: 1, ts: '', kind, data })

test('silences, escalations and channels are told in words', () => {
  const match = { services: ['agent*'], severity: null, kinds: null }
  const said: [kind: string, data: object, words: string][] = [
    [
      'silence.created',
      { id: 'silence-1', match, untilTs: '2026-08-21T12:00:00.000Z', by: 'local:admin', why: 'new disk' },
      'notices of agent* are silent until 2026-08-21T12:00:00.000Z by local:admin: new disk',
    ],
    ['silence.created', { id: 'x', match: {} }, 'notices of everything are silent'],
    [
      'silence.created',
      { id: 'x', match: { services: ['db'], severity: ['warning'], kinds: ['switch'] } },
      'notices of db (warning; switch) are silent',
    ],
    [
      'silence.ended',
      { id: 'x', match, how: 'expired', by: 'heald' },
      'notices of agent* make a sound again: the time is over',
    ],
    [
      'silence.ended',
      { id: 'x', match, how: 'by hand', by: 'local:admin' },
      'notices of agent* make a sound again by local:admin',
    ],
    [
      'silence.ended',
      { id: 'x', match, how: 'not configured', by: 'heald' },
      'notices of agent* make a sound again: the maintenance is no longer configured',
    ],
    [
      'escalation.due',
      { incident: 'a-1', step: 0, to: ['telegram', 'slack'], fallback: false },
      'escalated, step 1: to telegram, slack',
    ],
    [
      'escalation.due',
      { incident: 'a-1', step: 1, to: [], fallback: true, result: 'ok', tookMs: 12 },
      'nobody confirmed the escalation, so the fallback program was run (step 2)',
    ],
    [
      'escalation.due',
      { incident: 'a-1', step: 1, to: [], fallback: true, result: 'failed', why: 'exit code 3' },
      'nobody confirmed the escalation, so the fallback program was run (step 2), and it failed: exit code 3',
    ],
    ['channel.down', { channel: 'slack', why: 'no answer', final: false }, 'the channel slack is down: no answer'],
    [
      'channel.down',
      { channel: 'slack', why: 'the token is wrong', final: true },
      'the channel slack is down until somebody changes something: the token is wrong',
    ],
    ['channel.up', { channel: 'slack' }, 'the channel slack is up'],
    ['channel.delivered', { channel: 'slack', card: 'a-1', which: 'post' }, 'a message was posted on slack: a-1'],
    [
      'channel.delivered',
      { channel: 'slack', card: 'a-1', which: 'edit' },
      'a message was brought up to date on slack: a-1',
    ],
  ]
  for (const [kind, data, words] of said) assert.equal(say(kind, data), words)
})

test('deliveries are no steps of an incident, however many there are', () => {
  const state = emptyIncidents()
  const ts = '2026-08-21T11:08:30.123Z'
  applyEntry(state, { seq: 1, ts, kind: 'incident.opened', svc: 'a', inc: 'a-1', data: { severity: 'critical' } })
  for (let seq = 2; seq < 2000; seq += 1)
    applyEntry(state, { seq, ts, kind: 'channel.delivered', inc: 'a-1', data: { channel: 'slack', card: 'a-1' } })
  applyEntry(state, { seq: 2000, ts, kind: 'escalation.due', inc: 'a-1', data: { incident: 'a-1', step: 0 } })
  const incident = findIncident(state, 'a-1')
  assert.deepEqual(incident?.entries, [1, 2000])
  assert.equal(incident?.entryCount, 2)
})
