import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Values } from '../../../core/cli/command.ts'
import { exitOf } from '../../../core/cli/exit.ts'
import { run } from '../../../core/cli/ledger.ts'
import { codeOf } from '../../../core/fault.ts'
import { smallDisk } from '../../faults/small-disk.ts'
import { manySegments } from '../ledger/many-segments.ts'
import { folder } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

test('a folder that can not be written is told, with what to name instead; it is no mistake of heald', async t => {
  const state = dirname(await manySegments(t, 2))
  const file = join(folder(t), 'file')
  writeFileSync(file, '')
  for (const to of [file, join(file, 'x'), join(file, 'x/y'), '/proc', '/proc/x', '/proc/x/y'])
    for (const [words, values] of [
      [['export', to], {}],
      [['archive', to], {}],
      [['prune'], { archive: to, to: '99' }],
    ] as [string[], Values][]) {
      if (to === '/proc' && words[0] === 'export') continue
      await assert.rejects(
        run(paperContext({ state }).context, words, values),
        (error: Error) => codeOf(error) === 'folder.unusable' && error.message.startsWith(`${to} can't be written: `),
        `${words[0]} ${to}`,
      )
    }
  // As a folder that is not empty is.
  for (const code of ['folder.unusable', 'export.folder']) assert.equal(exitOf(code), 2)
})

test('a full disk is told; an export that it broke off leaves nothing, so the next one may use the folder', async t => {
  const state = dirname(await manySegments(t, 2, 300))
  const disk = smallDisk(t, '2m')
  if (disk === null) return t.skip('no small disk can be mounted here')
  const say = (words: string[], values: Values = {}) => run(paperContext({ state }).context, words, values)
  const [tiles, archive] = [join(disk.at, 'tiles'), join(disk.at, 'archive')]
  disk.fill(8)
  await assert.rejects(say(['export', tiles]), { code: 'folder.full', hint: /make room/ })
  assert.deepEqual(existsSync(tiles) ? readdirSync(tiles) : [], [])
  disk.fill(0)
  for (const [words, values] of [
    [['archive', archive], {}],
    [['prune'], { archive, to: '9999' }],
  ] as [string[], Values][])
    await assert.rejects(say(words, values), { code: 'folder.full', message: `the disk that holds ${archive} is full` })
  disk.clear()
  assert.equal(await say(['export', tiles]), 0)
  assert.equal(await say(['archive', archive]), 0)
})

test('what is no file with receipts is not read', async t => {
  const state = dirname(await manySegments(t, 1))
  const pipe = join(folder(t), 'pipe')
  await once(spawn('mkfifo', [pipe]), 'exit')
  for (const path of [state, pipe, '/dev/zero'])
    await assert.rejects(run(paperContext({ state }).context, ['check', path], {}), {
      code: 'usage.path',
      message: new RegExp(`^${path} can't be read as receipts: `),
    })
})
