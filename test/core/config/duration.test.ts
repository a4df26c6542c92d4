import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exactDuration, formatDuration, parseDuration } from '../../../core/config/duration.ts'

test('durations are read as people write them', () => {
  const cases: [unknown, number][] = [
    ['2s', 2000],
    ['500ms', 500],
    ['1m30s', 90_000],
    ['24h', 86_400_000],
    ['1.5s', 1500],
    ['2 m 5 s', 125_000],
    ['1d 2h', 93_600_000],
    ['0', 0],
    [0, 0],
    ['0s', 0],
  ]
  for (const [written, ms] of cases) assert.deepEqual(parseDuration(written), { value: ms }, String(written))
})

test('what is no duration is refused with what to write instead', () => {
  const cases: [unknown, RegExp, RegExp][] = [
    [5, /no unit: 5/, /5s for seconds or 5ms/],
    ['5', /no unit: 5/, /5s for seconds/],
    ['5 seconds', /unknown unit: seconds/, /^write 5s$/],
    ['3min', /unknown unit: min/, /^write 3m$/],
    ['2S', /unknown unit: S/, /^write 2s$/],
    ['7 parsecs', /unknown unit: parsecs/, /like 500ms/],
    ['1s30m', /out of order: m/, /largest first/],
    ['1s1s', /out of order: s/, /each unit once/],
    ['-5s', /negative/, /like 500ms/],
    [-5, /negative/, /like 500ms/],
    ['', /empty/, /like 500ms/],
    ['soon', /not a duration/, /like 500ms/],
    [null, /not nothing/, /like 500ms/],
    [['5s'], /not a list/, /like 500ms/],
    [true, /not true or false/, /like 500ms/],
    [`${'9'.repeat(400)}d`, /too long/, /./],
  ]
  for (const [written, problem, hint] of cases) {
    const read = parseDuration(written)
    assert.ok('problem' in read, String(written))
    assert.match(read.problem, problem)
    assert.match(read.hint, hint)
  }
})

test('durations are written for people, and rounding never shows 60 seconds', () => {
  const cases: [number, string][] = [
    [0, '0 ms'],
    [0.2444, '0.24 ms'],
    [1.2399, '1.24 ms'],
    [12.44, '12.4 ms'],
    [124.4, '124 ms'],
    [999.6, '1 s'],
    [3210, '3.2 s'],
    [9960, '10 s'],
    [59_970, '1 m'],
    [125_000, '2 m 5 s'],
    [3_599_900, '1 h'],
    [14_400_000, '4 h'],
    [86_399_000, '1 d'],
    [266_400_000, '3 d 2 h'],
    [-1500, '-1.5 s'],
    [Number.NaN, '–'],
  ]
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text)
})

test('what is written for people is read back, to the digits that were shown', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 1e10, noNaN: true }), ms => {
      const read = parseDuration(formatDuration(ms))
      assert.ok('value' in read, formatDuration(ms))
      const off = Math.abs(read.value - ms)
      assert.ok(off <= Math.max(0.0051, ms * 0.051), `${ms} → ${formatDuration(ms)} → ${read.value}`)
    }),
  )
})

test('parts add up, whatever they are', () => {
  const part = fc.nat({ max: 999 })
  fc.assert(
    fc.property(part, part, part, part, part, (d, h, m, s, ms) => {
      const read = parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`)
      assert.deepEqual(read, { value: (((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms })
    }),
  )
})

test('no value makes it throw', () => {
  fc.assert(fc.property(fc.anything(), written => void parseDuration(written)))
  fc.assert(fc.property(fc.string(), written => void parseDuration(written)))
})

test('an exact duration is read back as what it was, to the millisecond', () => {
  assert.equal(exactDuration(0), '0 ms')
  assert.equal(exactDuration(120_100), '2 m 100 ms')
  assert.equal(exactDuration(90_061_000), '1 d 1 h 1 m 1 s')
  assert.equal(exactDuration(0.2), '1 ms')
  fc.assert(
    fc.property(fc.nat({ max: 2_000_000_000 }), ms => {
      assert.deepEqual(parseDuration(exactDuration(ms)), { value: ms })
    }),
  )
})
