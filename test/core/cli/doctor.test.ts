import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { NEEDED } from '../../../adapters/host/dead-man-tools.ts'
import { checksText, run } from '../../../core/cli/doctor.ts'
import type { Check } from '../../../core/doctor/check.ts'
import { checkDescriptors, descriptorLimit } from '../../../core/doctor/descriptors.ts'
import { checkKill, checkLimit } from '../../../core/doctor/groups.ts'
import { checkDaemon, checkNode, checkPrograms, checkRoot, DEAD_MAN_TOOLS } from '../../../core/doctor/runtime.ts'
import { checkStateFolder } from '../../../core/doctor/state-folder.ts'
import { codeOf } from '../../../core/fault.ts'
import { freshFolder } from '../config/folder.ts'
import { paperContext } from './context.ts'

test('--json tells of each thing, and nothing is left behind', async t => {
  const state = freshFolder(t)
  const { context, out } = paperContext({ json: true, state, socket: join(state, 'heald.sock') })
  assert.equal(await run(context, []), 0)
  const { ok, checks } = JSON.parse(out()) as { ok: boolean; checks: Check[] }
  assert.equal(ok, true)
  const ids = [
    'node',
    'state',
    'disk',
    'daemon',
    'root',
    'descriptors',
    'kill',
    'limits.memory',
    'limits.pids',
    'sh',
    'mkfifo',
    'setpriv',
    'getent',
    'dead-man',
    'systemd',
    'nix',
  ]
  assert.deepEqual(
    checks.map(check => check.id),
    ids,
  )
  for (const { state: found, why } of checks) assert.ok(['ok', 'warn', 'off', 'missing'].includes(found) && why !== '')
  assert.deepEqual(readdirSync(state), [])
  await assert.rejects(run(context, ['x']), (error: unknown) => codeOf(error) === 'usage.words')
})

test('what heald can’t do without makes the exit code 1', async t => {
  const folder = freshFolder(t)
  const { context, out } = paperContext({ state: folder, socket: join(folder, 's'), env: { PATH: folder } })
  assert.equal(await run(context, []), 1)
  assert.match(out(), /✗ missing +sh +not found/)
  assert.match(out(), /– off +dead-man +not found: sleep, env, flock,/)
  assert.match(out(), /sh: install sh/)
  assert.match(out(), /heald can't run here yet: sh, mkfifo missing\./)
})

test('each state has a sign and a word, with and without colours', () => {
  const checks = (['ok', 'warn', 'off', 'missing'] as const).map(state => ({
    id: state,
    title: `a ${state} thing`,
    state,
    why: 'so',
  }))
  const plain = checksText(checks, { columns: 80, colour: false })
  for (const text of ['✓ ok', '! warn', '– off', '✗ missing']) assert.ok(plain.includes(text))
  assert.equal(checksText(checks, { columns: 80, colour: true }).replaceAll(/\x1b\[\d+m/g, ''), plain)
})

test('Node: too old, old, right', () => {
  const states = ['v20.1.0', 'v22.17.9', 'v22.18.0', 'v24.0.0', 'v25.1.0'].map(version => checkNode(version).state)
  assert.deepEqual(states, ['missing', 'missing', 'warn', 'ok', 'ok'])
  assert.deepEqual([checkRoot(0).state, checkRoot(1000).state], ['ok', 'warn'])
})

test('descriptors: the limit of this process, enough, too few, none', () => {
  const limits =
    'Limit  Soft Limit  Hard Limit  Units\nMax open files            300                  4096                 files     \n'
  assert.equal(descriptorLimit(limits), 300)
  assert.equal(descriptorLimit(limits.replace('300', 'unlimited')), Number.POSITIVE_INFINITY)
  assert.equal(descriptorLimit(''), Number.POSITIVE_INFINITY)
  assert.ok(descriptorLimit() > 0)
  const few = checkDescriptors(60, 300)
  assert.deepEqual(
    [few.state, checkDescriptors(60, 519).state, checkDescriptors(60, 520).state],
    ['warn', 'warn', 'ok'],
  )
  assert.match(few.why, /^60 services need up to 520 file descriptors, and only 300 are allowed/)
  assert.match(few.advice ?? '', /LimitNOFILE=1024 in heald's unit, or "ulimit -n 1024"/)
  assert.match(checkDescriptors(null, 300).why, /^300 allowed, enough for 28 services$/)
  assert.deepEqual(
    [checkDescriptors(null, 50).state, checkDescriptors(60, Number.POSITIVE_INFINITY).why],
    ['warn', 'no limit'],
  )
})

test('the daemon: answers, left its socket, never was', async t => {
  const folder = freshFolder(t)
  const socket = join(folder, 's')
  assert.equal((await checkDaemon(socket)).state, 'off')
  const server = createServer().listen(socket)
  t.after(() => server.close())
  await new Promise(done => server.once('listening', done))
  assert.equal((await checkDaemon(socket)).state, 'ok')
  writeFileSync(join(folder, 'plain'), '')
  const left = await checkDaemon(join(folder, 'plain'))
  assert.deepEqual([left.state, /left/.test(left.why)], ['off', true])
})

test('the state folder: there, still to be made, no folder', async t => {
  const folder = freshFolder(t)
  const [there, disk] = await checkStateFolder(folder)
  assert.ok(there?.state === 'ok' || there?.state === 'warn')
  assert.match(there.why, /free\)$/)
  assert.match(disk?.why ?? '', /durable after [\d.]+ m?s/)
  const [later] = await checkStateFolder(join(folder, 'a', 'b'))
  assert.match(later?.why ?? '', /will be made by heald up/)
  writeFileSync(join(folder, 'file'), '')
  const [taken] = await checkStateFolder(join(folder, 'file'))
  assert.deepEqual([taken?.state, taken?.advice !== undefined], ['missing', true])
  const [under] = await checkStateFolder(join(folder, 'file', 'x'))
  assert.equal(under?.state, 'missing')
  assert.deepEqual(readdirSync(folder), ['file'])
})

test('programs are found along PATH', async t => {
  const folder = freshFolder(t)
  symlinkSync('/bin/sh', join(folder, 'sh'))
  mkdirSync(join(folder, 'mkfifo'))
  writeFileSync(join(folder, 'setpriv'), '', { mode: 0o644 })
  const found = await checkPrograms(folder)
  assert.deepEqual(
    found.map(check => [check.id, check.state]),
    [
      ['sh', 'ok'],
      ['mkfifo', 'missing'],
      ['setpriv', 'off'],
      ['getent', 'off'],
    ],
  )
})

test('control groups: none, not ours, without kill, whole', t => {
  assert.equal(checkKill(undefined).state, 'off')
  const folder = groupFolder(t, [])
  assert.deepEqual(
    [
      checkKill({ version: 2, folder, writable: false }).state,
      /no right/.test(checkKill({ version: 2, folder, writable: false }).why),
    ],
    ['off', true],
  )
  mkdirSync(join(folder, 'child'))
  assert.equal(checkKill({ version: 2, folder, writable: true }).state, 'warn')
  writeFileSync(join(folder, 'child', 'cgroup.kill'), '')
  assert.equal(checkKill({ version: 2, folder, writable: true }).state, 'ok')
})

test('limits: none, not ours, v1, v2 passed on or not', t => {
  assert.equal(checkLimit('memory', undefined).state, 'off')
  const folder = groupFolder(t, ['cgroup.type'])
  writeFileSync(join(folder, 'cgroup.subtree_control'), 'cpu pids\n')
  assert.equal(checkLimit('memory', { version: 2, folder, writable: false }).state, 'off')
  assert.equal(checkLimit('memory', { version: 1, folder, writable: true }).state, 'ok')
  assert.equal(checkLimit('memory', { version: 2, folder, writable: true }).state, 'warn')
  assert.equal(checkLimit('pids', { version: 2, folder, writable: true }).state, 'ok')
})

function groupFolder(t: TestContext, files: readonly string[]): string {
  const folder = freshFolder(t)
  for (const file of files) writeFileSync(join(folder, file), '')
  return folder
}

test('the dead-man is asked about by the tools that it uses', () => {
  // The shell has a row of its own.
  assert.deepEqual(['sh', ...DEAD_MAN_TOOLS].sort(), [...NEEDED].sort())
})
