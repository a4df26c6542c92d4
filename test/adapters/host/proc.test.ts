import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findAccount } from '../../../adapters/host/account.ts'
import { isRunning, readStat } from '../../../adapters/host/proc.ts'
import { readRunFile, runFileTag } from '../../../adapters/host/run-file.ts'

test('a process with a name made to confuse is read right', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'heald-proc-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const odd = join(folder, ') Z 1 (a')
  copyFileSync('/bin/sleep', odd)
  const child = spawn(odd, ['1000'])
  t.after(() => child.kill('SIGKILL'))
  await new Promise(resolve => child.once('spawn', resolve))
  const pid = child.pid ?? assert.fail()
  const stat = readStat(pid)
  assert.ok(stat !== null && stat.state !== 'Z')
  assert.ok(isRunning(pid, stat.startTime))
  assert.ok(!isRunning(pid, stat.startTime + 1))
  child.kill('SIGKILL')
  await new Promise(resolve => child.once('exit', resolve))
  assert.ok(!isRunning(pid, stat.startTime))
  assert.equal(readStat(2 ** 30), null)
})

test('run files: what was written is read; torn or foreign ones are none', t => {
  const folder = mkdtempSync(join(tmpdir(), 'heald-run-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 's.pid')
  const groups = { folders: ['/sys/fs/cgroup/x'], unified: '/sys/fs/cgroup/x', memory: null }
  const whole = `{"pid":7,"startTime":8,${runFileTag('b', groups, 'd')}}\n`
  writeFileSync(file, whole)
  assert.deepEqual(readRunFile(file), { pid: 7, startTime: 8, boot: 'b', groups, launch: 'd' })
  for (let cut = 0; cut < whole.length - 2; cut += 1) {
    writeFileSync(file, whole.slice(0, cut))
    assert.equal(readRunFile(file), null, `cut at ${cut}`)
  }
  for (const text of ['null', '[]', '{}', '"x"', '{"pid":"7"}', '{"pid":7,"startTime":8,"groups":null}']) {
    writeFileSync(file, text)
    assert.equal(readRunFile(file), null, text)
  }
  assert.equal(readRunFile(join(folder, 'missing')), null)
})

test('accounts: found with home and groups; a missing one is words, also when the name looks like an option', async () => {
  const nobody = await findAccount('nobody')
  assert.ok(!('missing' in nobody))
  assert.equal(nobody.uid, 65534)
  assert.ok(nobody.become.includes('--init-groups'))
  for (const name of ['no-such-user', '--help', '']) {
    const found = await findAccount(name)
    assert.ok('missing' in found, name)
  }
})
