import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SilenceStatus } from '../../core/api/notice-control.ts'
import type { MaintenanceSpec } from '../../core/config/notice-spec.ts'
import { noticesOf } from './notices.ts'
import { makeStand } from './stand.ts'

const SERVICES = { services: { 'web-1': { run: ['sleep', '100000'] }, db: { run: ['sleep', '100001'] } } }

test('a silence is made, listed, outlives heald, and ends: in time, by hand, or while heald is away', async t => {
  const stand = await makeStand(t)
  stand.configure(SERVICES)
  const daemon = await stand.up()
  assert.equal((await stand.must('silences')).trim(), 'Nothing is silenced.')
  assert.match(await stand.must('silence', 'web-*', '15s', 'new', 'disk'), /^silence-1: notices of web-\* are silent/)
  await stand.must('silence', 'all', '1h')
  await stand.must('silence', 'db', '30s')
  const sinceMs = Date.now()
  const standing = async () => (await stand.json<SilenceStatus[]>('silences')).map(({ id }) => id)
  assert.deepEqual(await standing(), ['silence-1', 'silence-2', 'silence-3'])

  const mistyped = await stand.cli('silence', 'web-', '1h')
  assert.equal(mistyped.code, 2)
  assert.match(mistyped.stderr, /there is no service "web-"\n {2}Did you mean "web-1"\?/)
  const odd = await stand.cli('silence', 'db', 'soon')
  assert.equal(odd.code, 2)
  assert.match(odd.stderr, /how long is not a duration/)

  await stand.wait('the end of the first', () => stand.of('silence.ended').some(({ data }) => data.id === 'silence-1'))
  await daemon.kill()
  await new Promise(resolve => setTimeout(resolve, sinceMs + 31_000 - Date.now()))
  await stand.up()
  await stand.wait('the end of the third', () => stand.of('silence.ended').some(({ data }) => data.id === 'silence-3'))
  assert.deepEqual(await standing(), ['silence-2'])
  await stand.must('unsilence', 'silence-2')
  const again = await stand.cli('unsilence', 'silence-2')
  assert.equal(again.code, 2)
  const ends = stand.of('silence.ended').map(({ data }) => [data.id, data.how])
  assert.deepEqual(ends, [
    ['silence-1', 'expired'],
    ['silence-3', 'expired'],
    ['silence-2', 'by hand'],
  ])
  assert.match(await stand.must('ledger', 'list', '--kind', 'silence'), /notices of web-\* make a sound again/)
  await stand.must('down')
  await stand.verified()
  await stand.nothingLeft()
})

test('maintenance silences on its own, once per window, and a reload takes it away and brings it back', async t => {
  const stand = await makeStand(t)
  const bot = noticesOf(stand)
  stand.configure(SERVICES)
  const backup: MaintenanceSpec = {
    match: { severity: null, services: ['db'], kinds: null },
    when: { cron: '0 0 1 1 *', forMs: 366 * 86_400_000 },
    why: 'backup',
  }
  const configure = (...maintenance: MaintenanceSpec[]) =>
    bot.configure({ notice: { maintenance }, tz: 'Europe/Berlin' })
  configure(backup)
  const daemon = await bot.up()
  const created = await stand.wait('the window', () => stand.of('silence.created')[0])
  assert.match(String(created.data.id), /^maintenance-/)
  await daemon.kill()
  await bot.up()
  await stand.must('reload')
  assert.match(await stand.must('silences'), /maintenance-\S+ +db +.* heald +backup/)
  assert.equal(stand.of('silence.created').length, 1)
  configure()
  await stand.must('reload')
  await stand.wait('its end', () => stand.of('silence.ended').some(({ data }) => data.how === 'not configured'))
  configure(backup)
  await stand.must('reload')
  await stand.wait('another one', () => stand.of('silence.created').length === 2)
  await stand.must('down')
  await stand.verified()
  await stand.nothingLeft()
})
