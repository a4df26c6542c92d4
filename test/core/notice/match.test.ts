import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fits, isLike, kindOf } from '../../../core/notice/match.ts'

test('a pattern is a name with * for any characters', () => {
  const like: [pattern: string, name: string, is: boolean][] = [
    ['web', 'web', true],
    ['web', 'web-1', false],
    ['web*', 'web', true],
    ['web*', 'web-1', true],
    ['*-1', 'web-1', true],
    ['*-1', 'web-12', false],
    ['w*b*1', 'web-b-1', true],
    ['w*b*1', 'wb1', true],
    ['a*a', 'a', false],
    ['ab*ba', 'aba', false],
    ['*', '', true],
    ['**', 'x', true],
    ['*x*x*', 'axb', false],
    ['w.b', 'web', false],
  ]
  for (const [pattern, name, is] of like) assert.equal(isLike(pattern, name), is, `${pattern} ${name}`)
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
  fc.assert(
    fc.property(
      letters,
      fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }),
      (pattern, name) => isLike(pattern, name) === new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name),
    ),
    { numRuns: 2000 },
  )
})

test('each part that is written has to fit', () => {
  const about = { kind: 'incident', severity: 'critical', services: ['web', 'db'] } as const
  const any = { severity: null, services: null, kinds: null }
  assert.equal(fits(any, about), true)
  assert.equal(fits({ ...any, services: ['d*'] }, about), true)
  assert.equal(fits({ ...any, services: ['x', 'y*'] }, about), false)
  assert.equal(fits({ ...any, services: [] }, about), false)
  assert.equal(fits({ ...any, severity: ['warning'] }, about), false)
  assert.equal(fits({ severity: ['warning', 'critical'], services: ['web'], kinds: ['incident'] }, about), true)
  assert.equal(fits({ ...any, kinds: ['switch'] }, about), false)
  assert.deepEqual(
    [kindOf('channel:slack'), kindOf('ledger'), kindOf('web'), kindOf(undefined)],
    ['channel', 'ledger', 'incident', 'incident'],
  )
})
