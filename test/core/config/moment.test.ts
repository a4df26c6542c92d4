import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { momentMs, parseMoment } from '../../../core/config/moment.ts'

/** What is written, for a host in which zone, and when it is. */
const CASES: readonly (readonly [written: string, tz: string, at: string])[] = [
  ['2026-11-30', 'UTC', '2026-11-30T00:00:00Z'],
  ['2026-11-30', 'Asia/Kolkata', '2026-11-29T18:30:00Z'],
  ['2026-11-30 22:00', 'America/New_York', '2026-12-01T03:00:00Z'],
  ['2026-11-30T22:00:30.5Z', 'America/New_York', '2026-11-30T22:00:30.500Z'],
  ['2026-11-30T22:00:30,1239', 'America/New_York', '2026-12-01T03:00:30.123Z'],
  ['2026-11-30t22:00z', 'Asia/Kolkata', '2026-11-30T22:00:00Z'],
  ['2026-11-30T22:00+02', 'UTC', '2026-11-30T20:00:00Z'],
  ['2026-11-30T22:00-0330', 'UTC', '2026-12-01T01:30:00Z'],
  ['2026-11-30T22:00+05:45', 'UTC', '2026-11-30T16:15:00Z'],
  // Clocks go from 02:00 to 03:00, and back from 03:00 to 02:00.
  ['2026-03-29T01:59:59', 'Europe/Berlin', '2026-03-29T00:59:59Z'],
  ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:30:00Z'],
  ['2026-03-29T03:00', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
  ['2026-10-25T02:30', 'Europe/Berlin', '2026-10-25T00:30:00Z'],
  ['2026-10-25T03:00', 'Europe/Berlin', '2026-10-25T02:00:00Z'],
  // Half an hour, and a day that was left out.
  ['2026-04-05T01:45', 'Australia/Lord_Howe', '2026-04-04T14:45:00Z'],
  ['2011-12-31T00:00', 'Pacific/Apia', '2011-12-30T10:00:00Z'],
]

for (const [written, tz, at] of CASES)
  test(`a moment: ${written} in ${tz}`, () => {
    const read = parseMoment(written)
    assert.ok('value' in read, 'it can be read')
    assert.equal(new Date(momentMs(read.value, tz)).toISOString().replace('.000', ''), at)
  })

for (const written of ['', 'x', '2026', '2026-13-01', '2026-02-29', '2026-1-1', '2026-01-01T', '2026-01-01T1:00'])
  test(`no moment: "${written}"`, () => assert.ok('problem' in parseMoment(written)))

test('a moment is what the clock of the host shows, in whatever zone', () => {
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Chatham', 'Australia/Lord_Howe')
  const date = fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(zones, date, (tz, moment) => {
      const seconds = new Date(Math.floor(moment.getTime() / 1000) * 1000)
      const form = new Intl.DateTimeFormat('sv-SE', { timeZone: tz, dateStyle: 'short', timeStyle: 'medium' })
      const read = parseMoment(form.format(seconds))
      assert.ok('value' in read)
      const ms = momentMs(read.value, tz)
      assert.equal(form.format(ms), form.format(seconds))
      assert.ok(ms <= seconds.getTime(), 'of two that show the same, it is the first')
    }),
  )
})
