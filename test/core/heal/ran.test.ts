import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Data } from '../../../core/entry.ts'
import { newFacts } from '../../../core/heal/facts.ts'
import { type Memory, remember } from '../../../core/heal/memory.ts'
import { isSameRan } from '../../../core/heal/ran.ts'
import { serviceSpec } from '../../fakes/patient.ts'
import { entryOf } from '../safeswitch/written.ts'

const five = { generation: '5', path: '/nix/store/a' }
const fiveAgain = { generation: '5', path: '/nix/store/b' }

function started(memory: Memory, data: Data): void {
  remember(memory, { ...entryOf('service.started', { pid: 1, ...data }), svc: 'web' })
}
const known = (memory: Memory) => newFacts(serviceSpec('web'), memory.web ?? null, 0).ran

test('the same path is the same generation, whatever its name; without a path the name has to do', () => {
  assert.equal(isSameRan(five, { ...five, generation: 'app-5' }), true)
  assert.equal(isSameRan(five, fiveAgain), false)
  assert.equal(isSameRan({ generation: '5', path: null }, fiveAgain), true)
  assert.equal(isSameRan({ generation: '5', path: null }, { ...five, generation: '6' }), false)
  assert.deepEqual([isSameRan(null, five), isSameRan(five, null), isSameRan(null, null)], [false, false, true])
})

test('what a service was started with is remembered with its path; entries and snapshots of before have none', () => {
  const memory: Memory = {}
  started(memory, { generation: '5', generationPath: '/nix/store/a' })
  assert.deepEqual(known(memory), five)
  started(memory, { generation: '6' })
  assert.deepEqual(known(memory), { generation: '6', path: null })
  started(memory, {})
  assert.equal(known(memory), null)
  const { generationPath: _, ...older } = { ...memory.web, generation: '4' } as NonNullable<Memory['web']>
  assert.deepEqual(known({ web: older }), { generation: '4', path: null })
})
