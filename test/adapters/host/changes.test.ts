import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { closureChanges, releaseChanges } from '../../../adapters/host/changes.ts'
import { nixIsMissing, nixStand } from './nix-stand.ts'
import { folder, giveTo, nobody } from './releases-stand.ts'

type Tree = Readonly<Record<string, string>>

/** Two releases with files of these texts; a text that begins with `→` is a link. */
function releases(t: TestContext, trees: { r1: Tree; r2: Tree }, at = folder(t)) {
  const [r1, r2] = (['r1', 'r2'] as const).map(name => {
    const path = join(at, name)
    for (const [file, text] of Object.entries(trees[name])) {
      mkdirSync(dirname(join(path, file)), { recursive: true })
      if (text.startsWith('→')) symlinkSync(text.slice(1), join(path, file))
      else writeFileSync(join(path, file), text)
    }
    return path
  })
  return { at, r1: r1 ?? '', r2: r2 ?? '' }
}

/** A folder for PATH with one program of these lines of shell. */
function program(t: TestContext, name: string, lines: string): string {
  const bin = folder(t)
  writeFileSync(join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${lines}\n`, { mode: 0o755 })
  return bin
}

test('two releases: what changed, and what only one of them has', async t => {
  const { r1, r2 } = releases(t, {
    r1: {
      'bin/server.js': 'one',
      'same.txt': 'x',
      'old.txt': '',
      'lib/gone/a': '',
      link: '→bin',
      kind: 'file',
      'a and b': '1',
    },
    r2: {
      'bin/server.js': 'two',
      'same.txt': 'x',
      'new.txt': '',
      'lib/more/b': '',
      link: '→lib',
      'kind/x': '',
      'a and b': '2',
    },
  })
  assert.deepEqual(await releaseChanges(null)(r1, r2), [
    'changed: a and b',
    'changed: bin/server.js',
    'changed: kind (regular file in r1, directory in r2)',
    'changed: link',
    'only in r1: lib/gone',
    'only in r1: old.txt',
    'only in r2: lib/more',
    'only in r2: new.txt',
  ])
  assert.deepEqual(await releaseChanges(null)(r1, r1), [])
})

test('links are compared, not followed', async t => {
  const { at, r1, r2 } = releases(t, {
    r1: { app: '1', alias: '→app', loop: '→.', out: '→../one' },
    r2: { app: '2', alias: '→app', loop: '→.', out: '→../two' },
  })
  for (const name of ['one', 'two']) mkdirSync(join(at, name))
  assert.deepEqual(await releaseChanges(null)(r1, r2), ['changed: app', 'changed: out'])
})

test('nothing is told of what is not there, and nothing rejects', async t => {
  const { at, r1 } = releases(t, { r1: { a: '' }, r2: {} })
  for (const [from, to] of [
    [r1, join(at, 'gone')],
    [join(at, 'gone'), r1],
    [join(at, 'gone'), join(at, 'gone')],
    [r1, `${r1}\0`],
    ['--help', '--help'],
    ['/nix/store/x', '/nix/store/x\0'],
  ] as const) {
    assert.deepEqual(await releaseChanges(null)(from, to), [], `${from} ${to}`)
    assert.deepEqual(await closureChanges()(from, to), [], `${from} ${to}`)
  }
  const env = { PATH: at }
  assert.deepEqual(await releaseChanges(null, { env })(r1, at), [], 'no diff on this PATH')
  assert.deepEqual(await closureChanges({ env })(r1, at), [], 'no Nix on this PATH')
  const builds = { PATH: program(t, 'nix', 'echo built') }
  assert.deepEqual(await closureChanges({ env: builds })(r1, at), [], 'Nix is not asked about what is not in its store')
})

test('hostile names stay one line each, harmless and short', async t => {
  const names = ['two\nlines', 'tw\nOnly in x: o', '\x1b[2J\x07', 'r2: a: b', 'x'.repeat(250), '\u2028', '--help', ' ']
  const both = Object.fromEntries(names.map(name => [`d/${name}`, 'one']))
  const changed = Object.fromEntries(names.map(name => [`d/${name}`, 'two']))
  const { r1, r2 } = releases(t, { r1: { ...both, 'mine\nonly': '' }, r2: changed })
  const lines = await releaseChanges(null)(r1, r2)
  assert.equal(lines.length, names.length + 1, lines.join('\n'))
  for (const line of lines) {
    assert.match(line, /^(changed|only in r1): [^\p{Cc}\p{Zl}\p{Zp}]+$/u)
    assert.ok(line.length <= 200)
  }
  for (const line of [
    'changed: d/two�lines',
    'changed: d/tw�Only in x: o',
    'changed: d/r2: a: b',
    'only in r1: mine�only',
  ])
    assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`)
})

test('one release named like the beginning of another', async t => {
  const at = folder(t)
  const { r1 } = releases(t, { r1: { a: '' }, r2: {} }, at)
  mkdirSync(join(at, 'r10'))
  writeFileSync(join(at, 'r10/c'), '')
  assert.deepEqual(await releaseChanges(null)(r1, join(at, 'r10')), ['only in r10: c', 'only in r1: a'])
})

test('a huge difference is bounded: forty lines, the last of them says how many more', async t => {
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`f${String(n).padStart(4, '0')}`, '']))
  const { r1, r2 } = releases(t, { r1: { a: '' }, r2: { a: '', ...many } })
  const lines = await releaseChanges(null)(r1, r2)
  assert.equal(lines.length, 40)
  assert.deepEqual([lines[0], lines[38], lines[39]], ['only in r2: f0000', 'only in r2: f0038', '… and 2961 more'])
})

test('a comparison that is cut off says so', async t => {
  const { r1, r2 } = releases(t, { r1: { a: '' }, r2: { a: '' } })
  const beginning = `printf 'Only in %s: one\\nOnly in %s: tw' "$4" "$5"`
  const slow = { PATH: program(t, 'diff', `${beginning}; exec sleep 60`) }
  const late = await releaseChanges(null, { env: slow, deadlineMs: 500 })(r1, r2)
  assert.deepEqual(late, ['only in r1: one', 'not all of it was compared: diff did not end within 500 ms'])
  const flood = { PATH: program(t, 'diff', `exec yes "Only in $4: x"`) }
  const lines = await releaseChanges(null, { env: flood })(r1, r2)
  assert.equal(lines.length, 40)
  assert.match(lines[39] ?? '', /^not all of it was compared: diff printed more than is read/)
  assert.match(lines[38] ?? '', /^… and \d{5,} more$/)
})

test('the releases are read as their owner: what only root may read is not compared', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const owner = await nobody()
  const trees = { r1: { app: '1', secret: '1', 'kept/x': '1' }, r2: { app: '2', secret: '2', 'kept/y': '2' } }
  const { at, r1, r2 } = releases(t, trees)
  for (const release of [r1, r2]) {
    giveTo(owner, release, join(release, 'app'))
    chmodSync(join(release, 'secret'), 0o600)
    chmodSync(join(release, 'kept'), 0o700)
  }
  const lines = await releaseChanges(owner)(r1, r2)
  assert.equal(lines[0], 'changed: app')
  assert.match(lines[1] ?? '', /^not all of it was compared: .*Permission denied$/)
  assert.equal(lines.length, 2, lines.join('\n'))
  assert.equal((await releaseChanges(null)(r1, r2)).length, 4, 'root itself sees them')
  // It runs with no more than the owner's rights and groups.
  const bin = program(t, 'diff', `id -u; id -G; grep CapEff /proc/self/status >> ${join(at, 'said')}; exit 2`)
  writeFileSync(join(at, 'said'), '', { mode: 0o666 })
  chmodSync(join(at, 'said'), 0o666)
  await releaseChanges(owner, { env: { PATH: `${bin}:${process.env.PATH}` } })(r1, r2)
  assert.match(readFileSync(join(at, 'said'), 'utf8'), /^CapEff:\s0+$/m)
})

test('two Nix generations: the versions of all that they need', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { env, path } = nixStand(t)
  const changes = closureChanges({ env })
  assert.deepEqual(await changes(path('good-1'), path('good-2')), ['good: 1 → 2', 'needed-by-good: 1 → 2'])
  assert.deepEqual(await changes(path('good-1'), path('good-1')), [])
  assert.deepEqual(await changes(path('good-1'), `${path('good-1')}-gone`), [])
})

test('without the new commands of Nix, and where they say nothing: by names', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { env, path, run } = nixStand(t)
  const bin = folder(t)
  const places = (process.env.PATH ?? '').split(':').map(at => join(at, 'nix-store'))
  symlinkSync(realpathSync(places.find(existsSync) ?? assert.fail()), join(bin, 'nix-store'))
  const old = { ...env, PATH: bin }
  const expected = ['added: extra', 'added: needed-by-extra', 'removed: good-1', 'removed: needed-by-good-1']
  assert.deepEqual(await closureChanges({ env: old })(path('good-1'), path('extra')), expected)
  const silent = { ...env, PATH: `${program(t, 'nix', 'exit 0')}:${bin}` }
  assert.deepEqual(await closureChanges({ env: silent })(path('good-1'), path('extra')), expected)

  const [one, two] = ['one', 'two'].map(text => {
    const file = join(folder(t), 'settings')
    writeFileSync(file, text)
    return run('nix-store', '--add', file).trim()
  })
  assert.deepEqual(await closureChanges({ env })(one ?? '', two ?? ''), ['changed: settings'], 'it has no version')
})
