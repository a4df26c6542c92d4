import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { constants, zstdCompressSync } from 'node:zlib'
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
  const { link } = disk
  let isFirst = true
  t.mock.method(disk, 'link', async (from: string, name: string) => {
    if (isFirst) {
      isFirst = false
      // It has written some of it, and does not come to remove that.
      const removed = t.mock.method(disk, 'remove', () => Promise.reject(new Error('killed')))
      await assert.rejects(archiveSegments(to, [{ ...segment, validBytes: 100 }]))
      removed.mock.restore()
    }
    return link(from, name)
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

/** Does `work` when the first file of an archive is about to get its name, as another archiver might. */
function beforeTheName(t: TestContext, work: (path: string) => void): void {
  const { link } = disk
  const mocked = t.mock.method(disk, 'link', (from: string, path: string) => {
    mocked.mock.restore()
    work(path)
    return link(from, path)
  })
}

const noLinks = (t: TestContext) =>
  t.mock.method(disk, 'link', () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' })))

test('what got the name first stays: the same segment is as good, anything else is told', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const [segment = assert.fail()] = segments
  const bytes = readFileSync(segment.file.path).subarray(0, segment.validBytes)
  // Another version of the same library makes other bytes of it.
  const others = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } })
  beforeTheName(t, path => writeFileSync(path, others))
  const made = await archiveSegments(to, segments)
  const name = `${segment.file.name}.jsonl.zst`
  assert.ok(readFileSync(join(to, name)).equals(others))
  assert.equal(readFileSync(join(to, made.list), 'utf8'), `${hash('sha256', others, 'hex')}  ${name}\n`)

  const second = folder(t)
  beforeTheName(t, path => writeFileSync(path, 'somebody’s'))
  await assert.rejects(archiveSegments(second, segments), { code: 'archive.broken' })
  assert.equal(readFileSync(join(second, name), 'utf8'), 'somebody’s')
  assert.deepEqual(readdirSync(second), [name])
})

test('a list that says otherwise is not replaced', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const { list } = await archiveSegments(to, segments)
  for (const text of ['', 'x', `${readFileSync(join(to, list), 'utf8')}and more`]) {
    writeFileSync(join(to, list), text)
    await assert.rejects(archiveSegments(to, segments), (error: Error & { code?: string }) => {
      return error.code === 'archive.other' && error.message.includes(join(to, list))
    })
    assert.equal(readFileSync(join(to, list), 'utf8'), text)
  }
})

test('where a file can’t have two names, an archive is made all the same, and nothing is replaced', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const mocked = noLinks(t)
  const made = await archiveSegments(to, segments)
  assert.equal(readdirSync(to).length, 2)
  mocked.mock.restore()
  assert.deepEqual(await archiveSegments(to, segments), made)
  noLinks(t)
  writeFileSync(join(to, made.list), 'x')
  await assert.rejects(archiveSegments(to, segments), { code: 'archive.other' })
})

test('what can’t be removed hides no error, and ends no archive', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const [segment = assert.fail()] = segments
  // As another user’s file is in a folder where each may remove his own only.
  const left = join(to, `${segment.file.name}.jsonl.zst.0a1b2c3d4e5f.tmp`)
  mkdirSync(left)
  const longAgo = new Date(Date.now() - 7_200_000)
  utimesSync(left, longAgo, longAgo)
  const made = await archiveSegments(to, segments)
  assert.deepEqual(await archiveSegments(to, segments), made)
  t.mock.method(disk, 'remove', () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' })))
  const changed = { ...segment, sha256: 'ab'.repeat(32) }
  await assert.rejects(archiveSegments(folder(t), [changed]), { code: 'ledger.damaged' })
})

test('a pipe, or a small file that holds much, is no archived segment, and nobody waits for its end', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const path = join(to, `${segments[0]?.file.name}.jsonl.zst`)
  execFileSync('mkfifo', [path])
  await assert.rejects(archiveSegments(to, segments), { code: 'archive.broken' })
  rmSync(path)
  writeFileSync(path, zstdCompressSync(Buffer.alloc(64 * 1024 * 1024)))
  await assert.rejects(archiveSegments(to, segments), { code: 'archive.other' })
})

test('a file there already is no archive of a segment that is another, whatever the entry after it tells', async t => {
  const dir = await manySegments(t, 1)
  const [to, [segment = assert.fail()]] = [folder(t), sealedSegments(dir)]
  const forged = Buffer.from(readFileSync(segment.file.path, 'latin1').replace('"oom":false', '"oom":true '), 'latin1')
  writeFileSync(join(to, `${segment.file.name}.jsonl.zst`), zstdCompressSync(forged))
  const lied = { ...segment, sha256: hash('sha256', forged, 'hex'), validBytes: forged.length }
  await assert.rejects(archiveSegments(to, [lied]), { code: 'ledger.damaged' })
  const genuine = folder(t)
  await archiveSegments(genuine, [segment])
  rmSync(segment.file.path)
  await assert.rejects(
    archiveSegments(genuine, [segment]),
    { code: 'ledger.pruned' },
    'nothing is left to compare with',
  )
})

test('no file in an archive is read without end, whatever it holds', { timeout: 20_000 }, async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const path = join(to, `${segments[0]?.file.name}.jsonl.zst`)
  const list = join(to, `${segments[0]?.file.name}-${String(segments[0]?.end).padStart(12, '0')}.sha256`)
  const beginning = zstdCompressSync(readFileSync(segments[0]?.file.path ?? '')).subarray(0, 6)
  // To be passed over, by its own word: https://datatracker.ietf.org/doc/html/rfc8878#section-3.1.2
  const skipped = Buffer.from('502a4d18ffffff3f', 'hex')
  const hostile: [string, Buffer, number, string][] = [
    ['nonsense', Buffer.alloc(1_048_576, 'A'), 0, 'archive.broken'],
    ['an endless line', Buffer.alloc(0), 2 ** 40, 'archive.broken'],
    ['blocks with nothing in them', beginning, 2 ** 40, 'archive.other'],
    ['a frame to be passed over', skipped, 2 ** 30, 'archive.other'],
    ['much from little', zstdCompressSync(Buffer.alloc(256 * 1024 * 1024)), 0, 'archive.other'],
    ['nothing', Buffer.alloc(0), 0, 'archive.broken'],
  ]
  for (const [what, bytes, length, code] of hostile) {
    writeFileSync(path, bytes)
    if (length > 0) truncateSync(path, length)
    await assert.rejects(archiveSegments(to, segments), { code }, what)
    rmSync(path)
    writeFileSync(list, bytes)
    if (length > 0) truncateSync(list, length)
    await assert.rejects(archiveSegments(to, segments), { code: 'archive.other' }, `${what}, as the list`)
    rmSync(list)
  }
  symlinkSync('/dev/zero', list)
  await assert.rejects(archiveSegments(to, segments), { code: 'archive.other' })
  rmSync(path)
  symlinkSync('/dev/zero', path)
  await assert.rejects(archiveSegments(to, segments), { code: 'archive.broken' })
})

test('a link in an archive that leads nowhere ends no archive', async t => {
  const dir = await manySegments(t, 1)
  const [to, segments] = [folder(t), sealedSegments(dir)]
  const left = join(to, `${segments[0]?.file.name}.jsonl.zst.tmp`)
  symlinkSync(left, left)
  await archiveSegments(to, segments)
})

test('an entry that tells of a size that no segment has is no word on it', async t => {
  const dir = await manySegments(t, 1)
  const [segment = assert.fail()] = sealedSegments(dir)
  const path = join(dir, 'seg', `${String(segment.end).padStart(12, '0')}.jsonl`)
  const [line = '', ...others] = readFileSync(path, 'utf8').split('\n')
  for (const size of ['0', '-1', '0.5', '1e15', '1e999']) {
    const body = line.slice(0, -72).replace(/"validBytes":\d+/, `"validBytes":${size}`)
    const forged = `${body},"h":"${hash('sha256', body, 'hex')}"}`
    writeFileSync(path, [forged, ...others].join('\n'))
    assert.throws(() => sealedSegments(dir), { code: 'ledger.damaged' }, size)
  }
})
