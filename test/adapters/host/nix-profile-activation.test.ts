import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { activationGroupsGone } from '../../journeys/leftovers.ts'
import { until } from '../../until.ts'
import { type NixStand, nixIsMissing, nixStand, ROOT } from './nix-stand.ts'

const DEADLINE_MS = 20_000

/** A daemon that activates `name`; the test may kill it. */
async function activating(t: TestContext, stand: NixStand, name: string, deadlineMs: number): Promise<ChildProcess> {
  const to = { generation: name, path: stand.path(name), createdMs: 0 }
  const args = [JSON.stringify(stand.options), JSON.stringify(to), String(deadlineMs)]
  const child = spawn(process.execPath, [join(ROOT, 'test/fixtures/moves-a-profile.ts'), ...args], { stdio: 'ignore' })
  t.after(async () => {
    child.kill('SIGKILL')
    await activationGroupsGone(stand.profile)
  })
  await until(`${name} began`, () => stand.activated().includes(name), DEADLINE_MS)
  return child
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** How many processes an activation of this path has. */
function running(path: string): number {
  return readdirSync('/proc').filter(pid => /^\d+$/.test(pid) && environmentOf(pid).includes(`HEALD_PATH=${path}`))
    .length
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

test('an activation that fails says how and why', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  const ended = await target.activate(await target.resolve(stand.path('fails')), DEADLINE_MS)
  assert.deepEqual([ended.verdict, ended.exitCode], ['failed', 3])
  assert.match(ended.why, /bin\/activate ended with exit code 3: the schema is too new$/)
  assert.equal(stand.current(), 'fails', 'the pointer moved before it')
})

test('an activation that hangs is ended at its deadline, with all of its group', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  const hangs = await target.resolve(stand.path('hangs'))
  const activation = target.activate(hangs, 2000)
  await until('timeout, the program and its child run', () => running(hangs.path) > 2, DEADLINE_MS)
  const ended = await activation
  assert.deepEqual([ended.verdict, ended.exitCode], ['failed', null])
  assert.match(ended.why, /did not end within 2000 ms/)
  await until('nothing is left', () => running(hangs.path) === 0, DEADLINE_MS)
})

test('an activation that is called off is ended at once, with all of its group', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  const hangs = await target.resolve(stand.path('hangs'))
  const stop = new AbortController()
  const activation = target.activate(hangs, DEADLINE_MS, stop.signal)
  await until('timeout, the program and its child run', () => running(hangs.path) > 2, DEADLINE_MS)
  stop.abort()
  const ended = await activation
  assert.deepEqual([ended.verdict, ended.exitCode], ['failed', null])
  assert.match(ended.why, /was called off/)
  await until('nothing is left', () => running(hangs.path) === 0, DEADLINE_MS)
  const first = await target.resolve('1')
  assert.equal((await target.activate(first, DEADLINE_MS, AbortSignal.abort())).verdict, 'failed')
  assert.equal(stand.current(), 'hangs')
})

test('an activation survives the daemon', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  await killed(await activating(t, stand, 'slow', DEADLINE_MS))
  await until('the activation ended by itself', () => stand.activated().includes('slow-end'), DEADLINE_MS)
})

test('its deadline holds also when the daemon is dead', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  await killed(await activating(t, stand, 'hangs', 1000))
  assert.ok(running(stand.path('hangs')) > 0)
  await until('the deadline came', () => running(stand.path('hangs')) === 0, DEADLINE_MS)
})

test('a later call ends what an earlier one left running, and begins anew', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  await killed(await activating(t, stand, 'hangs', 60_000))
  assert.ok(running(stand.path('hangs')) > 0)
  const target = stand.target()
  const ended = await target.activate(await target.resolve('1'), DEADLINE_MS)
  assert.deepEqual(ended, { verdict: 'done', exitCode: 0, why: '' })
  assert.equal(running(stand.path('hangs')), 0)
  assert.deepEqual(stand.activated(), ['hangs', 'good-1'])
})
