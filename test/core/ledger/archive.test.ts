import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { archiveSegments } from '../../../core/ledger/archive.ts'
import { disk } from '../../../core/ledger/files.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { manySegments } from './many-segments.ts'
import { folder } from './stand.ts'

test('two that archive into one folder at the same time both make a good archive', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const [one, two] = await Promise.all([archiveSegments(to, segments), archiveSegments(to, segments)])
  assert.deepEqual(one, two)
  assert.deepEqual(await archiveSegments(to, segments), one, 'it reads back')
  assert.deepEqual(
    readdirSync(to).filter(name => name.endsWith('.tmp')),
    [],
  )
})

test('one that dies while another gives its file its name spoils nothing of it', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const [segment = assert.fail()] = segments
  const { rename } = disk
  let isFirst = true
  t.mock.method(disk, 'rename', async (from: string, name: string) => {
    if (isFirst) {
      isFirst = false
      // It has written some of it, and does not come to remove that.
      const removed = t.mock.method(disk, 'remove', () => Promise.reject(new Error('killed')))
      await assert.rejects(archiveSegments(to, [{ ...segment, validBytes: 100 }]))
      removed.mock.restore()
    }
    return rename(from, name)
  })
  const made = await archiveSegments(to, segments)
  assert.deepEqual(await archiveSegments(to, segments), made, 'what was told to be archived is there')
})

test('what a killed one left behind is removed once nobody can be writing it', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const name = `${segments[0]?.file.name}.jsonl.zst`
  const [old, older, young, others] = [
    `${name}.0a1b2c3d4e5f.tmp`,
    `${name}.tmp`,
    `${name}.00112233aabb.tmp`,
    'mine.tmp',
  ]
  const longAgo = new Date(Date.now() - 7_200_000)
  for (const each of [old, older, young, others]) writeFileSync(join(to, each), 'some of it')
  for (const each of [old, older, others]) utimesSync(join(to, each), longAgo, longAgo)
  await archiveSegments(to, segments)
  assert.deepEqual(
    [old, older, young, others].map(each => existsSync(join(to, each))),
    [false, false, true, true],
  )
})

test('a segment that was pruned before it could be archived is told as that', async t => {
  const dir = await manySegments(t, 1)
  const segments = sealedSegments(dir)
  rmSync(segments[0]?.file.path ?? '')
  await assert.rejects(archiveSegments(folder(t), segments), { code: 'ledger.pruned' })
})
