import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { closeFolder, putFile } from '../../../core/install/files.ts'
import { freshFolder } from '../config/folder.ts'

test('a file is written whole, or nothing of it is left', async t => {
  const folder = freshFolder(t)
  const path = join(folder, 'a.service')
  await putFile(path, 'one')
  await putFile(path, 'two')
  assert.equal(readFileSync(path, 'utf8'), 'two')
  assert.equal(statSync(path).mode & 0o777, 0o644 & ~process.umask())
  mkdirSync(join(folder, 'taken'))
  await assert.rejects(putFile(join(folder, 'taken'), 'three'), { code: 'EISDIR' })
  assert.deepEqual(readdirSync(folder).sort(), ['a.service', 'taken'])
})

test('a file is removed with what a killed installation has left beside it', async t => {
  const folder = freshFolder(t)
  for (const name of ['a.service', 'a.service.new', 'b.service.new']) writeFileSync(join(folder, name), 'x')
  for (const name of ['a.service', 'b.service', 'c.service']) await putFile(join(folder, name), '')
  assert.deepEqual(readdirSync(folder), [])
})

test('a folder that is kept is nobody’s but root’s', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const folder = freshFolder(t)
  writeFileSync(join(folder, 'session'), 'x')
  chownSync(folder, 54_321, 54_321)
  chmodSync(folder, 0o755)
  await closeFolder(folder)
  const { uid, gid, mode } = statSync(folder)
  assert.deepEqual([uid, gid, mode & 0o7777], [0, 0, 0o700])
  await closeFolder(join(folder, 'none'))
})
