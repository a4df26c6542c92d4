import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { logSize, readTail, rotateLog } from '../../../adapters/host/logs.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'heald-log-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a log within its limit is left alone; one over it is copied aside and emptied, the copies are counted', t => {
  const log = join(folder(t), 's.log')
  assert.equal(rotateLog(log, { maxBytes: 100, keep: 2 }), false)
  writeFileSync(log, 'x'.repeat(100))
  assert.equal(rotateLog(log, { maxBytes: 100, keep: 2 }), false)
  for (let n = 1; n <= 4; n += 1) {
    appendFileSync(log, `${n}`.repeat(150))
    assert.equal(rotateLog(log, { maxBytes: 100, keep: 2 }), true)
    assert.equal(statSync(log).size, 0)
    assert.equal(readFileSync(`${log}.1`, 'latin1'), `${n}`.repeat(100), 'the end counts')
  }
  assert.deepEqual(readdirSync(join(log, '..')).sort(), ['s.log', 's.log.1', 's.log.2'])
  assert.equal(readFileSync(`${log}.2`, 'latin1'), '3'.repeat(100))
})

test('keep 0 keeps no copy; a log that is a symbolic link is not followed', t => {
  const path = folder(t)
  const log = join(path, 's.log')
  writeFileSync(log, 'x'.repeat(200))
  assert.equal(rotateLog(log, { maxBytes: 100, keep: 0 }), true)
  assert.deepEqual(readdirSync(path), ['s.log'])
  const elsewhere = join(path, 'elsewhere')
  writeFileSync(elsewhere, 'y'.repeat(200))
  symlinkSync(elsewhere, join(path, 'link.log'))
  assert.throws(() => rotateLog(join(path, 'link.log'), { maxBytes: 100, keep: 1 }))
  assert.equal(statSync(elsewhere).size, 200)
  assert.equal(readTail(join(path, 'link.log'), 0, 200, 100), '')
})

test('the tail: from the offset on, whole lines, bytes that are no text replaced', t => {
  const log = join(folder(t), 's.log')
  assert.equal(readTail(log, 0, 0, 100), '')
  writeFileSync(log, 'old\nfirst\nsecond\nthird\n')
  assert.equal(readTail(log, 4, logSize(log), 100), 'first\nsecond\nthird\n')
  assert.equal(readTail(log, 4, logSize(log), 10), 'third\n')
  assert.equal(readTail(log, 0, 4, 100), 'old\n')
  writeFileSync(log, 'new\n')
  assert.equal(readTail(log, 400, logSize(log), 100), 'new\n', 'rotated meanwhile')
  writeFileSync(log, Buffer.from([0xff, 0xc3, 0x28, 0x00, 0x0a]))
  assert.equal(readTail(log, 0, 5, 100), '\ufffd\ufffd(\0\n')
})
