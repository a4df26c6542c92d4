import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Switched } from '../../core/api/switch-control.ts'
import type { Incident } from '../../core/incident/fold.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, makeReleaseFolder } from './release-folder.ts'
import { makeStand } from './stand.ts'

test('a damaged ledger holds automatic rollbacks until somebody has acknowledged it', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  folder.add('r1', 'well')
  const r2 = folder.add('r2', 'breaks')
  folder.point('r1')
  const config = configOf(folder, await freePort())
  const web = config.services?.web ?? assert.fail('it has a service')
  stand.configure({ ...config, services: { web: { ...web, restart: { backoff: { base: '50ms', cap: '300ms' } } } } })
  const daemon = await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  assert.equal((await stand.json<Switched>('deploy', 'app', 'r2')).outcome, 'committed')
  await daemon.kill()
  const ledger = join(stand.state, 'ledger/seg')
  const segment = readdirSync(ledger)
    .filter(name => name.endsWith('.jsonl'))
    .sort()
    .at(-1)
  const at = join(ledger, segment ?? assert.fail('there is a segment'))
  const lines = readFileSync(at, 'utf8').split('\n')
  // An entry of no switch: what a target has come through is still known.
  const middle = lines.findIndex(line => line.includes('"kind":"service.ready"'))
  lines[middle] = lines[middle]?.replace(/"ts":"2/, '"ts":"3') ?? ''
  writeFileSync(at, lines.join('\n'))
  await stand.up()
  const damage = await stand.wait('its incident', async () =>
    (await stand.json<Incident[]>('incidents')).find(({ cause }) => /^the ledger is damaged/.test(cause)),
  )
  writeFileSync(join(r2, 'broken'), '')
  const loop = await stand.wait('a crash loop', () => stand.of('crashloop.detected', 'web')[0])
  assert.equal(loop.data.verdict, 'slow restarts')
  assert.match(String(loop.data.why), /the ledger is damaged, and nobody has acknowledged its incident/)
  assert.equal(folder.current(), 'r2')
  await stand.must('ack', damage.id)
  await stand.wait('it is rolled back', () => stand.of('rollback.verified')[0])
  assert.equal(folder.current(), 'r1')
  assert.deepEqual(
    stand.of('crashloop.detected', 'web').map(({ data }) => data.verdict),
    ['slow restarts', 'rollback'],
  )
})
