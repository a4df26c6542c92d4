import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MaintenanceSpec } from '../../../core/config/notice-spec.ts'
import { silences } from '../../../core/notice/silences.ts'
import { configOf, notebook } from './stand.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const MATCH = { severity: null, services: ['db'], kinds: null }
const nightly = (cron = '0 2 * * *', forMs = HOUR, why = 'backup'): MaintenanceSpec => ({
  ...{ match: MATCH, when: { cron, forMs }, why },
})

async function begin(maintenance: readonly MaintenanceSpec[], startTs = '2026-03-10T00:00:00.000Z', tz = 'UTC') {
  const book = notebook()
  const { clock } = book
  clock.setWall(Date.parse(startTs) - clock.wallMs())
  const warnings: string[] = []
  const start = () =>
    silences({
      ...{ clock, memory: book.folded.notices, append: book.append, names: () => [] },
      warn: text => warnings.push(text),
    })
  let them = start()
  let planned = maintenance
  const apply = async (next = planned) => {
    planned = next
    await them.apply(configOf({ maintenance: next }, { tz }))
    them.look()
    await clock.advance(0)
  }
  await apply()
  return {
    ...{ book, clock, apply, warnings },
    at: async (ts: string) => clock.advance(Date.parse(ts) - clock.wallMs()),
    end: (id: string) => them.end(id, 'local:admin'),
    async restart() {
      them.release()
      them = start()
      await apply()
    },
    /** What happened: `+ 02:00` begun, `- 03:00` ended, each with its time of day. */
    told: () =>
      book.entries.map(
        ({ kind, ts }) => `${kind === 'silence.created' ? '+' : '-'} ${ts.slice(5, 16).replace('T', ' ')}`,
      ),
    ids: () => [...book.folded.notices.silences.keys()],
  }
}

test('windows come again and again, each once', async () => {
  const { told, at, ids, book } = await begin([nightly()])
  assert.deepEqual(told(), [])
  await at('2026-03-10T02:30:00.000Z')
  const [id = ''] = ids()
  assert.match(id, /^maintenance-[0-9a-f]{8}-20260310T020000Z$/)
  assert.deepEqual(book.of('silence.created'), [
    { id, match: MATCH, untilTs: '2026-03-10T03:00:00.000Z', by: 'heald', why: 'backup' },
  ])
  await at('2026-03-12T12:00:00.000Z')
  const nights = ['03-10', '03-11', '03-12'].flatMap(day => [`+ ${day} 02:00`, `- ${day} 03:00`])
  assert.deepEqual(told(), nights)
  assert.deepEqual(new Set(book.of('silence.ended').map(({ how }) => how)), new Set(['expired']))
})

test('a window is one across restarts and reloads, also one that began while heald was away', async () => {
  const { told, at, restart, apply, clock, ids } = await begin([nightly()], '2026-03-10T02:20:00.000Z')
  assert.deepEqual(told(), ['+ 03-10 02:20'])
  await restart()
  await apply([nightly('0 5 * * *'), nightly()])
  await restart()
  assert.deepEqual(told(), ['+ 03-10 02:20'])
  assert.equal(ids().length, 1)
  await at('2026-03-10T03:00:00.000Z')
  assert.deepEqual(told(), ['+ 03-10 02:20', '- 03-10 03:00'])
  clock.setWall(-10 * MINUTE)
  await restart()
  assert.equal(told().length, 2, 'the clock went back into it: it has been')
})

test('one ended by hand does not begin again; one taken out of the configuration and put back does', async () => {
  const { told, at, ids, end, restart, apply } = await begin([nightly()], '2026-03-10T02:10:00.000Z')
  await apply([])
  assert.deepEqual(told(), ['+ 03-10 02:10', '- 03-10 02:10'])
  await apply([nightly()])
  assert.equal(told().length, 3)
  await end(ids()[0] ?? '')
  await restart()
  await at('2026-03-10T02:55:00.000Z')
  assert.equal(told().length, 4)
  await at('2026-03-11T02:05:00.000Z')
  assert.equal(told().at(-1), '+ 03-11 02:00')
})

test('fixed times are once', async () => {
  const [fromMs, toMs] = [Date.parse('2026-05-01T10:00:00.000Z'), Date.parse('2026-05-01T12:00:00.000Z')]
  const { told, at, clock } = await begin([{ match: MATCH, when: { fromMs, toMs }, why: '' }])
  await at('2026-05-01T09:59:59.000Z')
  assert.deepEqual(told(), [])
  assert.equal(clock.pending(), 1)
  await at('2026-06-01T00:00:00.000Z')
  assert.deepEqual(told(), ['+ 05-01 10:00', '- 05-01 12:00'])
  assert.equal(clock.pending(), 0)
})

test('times are those of the host’s zone, also when its clocks change', async () => {
  const { told, at } = await begin([nightly('30 2 * * *')], '2026-03-28T00:00:00.000Z', 'Europe/Berlin')
  await at('2026-03-31T00:00:00.000Z')
  // On 29 March there is no half past two: the first moment after is taken.
  assert.deepEqual(told(), [
    '+ 03-28 01:30',
    '- 03-28 02:30',
    '+ 03-29 01:00',
    '- 03-29 02:00',
    '+ 03-30 00:30',
    '- 03-30 01:30',
  ])
})

test('windows that overlap follow each other without a gap', async () => {
  const { told, at } = await begin([nightly('*/30 * * * *', HOUR)])
  await at('2026-03-10T03:15:00.000Z')
  assert.deepEqual(told().slice(0, 3), ['+ 03-10 00:00', '- 03-10 01:00', '+ 03-10 01:00'])
  assert.equal(told().filter(each => each.startsWith('+')).length, 4)
})

test('the same twice is one; an expression that can not be read is told, and hides no other', async () => {
  const { ids, warnings } = await begin(
    [nightly(), nightly('not a cron'), nightly(), nightly('0 2 * * *', HOUR, 'other')],
    '2026-03-10T02:10:00.000Z',
  )
  assert.equal(ids().length, 2)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /not a cron/)
})
