import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runCheck } from '../../../../core/heal/probe/run.ts'
import { oneLine } from '../../../../core/heal/probe/verdict.ts'

function heartbeat(t: TestContext, ageMs: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'heald-file-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'beat')
  writeFileSync(path, '')
  const at = (Date.now() - ageMs) / 1000
  utimesSync(path, at, at)
  return path
}
const look = (path: string, maxAgeMs = 60_000) =>
  runCheck({ kind: 'file', path, maxAgeMs }, 20_000, new AbortController().signal)

test('a fresh heartbeat passes, an old one fails and says how old', async t => {
  assert.equal((await look(heartbeat(t, 1000))).verdict, 'pass')
  const old = await look(heartbeat(t, 600_000))
  assert.equal(old.verdict, 'fail')
  assert.match(old.error ?? '', /beat was last written 60\d{4} ms ago, more than 60000 ms$/)
})

test('a missing file fails', async t => {
  const path = heartbeat(t, 0)
  const missing = await look(`${path}.not`)
  assert.deepEqual([missing.verdict, missing.error], ['fail', `${path}.not does not exist`])
  assert.equal((await look(`${path}/beat`)).verdict, 'fail')
})

test('a file dated in the future: within a second a rounding, beyond it a wrong clock', async t => {
  assert.equal((await look(heartbeat(t, -500))).verdict, 'pass')
  const future = await look(heartbeat(t, -3_600_000))
  assert.equal(future.verdict, 'inconclusive')
  assert.match(future.error ?? '', /in the future/)
})

test('a file that cannot be looked at is inconclusive', async t => {
  const path = heartbeat(t, 0)
  symlinkSync(`${path}.loop`, `${path}.loop`)
  const loop = await look(`${path}.loop`)
  assert.deepEqual([loop.verdict, loop.error], ['inconclusive', `${path}.loop could not be looked at (ELOOP)`])
  assert.equal((await look('/proc/1\0/x')).verdict, 'inconclusive')
})

test('looks that come together share nothing but the path', async t => {
  const path = heartbeat(t, 0)
  const verdicts = await Promise.all([look(path), look(path)])
  assert.deepEqual(verdicts.map(one => one.verdict).sort(), ['pass', 'pass'])
})

test('an error is one clean line of at most 200 characters', () => {
  assert.equal(oneLine(' a\r\n\tb\u0000\u001b[31mc\u001b[0m\u202e d\ud800 '), 'a b c d')
  assert.equal([...oneLine('ü'.repeat(500))].length, 200)
  assert.equal([...oneLine('😀'.repeat(500))].length, 200)
  assert(oneLine('x'.repeat(500)).endsWith('…'))
})
