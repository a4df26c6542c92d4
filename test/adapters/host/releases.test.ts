import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { releasesTarget } from '../../../adapters/host/releases.ts'
import type { Target } from '../../../core/safeswitch/target.ts'
import { currentOf, folder, giveTo, makeReleases, mount, named, nobody, switchTo } from './releases-stand.ts'

/*
 * What is shown here, one test each:
 *  - look: newest first, at most 100, hidden and loose files left out; what runs, and since when
 *  - look: current missing, dangling, leading out of the target: null
 *  - resolve: a name, releases/name, an absolute path, a link to another release
 *  - resolve: whatever is no release of this target has a code of its own
 *  - activate: the pointer is relative, exact, moved once; strays are swept, others' files are left
 *  - activate: current missing or dangling is made; a folder or a file in its place is left alone
 *  - activate: no right to write, no inode left, a full disk: nothing half done
 *  - settle: says so when something else runs
 *  - the folder: links in the path, owners and rights that are not to be trusted
 * Beside it: releases-activation (the command), -hostile (an owner who swaps links), -injected (each call fails or is the
 * last), -power-cut.
 */
function make(t: TestContext, count = 2): { readonly path: string; readonly target: Target } {
  const path = makeReleases(join(folder(t), 'app'), count)
  return { path, target: releasesTarget({ name: 'app', path }) }
}

const mountTmpfs = (at: string, options: string): boolean => mount(at, '-t', 'tmpfs', '-o', options, 'heald-test')

test('look says what is there, newest first, what runs and since when', async t => {
  const { path, target } = make(t, 2)
  await sleep(20)
  mkdirSync(join(path, 'releases/0'))
  mkdirSync(join(path, 'releases/.partly'))
  writeFileSync(join(path, 'releases/notes'), '')
  const view = await target.look()
  const ages = view.generations.map(({ createdMs }) => createdMs)
  assert.deepEqual(
    ages,
    ages.toSorted((a, b) => b - a),
  )
  const names = view.generations.map(({ generation }) => generation)
  assert.deepEqual([names[0], names.toSorted()], ['0', ['0', '1', '2']])
  assert.equal(view.running?.path, join(path, 'releases/1'))
  assert.deepEqual(view.boot, view.running)
  assert.ok(Math.abs((view.movedMs ?? 0) - Date.now()) < 60_000)
})

test('look shows at most 100 generations', async t => {
  const { target } = make(t, 120)
  const { generations, running } = await target.look()
  assert.equal(generations.length, 100)
  assert.equal(named(running), '1')
})

test('a pointer that leads nowhere, or out of the target, is news and no error', async t => {
  const { path, target } = make(t)
  const current = join(path, 'current')
  for (const leadsTo of ['releases/9', '/', '..', 'releases', '../other/releases/1', 'releases/1/version', '']) {
    unlinkSync(current)
    if (leadsTo !== '') symlinkSync(leadsTo, current)
    assert.equal((await target.look()).running, null, leadsTo)
    if (leadsTo === '') symlinkSync('releases/1', current)
  }
  unlinkSync(current)
  symlinkSync(join(path, 'releases/2/'), current)
  assert.equal(named((await target.look()).running), '2', 'an absolute link is as good')
  symlinkSync('2', join(path, 'releases/stable'))
  symlinkSync('../releases/stable', join(path, 'releases/newest'))
  for (const leadsTo of ['releases/../releases/2', `../${basename(path)}/releases/2`, 'releases/newest']) {
    unlinkSync(current)
    symlinkSync(leadsTo, current)
    assert.equal(named((await target.look()).running), '2', `${leadsTo}, which deploy tools write`)
  }
})

test('resolve finds a name, a relative and an absolute path, and a link to another release', async t => {
  const { path, target } = make(t)
  symlinkSync('2', join(path, 'releases/latest'))
  symlinkSync('../releases/2', join(path, 'releases/newest'))
  for (const ref of ['2', 'releases/2', './releases/2/', join(path, 'releases/2'), 'latest', 'newest']) {
    const { generation, path: found } = await target.resolve(ref)
    assert.deepEqual([generation, found], ['2', join(path, 'releases/2')], ref)
  }
})

test('resolve refuses what is no release of this target, each with a code', async t => {
  const base = folder(t)
  const path = makeReleases(join(base, 'app'))
  const target = releasesTarget({ name: 'app', path, activate: ['./go', 'now'] })
  const releases = join(path, 'releases')
  for (const name of ['outside', 'loop', 'mounted', 'empty', 'file', 'wide', 'without', 'not-a-program'])
    if (name !== 'file' && name !== 'outside' && name !== 'loop') mkdirSync(join(releases, name))
  writeFileSync(join(releases, 'file'), '')
  writeFileSync(join(releases, 'without/other'), '')
  writeFileSync(join(releases, 'not-a-program/go'), '', { mode: 0o644 })
  writeFileSync(join(releases, 'wide/go'), '', { mode: 0o755 })
  chmodSync(join(releases, 'wide'), 0o777)
  symlinkSync(base, join(releases, 'outside'))
  symlinkSync('loop', join(releases, 'loop'))
  const expected: Record<string, string> = {
    ...{ '': 'outside', '.': 'outside', '..': 'outside', '../app': 'outside', 'releases/../../x': 'outside' },
    ...{ 'a\nb': 'outside', '\u001b[31m': 'outside', ['x'.repeat(256)]: 'outside', ['x'.repeat(255)]: 'missing' },
    ...{ 'a\0b': 'outside', '/etc': 'outside', [releases]: 'outside', [`${releases}/1/version`]: 'outside' },
    ...{ [`${path}x/releases/1`]: 'outside', outside: 'outside', loop: 'outside', '.hidden': 'outside' },
    ...{ missing: 'missing', file: 'file', empty: 'empty', wide: 'unsafe', without: 'incomplete' },
    ...{ 'not-a-program': 'incomplete' },
  }
  for (const [ref, code] of Object.entries(expected)) {
    await assert.rejects(target.resolve(ref), { code: `target.${code}`, name: 'Fault' }, JSON.stringify(ref))
  }
  if (!mountTmpfs(join(releases, 'mounted'), 'size=64k')) return t.skip('needs root and the right to mount a tmpfs')
  chmodSync(join(releases, 'mounted'), 0o755)
  await assert.rejects(target.resolve('mounted'), { code: 'target.filesystem' })
})

test('activate moves the pointer, exactly; a second time it changes nothing; strays are swept', async t => {
  const { path, target } = make(t)
  symlinkSync('releases/9', join(path, '.current.heald-new'))
  writeFileSync(join(path, '.current.heald-new.mine'), '')
  assert.deepEqual(await switchTo(target, '2'), { verdict: 'done', exitCode: null, why: '' })
  assert.equal(currentOf(path), 'releases/2')
  const before = lstatSync(join(path, 'current'))
  symlinkSync('releases/9', join(path, '.current.heald-new'))
  await switchTo(target, '2')
  assert.equal(lstatSync(join(path, 'current')).ino, before.ino)
  assert.deepEqual(readdirSync(path).toSorted(), ['.current.heald-new.mine', 'current', 'releases'])
  assert.equal(named((await target.look()).running), '2')
})

test('activate makes a pointer that is missing, and mends one that dangles or leads away', async t => {
  const { path, target } = make(t)
  unlinkSync(join(path, 'current'))
  await switchTo(target, '1')
  assert.equal(currentOf(path), 'releases/1')
  unlinkSync(join(path, 'current'))
  symlinkSync('/etc', join(path, 'current'))
  await switchTo(target, '2')
  assert.equal(currentOf(path), 'releases/2')
})

for (const what of ['folder', 'file'] as const) {
  test(`a ${what} in the pointer's place is left alone`, async t => {
    const { path, target } = make(t)
    unlinkSync(join(path, 'current'))
    if (what === 'folder') mkdirSync(join(path, 'current/data'), { recursive: true })
    else writeFileSync(join(path, 'current'), 'precious')
    await assert.rejects(switchTo(target, '2'), { code: 'target.pointer' })
    await assert.rejects(target.look(), { code: 'target.pointer' })
    assert.deepEqual(readdirSync(path).toSorted(), ['current', 'releases'])
    assert.equal(statSync(join(path, 'current')).isFile(), what === 'file')
  })
}

test('a folder under the name that heald makes its links by is left alone', async t => {
  const { path, target } = make(t)
  mkdirSync(join(path, '.current.heald-new'))
  await assert.rejects(switchTo(target, '2'), {
    code: 'target.pointer',
    message: /heald-new, where heald makes its links/,
  })
  assert.equal(currentOf(path), 'releases/1')
  assert.ok(statSync(join(path, '.current.heald-new')).isDirectory())
})

test('a target that is missing, a file, or has no releases: each with a code', async t => {
  const { path, target } = make(t)
  renameSync(join(path, 'releases'), join(path, 'elsewhere'))
  await assert.rejects(target.look(), { code: 'target.missing', message: `${path}/releases is not there` })
  rmSync(path, { recursive: true })
  await assert.rejects(target.look(), { code: 'target.missing' })
  writeFileSync(path, '')
  await assert.rejects(target.look(), { code: 'target.file' })
  for (const odd of ['app', './app', '/a/../b', '/a//b', '/a/'])
    assert.throws(() => releasesTarget({ name: 'app', path: odd }), { code: 'target.path' }, odd)
})

test('no right to write: a fault, and nothing is changed', async t => {
  const { path, target } = make(t)
  try {
    execFileSync('chattr', ['+i', path], { stdio: 'pipe' })
  } catch {
    return t.skip('needs root, and a file system with chattr +i')
  }
  try {
    await assert.rejects(switchTo(target, '2'), { code: 'target.denied' })
    assert.equal(currentOf(path), 'releases/1')
  } finally {
    execFileSync('chattr', ['-i', path])
  }
  await switchTo(target, '2')
})

for (const [what, options] of [
  ['blocks', 'size=64k,mode=755'],
  ['inodes', 'size=64k,nr_inodes=12,mode=755'],
] as const) {
  test(`a disk without ${what} left: the pointer is whole`, async t => {
    const path = join(folder(t), 'app')
    if (!mountTmpfs(path, options)) return t.skip('needs root and the right to mount a tmpfs')
    makeReleases(path)
    const target = releasesTarget({ name: 'app', path })
    try {
      for (let n = 0; ; n += 1) writeFileSync(join(path, `filler-${n}`), what === 'blocks' ? Buffer.alloc(4096) : '')
    } catch {
      // Full, as was wanted.
    }
    // A short link takes no block where the file system keeps it in its inode: then a rollback works on a full disk.
    if (what === 'blocks') await switchTo(target, '2')
    else await assert.rejects(switchTo(target, '2'), { code: 'target.full', retry: 5000 })
    assert.equal(currentOf(path), what === 'blocks' ? 'releases/2' : 'releases/1')
    rmSync(join(path, 'filler-0'))
    rmSync(join(path, 'filler-1'))
    await switchTo(target, '2')
    assert.equal(currentOf(path), 'releases/2')
    assert.ok(!readdirSync(path).some(name => name.startsWith('.')))
  })
}

for (const [script, words] of [
  ['echo "error syncing: Input/output error" >&2; exit 1', /Input\/output error/],
  ['exec sleep 10', /sync ended|over 300 ms/],
] as const) {
  test(`a release that can't be brought to disk is not pointed at: ${script}`, async t => {
    const { path, target } = make(t)
    const bin = join(path, '../bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'sync'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    const before = process.env.PATH
    process.env.PATH = `${bin}:${before}`
    try {
      await assert.rejects(switchTo(target, '2', 300), { code: 'target.flush', message: words })
    } finally {
      process.env.PATH = before
    }
    assert.equal(currentOf(path), 'releases/1')
    await switchTo(target, '2')
  })
}

test('settle is content with what runs, and says so when something else does', async t => {
  const { path, target } = make(t)
  await switchTo(target, '2')
  const [one, two] = [await target.resolve('1'), await target.resolve('2')]
  await target.settle(two, [two.path, one.path])
  await target.settle(two, [])
  await assert.rejects(target.settle(one, []), { code: 'target.moved' })
  assert.equal(currentOf(path), 'releases/2')
})

test('a link in the path, a stranger’s folder and one that others may write are refused', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const base = folder(t)
  const path = makeReleases(join(base, 'app'))
  const target = releasesTarget({ name: 'app', path })
  const refused = (code: string, of = target) => assert.rejects(of.look(), { code })
  symlinkSync(base, join(base, 'link'))
  await refused('target.link', releasesTarget({ name: 'app', path: join(base, 'link/app') }))
  const account = await nobody()
  const owned = releasesTarget({ name: 'app', path, owner: account })
  for (const one of [base, path, join(path, 'releases')]) {
    giveTo(account, one)
    await refused('target.unsafe')
    await owned.look()
    giveTo({ ...account, uid: 0, gid: 0 }, one)
    for (const mode of [0o777, 0o757]) {
      chmodSync(one, mode)
      await refused('target.unsafe')
      await refused('target.unsafe', owned)
    }
    giveTo({ ...account, uid: 0, gid: 4 }, one)
    chmodSync(one, 0o775)
    await refused('target.unsafe', owned)
    giveTo({ ...account, uid: 0 }, one)
    await owned.look()
    giveTo({ ...account, uid: 0, gid: 0 }, one)
    chmodSync(one, 0o755)
  }
  giveTo(account, join(path, 'releases/2'))
  await assert.rejects(target.resolve('2'), { code: 'target.unsafe' })
  // Like /tmp: nobody can move what is another's.
  chmodSync(base, 0o1777)
  await target.look()
  chmodSync(path, 0o1777)
  await refused('target.unsafe')
})
