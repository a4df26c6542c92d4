import assert from 'node:assert/strict'
import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { closeFolder } from '../../../core/install/files.ts'
import { freshFolder } from '../config/folder.ts'

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
