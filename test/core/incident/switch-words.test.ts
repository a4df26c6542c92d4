import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KINDS } from '../../../core/entry.ts'
import { SWITCH_WORDS } from '../../../core/incident/switch-words.ts'
import { entryInWords } from '../../../core/incident/words.ts'

const say = (kind: string, data: object) => entryInWords({ seq: 1, ts: '', kind, data })

const R6 = { generation: 'release-6', path: '/srv/web/releases/release-6' }
const R7 = { generation: 'release-7', path: '/srv/web/releases/release-7' }
const SWITCH = { target: 'web', from: R6, to: R7 }
const BACK = { target: 'web', from: R7, to: R6 }

test('each step of a switch and of a rollback is one sentence', () => {
  const said: [kind: string, data: object, words: string][] = [
    [
      'switch.observed',
      { ...SWITCH, by: 'outside', older: [R6, { generation: '', path: '/srv/5' }, 'release-4', 7] },
      'somebody outside heald moved web from release-6 to release-7; older ones: release-6, /srv/5, release-4, 7',
    ],
    [
      'switch.armed',
      { ...SWITCH, from: null, by: 'local:admin', baseline: ['api', 'db'], unchecked: true },
      'web is about to be switched to release-7 by local:admin; not well already before: api, db; nothing checks how its services are',
    ],
    ['switch.activating', { ...SWITCH, deadlineMs: 60_000 }, 'web: release-7 is being activated, at most 1 m'],
    [
      'switch.probation',
      { ...SWITCH, deadlineMs: 120_000, verdict: 'partly', exitCode: 4 },
      'web: release-7 runs and is on probation for 2 m (partly, exit code 4)',
    ],
    ['switch.probation', { ...SWITCH, verdict: 'done', exitCode: 0 }, 'web: release-7 runs and is on probation'],
    ['switch.committing', SWITCH, 'web: release-7 is being committed; from here on only forward'],
    ['switch.committed', { ...SWITCH, tookMs: 2100 }, 'web is on release-7 now, committed after 2.1 s'],
    [
      'switch.failed',
      { ...SWITCH, why: 'the dead-man could not be armed' },
      'the switch of web to release-7 failed: the dead-man could not be armed',
    ],
    [
      'rollback.started',
      { ...BACK, cause: 'crashloop', why: '3 failures within 1 m' },
      'web is being rolled back to release-6 (crash loop): 3 failures within 1 m',
    ],
    ['rollback.started', { ...BACK, cause: 'a new cause' }, 'web is being rolled back to release-6 (a new cause)'],
    ['rollback.activated', { ...BACK, tookMs: 812 }, 'web: release-6 was activated after 812 ms'],
    ['rollback.verified', { ...BACK, tookMs: 5000 }, 'web was led back to release-6 after 5 s, and that works'],
    [
      'rollback.failed',
      { ...BACK, step: 'activate', exitCode: 1, why: 'no space left' },
      'the rollback of web to release-6 failed at step activate (exit code 1): no space left',
    ],
    [
      'rollback.held',
      { ...BACK, current: R7, why: 'nothing is known to be good' },
      'web is held: nothing is changed there automatically any more, it runs release-7: nothing is known to be good',
    ],
    [
      'rollback.held',
      { ...BACK, current: R6, verdict: 'environment', why: 'it was rolled back to release-6 already' },
      'web is held: nothing is changed there automatically any more, it runs release-6: it was rolled back to release-6 already; look for the cause elsewhere, in what its services need: the disk, the network, a database',
    ],
    [
      'generation.quarantined',
      { target: 'web', ...R7, why: 'a crash loop' },
      'release-7 of web is quarantined: a crash loop',
    ],
    ['generation.quarantined', { target: 'web', path: R7.path }, `${R7.path} of web is quarantined`],
    ['generation.good', { target: 'web', ...R7 }, 'release-7 of web is known to be good'],
    [
      'deadman.armed',
      { target: 'web', to: R6, at: '2026-08-21T12:00:00.000Z' },
      'web: the dead-man is armed; if heald does not come back it leads back to release-6 at 2026-08-21T12:00:00.000Z',
    ],
    [
      'deadman.armed',
      { target: 'web', to: R6, afterMs: 300_000 },
      'web: the dead-man is armed; if heald does not come back it leads back to release-6 after 5 m',
    ],
    ['deadman.disarmed', { target: 'web' }, 'web: the dead-man is disarmed'],
    [
      'deadman.fired',
      { target: 'web', to: R6, afterMs: 300_000, result: 'done' },
      'web: the dead-man fired after 5 m and led back to release-6',
    ],
    [
      'deadman.fired',
      { target: 'web', to: R6, result: 'failed', why: 'the path is gone' },
      'web: the dead-man fired and could not lead back to release-6: the path is gone',
    ],
    [
      'target.trouble',
      { target: 'web', place: 'releases /srv/web', why: '/srv/web is not there' },
      'web (releases /srv/web) is in trouble: /srv/web is not there',
    ],
    ['target.clear', { target: 'web', place: 'releases /srv/web' }, 'web (releases /srv/web) is in order again'],
  ]
  for (const [kind, data, words] of said) assert.equal(say(kind, data), words)
})

test('every such kind has words, and says nothing odd when nothing is known', () => {
  const kinds = Object.keys(KINDS).filter(kind => /^(switch|rollback|generation|deadman|target)\./.test(kind))
  assert.deepEqual(kinds.sort(), Object.keys(SWITCH_WORDS).sort())
  for (const kind of kinds) assert.match(say(kind, {}), /a target/)
  for (const data of [null, undefined, 7, 'x']) assert.match(say('switch.armed', data as never), /a target/)
})

test('odd fields are left out, and never end in an error', () => {
  const fields = [
    ...['target', 'from', 'to', 'cause', 'why', 'verdict', 'exitCode', 'tookMs', 'deadlineMs', 'by', 'older'],
    ...['baseline', 'unchecked', 'current', 'path', 'generation', 'level', 'diff', 'id', 'at', 'result', 'afterMs'],
    ...['step', 'place'],
  ]
  const odd = fc.dictionary(fc.constantFrom(...fields), fc.oneof(fc.jsonValue(), fc.anything({ withBigInt: true })))
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(SWITCH_WORDS)), odd, (kind, data) =>
      assert.equal(typeof say(kind, data), 'string'),
    ),
  )
  const noText = fc.oneof(fc.boolean(), fc.constant(null), fc.constant({}), fc.constant([]), fc.constant([null, {}]))
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(SWITCH_WORDS)),
      fc.dictionary(fc.constantFrom(...fields), noText),
      (kind, data) => assert.doesNotMatch(say(kind, data), /undefined|null|NaN|\[object|true|false|: *$|\( *\)/),
    ),
  )
})
