import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort } from './port.ts'
import { configOf, isIdle, makeReleaseFolder } from './release-folder.ts'
import { makeStand } from './stand.ts'

test('the incident of a release that crash-loops shows what that release had changed', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  writeFileSync(join(folder.add('r1', 'well'), 'old.txt'), '')
  writeFileSync(join(folder.add('r2', 'crashes'), 'new\n\x1b[31mfile.txt'), '')
  folder.point('r1')
  stand.configure(configOf(folder, await freePort()))
  await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  assert.equal((await stand.cli('deploy', 'app', 'r2')).code, 1)
  await stand.wait('the quarantine is recorded', () => stand.of('generation.quarantined').length === 1)

  const changed = ['changed: agent.cjs', 'only in r1: old.txt', 'only in r2: new��[31mfile.txt']
  assert.deepEqual(stand.of('generation.quarantined')[0]?.data.diff, changed)
  const [incident] = await stand.incidents()
  const text = await stand.must('incident', incident?.id ?? '')
  const lines = changed.map(line => `  │ ${line}\n`).join('')
  assert.ok(text.includes(`What changed\nr2 of app, which is quarantined, had changed:\n${lines}\n`), text)
  const report = await stand.must('incident', incident?.id ?? '', '--report', 'md')
  assert.ok(report.includes(`## What changed\n\nr2 of app, which is quarantined, had changed:`), report)
  assert.ok(report.includes(changed.join('\n')), report)
  await stand.verified()
})
