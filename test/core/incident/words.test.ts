import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KINDS } from '../../../core/entry.ts'
import { sizeOf, spanOf } from '../../../core/incident/measure.ts'
import { entryInWords } from '../../../core/incident/words.ts'

const say = (kind: string, data: object, svc = 'agent') => entryInWords({ seq: 1, ts: '', kind, svc, data })

test('entries say what happened in words', () => {
  const said: [kind: string, data: object, words: string][] = [
    [
      'service.exited',
      { diagnosis: 'killed by SIGKILL after 65 s', uptimeMs: 65_000, rssBytes: 75_000_000 },
      'agent ended: killed by SIGKILL after 65 s (most memory 71.5 MiB)',
    ],
    ['service.exited', { exit: 'code', exitCode: 3 }, 'agent exited with code 3'],
    ['service.logged', { pid: 7, tail: {} }, 'agent wrote this before its end'],
    ['service.logged', { pid: 7, tail: {}, rssBytes: 1 << 20 }, 'agent wrote this before its end (most memory 1 MiB)'],
    ['service.logged', { pid: 7, rssBytes: 1 << 20 }, 'agent held at most 1 MiB of memory before its end'],
    [
      'service.exited',
      { exit: 'signal', signal: 'SIGKILL', oom: true },
      'agent was killed by the kernel: out of memory',
    ],
    ['service.exited', { exit: 'unknown' }, 'agent ended; how is not known'],
    [
      'service.restarting',
      { attempt: 1, delayMs: 0, cause: 'exit code 3' },
      'agent will be restarted at once: exit code 3',
    ],
    ['service.restarting', { attempt: 4, delayMs: 1600 }, 'agent will be restarted in 1.6 s'],
    [
      'service.started',
      { pid: 77, attempt: 1, standby: true },
      'agent was started, pid 77, from the standby (attempt 1)',
    ],
    ['service.recovered', { downMs: 14.2, attempts: 2 }, 'agent is well again after 14.2 ms and 2 attempts'],
    [
      'service.hung',
      { check: 'http', error: 'no answer within 500 ms', misses: 3, sinceMs: 6100 },
      'agent hangs, by its check http: no answer within 500 ms, 3 misses, for 6.1 s',
    ],
    [
      'crashloop.detected',
      { failures: 3, withinMs: 60_000, verdict: 'slow restarts' },
      'agent is in a crash loop: 3 failures within 1 m; now slow restarts',
    ],
    ['incident.resolved', { downMs: 812, how: 'recovered' }, 'resolved: recovered, down for 812 ms'],
    [
      'config.applied',
      { changes: { start: ['a'], stop: [], keep: ['b'], restart: ['c', 'd'] } },
      'a configuration was applied: start a; restart c, d',
    ],
    [
      'service.released',
      { unit: 'agent.service', pid: 7, why: 'it is not in the configuration any more' },
      'heald looks after agent no more: it is not in the configuration any more; the unit agent.service is left as it is',
    ],
    ['some.future-kind', { colour: 'red', n: 3 }, 'some.future-kind (colour: red, n: 3)'],
    ['constructor', {}, 'constructor'],
  ]
  for (const [kind, data, words] of said) assert.equal(say(kind, data), words)
})

test('every kind has words of its own, and none of them throws on odd fields', () => {
  for (const kind of Object.keys(KINDS)) {
    assert.notEqual(say(kind, {}), kind)
    assert.doesNotMatch(say(kind, {}), /undefined|null|NaN|object/)
  }
  const names = [
    'pid',
    'diagnosis',
    'uptimeMs',
    'exitCode',
    'signal',
    'cause',
    'downMs',
    'attempts',
    'changes',
    'adopted',
    'delayMs',
    'misses',
    'verdict',
    'why',
    'by',
  ]
  const data = fc.dictionary(
    fc.constantFrom(...names),
    fc.anything().filter(value => typeof value !== 'bigint'),
  )
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(KINDS)), data, (kind, odd) =>
      assert.equal(typeof say(kind, JSON.parse(JSON.stringify(odd))), 'string'),
    ),
  )
})

test('spans and sizes read as people write them', () => {
  const spans: [ms: number, text: string][] = [
    [0, '0 ms'],
    [0.83, '0.83 ms'],
    [1.25, '1.25 ms'],
    [14.4, '14.4 ms'],
    [999, '999 ms'],
    [999.6, '1 s'],
    [1250, '1.3 s'],
    [42_000, '42 s'],
    [60_000, '1 m'],
    [185_000, '3 m 5 s'],
    [7_800_000, '2 h 10 m'],
    [356_400_000, '4 d 3 h'],
  ]
  for (const [ms, text] of spans) assert.equal(spanOf(ms), text)
  assert.equal(spanOf(undefined), 'an unknown time')
  assert.deepEqual([812, 65_536, 75_000_000, 5e9].map(sizeOf), ['812 B', '64 KiB', '71.5 MiB', '4.7 GiB'])
})
