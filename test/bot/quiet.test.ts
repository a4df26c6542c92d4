import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quietUntil } from '../../bot/quiet.ts'

const at = (text: string) => Date.parse(text)
const night = { quietHours: { from: '22:00', to: '07:00' }, digest: null }
const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())

test('quiet hours over midnight, and when they end', () => {
  assert.equal(quietUntil(night, 'UTC', at('2026-03-01T21:59:59Z')), null)
  assert.equal(iso(quietUntil(night, 'UTC', at('2026-03-01T22:00:00Z'))?.endMs), '2026-03-02T07:00:00.000Z')
  assert.equal(iso(quietUntil(night, 'UTC', at('2026-03-02T06:59:59.999Z'))?.endMs), '2026-03-02T07:00:00.000Z')
  assert.equal(quietUntil(night, 'UTC', at('2026-03-02T07:00:00Z')), null)
  assert.equal(quietUntil({ quietHours: null, digest: null }, 'UTC', 0), null)
})

test('within a day, and in the zone of the host', () => {
  const noon = { quietHours: { from: '12:00', to: '13:30' }, digest: null }
  assert.equal(iso(quietUntil(noon, 'Europe/Berlin', at('2026-07-01T10:15:00Z'))?.endMs), '2026-07-01T11:30:00.000Z')
  assert.equal(quietUntil(noon, 'UTC', at('2026-07-01T10:15:00Z')), null)
})

test('the digest is at their end, or at its own time after it', () => {
  assert.equal(iso(quietUntil(night, 'UTC', at('2026-03-01T23:00:00Z'))?.digestMs), '2026-03-02T07:00:00.000Z')
  const late = { ...night, digest: '08:30' }
  assert.equal(iso(quietUntil(late, 'UTC', at('2026-03-01T23:00:00Z'))?.digestMs), '2026-03-02T08:30:00.000Z')
  assert.equal(
    iso(quietUntil({ ...night, digest: '07:00' }, 'UTC', at('2026-03-01T23:00:00Z'))?.digestMs),
    '2026-03-02T07:00:00.000Z',
  )
})

test('a night in which the clocks change ends at the hour that the clock shows', () => {
  // On 29 March 2026 Berlin goes from 02:00 to 03:00, on 25 October from 03:00 to 02:00.
  assert.equal(iso(quietUntil(night, 'Europe/Berlin', at('2026-03-28T22:00:00Z'))?.endMs), '2026-03-29T05:00:00.000Z')
  assert.equal(iso(quietUntil(night, 'Europe/Berlin', at('2026-10-24T21:00:00Z'))?.endMs), '2026-10-25T06:00:00.000Z')
})
