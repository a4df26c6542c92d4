import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { oldSessions } from '../../../core/install/old-session.ts'
import { freshFolder } from '../config/folder.ts'

test('of a session of WhatsApp that the bot has kept it is told, once', t => {
  const at = freshFolder(t)
  const [bot, broken, empty] = [join(at, 'bot'), join(at, 'broken'), join(at, 'empty')]
  mkdirSync(join(bot, 'session'), { recursive: true })
  writeFileSync(join(bot, 'paired'), '')
  mkdirSync(join(broken, 'session'), { recursive: true })
  mkdirSync(empty)
  const told = oldSessions([bot, bot, broken, empty, join(at, 'none')])
  assert.equal(told.length, 2)
  for (const [index, folder] of [bot, broken].entries())
    assert.match(told[index] ?? '', new RegExp(`^${folder} holds an old session.*\\n  Unlink .*rm -r ${folder}\\n$`))
})
