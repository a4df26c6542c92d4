import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from '../../../core/api/client.ts'
import type { Status } from '../../../core/api/control.ts'
import type { GenerationStatus, Switched } from '../../../core/api/switch-control.ts'
import { stand } from './stand.ts'
import { switchStand } from './switch-stand.ts'

const LIMITS = { timeoutMs: 10_000 }

test('generations are listed of all targets or of one; without targets there are none', async t => {
  const { socket } = await stand(t, { switches: await switchStand(t) })
  const list = async (path: string) =>
    (await request(socket, 'GET', path, undefined, LIMITS)) as readonly GenerationStatus[]
  const all = await list('/v1/generations')
  assert.deepEqual(
    all.map(({ target, generation }) => `${target} ${generation}`),
    [...['9', '8', '7', '6', '5', '4'].map(n => `web release-${n}`), 'tools 12'],
  )
  assert.equal((await list('/v1/targets/web/generations')).length, 6)
  const keys = ['createdTs', 'current', 'generation', 'knownGood', 'path', 'quarantined', 'target', 'why']
  assert.deepEqual(Object.keys(all[0] ?? {}).sort(), keys)
  const none = await stand(t)
  assert.deepEqual(await request(none.socket, 'GET', '/v1/generations', undefined, LIMITS), [])
})

test('a deploy and a rollback are answered at their end, with all that was asked of them', async t => {
  const { socket, asked } = await stand(t, { switches: await switchStand(t) })
  const ask = async (path: string, body: object) => (await request(socket, 'POST', path, body, LIMITS)) as Switched
  const deployed = await ask('/v1/targets/web/deploy', { ref: 'release-7', claim: 'alice' })
  assert.deepEqual([deployed.outcome, deployed.current?.generation], ['committed', 'release-7'])
  await ask('/v1/targets/web/deploy', { ref: '/srv/web/releases/release-5', force: true, unchecked: true })
  assert.equal((await ask('/v1/targets/web/rollback', {})).current?.generation, 'release-4')
  assert.equal((await ask('/v1/targets/web/rollback', { to: 'release-6', dryRun: true })).outcome, 'planned')
  const status = (await request(socket, 'GET', '/v1/status', undefined, LIMITS)) as Status
  assert.deepEqual([status.targets[0]?.current?.generation, status.services[0]?.generation], ['release-4', 'release-4'])
  assert.deepEqual(asked, [
    'deploy web {"ref":"release-7","force":false,"unchecked":false} local:admin/alice',
    'deploy web {"ref":"/srv/web/releases/release-5","force":true,"unchecked":true} local:admin',
    'rollback web {"to":null,"dryRun":false} local:admin',
    'rollback web {"to":"release-6","dryRun":true} local:admin',
  ])
  await assert.rejects(ask('/v1/targets/web/deploy', { ref: 'release-70' }), { code: 'target.unknown', hint: /newest/ })
})

test('orders that make no sense never reach SafeSwitch', async t => {
  const { socket, asked } = await stand(t, { switches: await switchStand(t) })
  const [deploy, rollback] = ['/v1/targets/web/deploy', '/v1/targets/web/rollback']
  const cases: ['GET' | 'POST', string, object | undefined, string][] = [
    ['POST', deploy, {}, 'request.body'],
    ['POST', deploy, { ref: '' }, 'request.body'],
    ['POST', deploy, { ref: 7 }, 'request.body'],
    ['POST', deploy, { ref: null }, 'request.body'],
    ['POST', deploy, { ref: ['release-7'] }, 'request.body'],
    ['POST', deploy, { ref: 'x'.repeat(4097) }, 'request.body'],
    ['POST', deploy, { ref: 'release-7\0' }, 'request.body'],
    ['POST', deploy, { ref: 'release-7', force: 'yes' }, 'request.body'],
    ['POST', deploy, { ref: 'release-7', unchecked: 1 }, 'request.body'],
    ['POST', deploy, { ref: 'release-7', dryRun: true }, 'request.body'],
    ['POST', deploy, { ref: 'release-7', claim: {} }, 'request.body'],
    ['POST', deploy, [], 'request.body'],
    ['POST', deploy, { ref: 'x'.repeat(70_000) }, 'request.large'],
    ['POST', rollback, { to: '' }, 'request.body'],
    ['POST', rollback, { to: 6 }, 'request.body'],
    ['POST', rollback, { to: null }, 'request.body'],
    ['POST', rollback, { to: '\0' }, 'request.body'],
    ['POST', rollback, { to: 'x'.repeat(4097) }, 'request.body'],
    ['POST', rollback, { dryRun: 'true' }, 'request.body'],
    ['POST', rollback, { force: true }, 'request.body'],
    ['POST', '/v1/targets/wbe/deploy', { ref: 'release-7' }, 'target.unknown'],
    ['POST', '/v1/targets/wbe/rollback', {}, 'target.unknown'],
    ['GET', '/v1/targets/wbe/generations', undefined, 'target.unknown'],
    ['GET', '/v1/targets//generations', undefined, 'request.path'],
    ['GET', deploy, undefined, 'request.method'],
    ['POST', '/v1/generations', {}, 'request.method'],
  ]
  for (const [method, path, body, code] of cases)
    await assert.rejects(request(socket, method, path, body, LIMITS), { code }, `${path} ${JSON.stringify(body)}`)
  assert.deepEqual(asked, [])
  const longest = { ref: 'x'.repeat(4096) }
  await assert.rejects(request(socket, 'POST', deploy, longest, LIMITS), { code: 'target.unknown' })
  assert.equal(asked.length, 1)
})

test('a switch may take longer than all that the server has patience for', async t => {
  const switches = await switchStand(t, {
    onStep: async kind => {
      if (kind === 'switch.probation') await sleep(2500)
    },
  })
  const { socket } = await stand(t, { switches, limits: { requestMs: 200, stalledMs: 200 } })
  const body = { ref: 'release-7' }
  const done = (await request(socket, 'POST', '/v1/targets/web/deploy', body, LIMITS)) as Switched
  assert.equal(done.outcome, 'committed')
})
