import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLate } from '../../../core/safeswitch/late-target.ts'
import { fakeTarget, refOf } from '../../fakes/target.ts'
import { targetSpec } from './managed-spec.ts'

function late() {
  const { target, deadMan } = fakeTarget(['r1'])
  const at = { trouble: 'the user web does not exist' as string | null, opened: 0 }
  const opened = openLate(targetSpec(), async () => {
    at.opened += 1
    if (at.trouble !== null) throw new Error(at.trouble)
    return { target, deadMan, changes: async () => ['+ a line'] }
  })
  return { at, opened }
}

test('a target that can not be opened says why whatever is asked of it, until it can be', async () => {
  const { at, opened } = late()
  const { target, deadMan } = opened
  const [r1, why] = [{ ...refOf('r1'), createdMs: 0 }, /the user web does not exist/]
  for (const ask of [
    () => target.look(),
    () => target.resolve('r1'),
    () => target.activate(r1, 1),
    () => target.settle(r1, []),
    () => deadMan.arm(r1, 1),
    () => deadMan.disarm(),
    () => deadMan.look(),
    () => deadMan.imported('x'),
    () => deadMan.lock(1),
  ])
    await assert.rejects(ask(), why)
  await deadMan.unlock()
  assert.deepEqual(await opened.changes('/a', '/b'), [])
  assert.deepEqual([at.opened, target.name, target.kind], [9, 'app', 'releases'])
  at.trouble = null
  assert.equal((await target.look()).running?.generation, 'r1')
  assert.equal(await deadMan.lock(1), true)
  await deadMan.unlock()
  assert.deepEqual(await opened.changes('/a', '/b'), ['+ a line'])
  assert.equal(at.opened, 10, 'and then it stays open')
})

test('two who ask at once open it once', async () => {
  const { at, opened } = late()
  at.trouble = null
  await Promise.all([opened.target.look(), opened.deadMan.look()])
  assert.equal(at.opened, 1)
})
