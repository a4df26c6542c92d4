import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatSize, parseSize } from '../../../core/config/size.ts'

test('sizes are read as people write them', () => {
  const cases: [unknown, number][] = [
    ['512MiB', 536_870_912],
    ['1GB', 1_000_000_000],
    ['64k', 65_536],
    ['64kB', 64_000],
    ['1.5 GiB', 1_610_612_736],
    ['2Mi', 2_097_152],
    ['10b', 10],
    ['100', 100],
    [4096, 4096],
    [0, 0],
  ]
  for (const [written, bytes] of cases) assert.deepEqual(parseSize(written), { value: bytes }, String(written))
})

test('what is no size is refused with what to write instead', () => {
  const cases: [unknown, RegExp][] = [
    ['lots', /not a size/],
    ['5 parsecs', /unknown unit: parsecs/],
    ['-1MiB', /negative/],
    [-1, /negative/],
    ['9999999TiB', /too large/],
    [null, /not nothing/],
    [true, /not true or false/],
    [Number.POSITIVE_INFINITY, /not a size/],
    ['1 MiB 5', /not a size/],
  ]
  for (const [written, problem] of cases) {
    const read = parseSize(written)
    assert.ok('problem' in read, String(written))
    assert.match(read.problem, problem)
  }
})

test('sizes are written for people', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [900, '900 B'],
    [1023.9, '1 KiB'],
    [65_536, '64 KiB'],
    [1_048_575, '1 MiB'],
    [1_610_612_736, '1.5 GiB'],
    [536_870_912, '512 MiB'],
    [-2048, '-2 KiB'],
    [Number.NaN, '–'],
  ]
  for (const [bytes, text] of cases) assert.equal(formatSize(bytes), text)
})

test('what is written for people is read back, to the digits that were shown', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), bytes => {
      const read = parseSize(formatSize(bytes))
      assert.ok('value' in read || bytes > 8e15, formatSize(bytes))
      if ('value' in read) assert.ok(Math.abs(read.value - bytes) <= bytes * 0.051, `${bytes} → ${read.value}`)
    }),
  )
})

test('no value makes it throw', () => {
  fc.assert(fc.property(fc.anything(), written => void parseSize(written)))
})
