import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { version } from '../../core/cli/version.ts'
import { exit, folder, opened } from '../core/ledger/stand.ts'
import { makeChats } from '../journeys/chats.ts'
import { install, nodeOf, OLDEST, pack, ROOT, temporary } from './installed.ts'

// What people install: the tarball of `npm pack`, in a folder that has nothing of the clone.

type Installed = ReturnType<typeof install>
let packed: ReturnType<typeof pack>
let installed: Installed

before(t => {
  packed = pack(t as TestContext)
  installed = install(t as TestContext, packed.tarball)
})

test('the package is small, and has only what runs and what is read', t => {
  const { size, unpackedSize, files } = packed
  t.diagnostic(
    `${Math.round(size / 1000)} kB packed, ${Math.round(unpackedSize / 1000)} kB unpacked, ${files.length} files`,
  )
  assert.ok(size < 650_000, `${size} bytes`)
  const odd = files.filter(
    ({ path }) =>
      !/^(dist\/(heald\.js|heald\.1|(core|bot|adapters)\/[\w/.-]+\.(js|d\.ts))|heald\.js|package\.json|LICENSE|(docs\/)?[\w-]+\.md)$/.test(
        path,
      ),
  )
  assert.deepEqual(odd, [])
  const sources = [...globSync('{core,bot,adapters}/**/*.{ts,js}', { cwd: ROOT }), 'heald.ts']
  const built = new Set(files.map(({ path }) => path))
  assert.deepEqual(
    sources.map(path => `dist/${path.replace(/ts$/, 'js')}`).filter(path => !built.has(path)),
    [],
  )
  assert.ok(!readdirSync(installed.modules).some(name => name.startsWith('node-linux') || name.startsWith('heald-')))
})

test('everybody may read what is packed, whoever packs it', () => {
  const odd = packed.files.filter(
    ({ path, mode }) => (mode & 0o777) !== (/(^|\/)heald\.js$/.test(path) ? 0o755 : 0o644),
  )
  assert.deepEqual(odd, [])
})

test('what the build starts by its file name is there', () => {
  const dist = join(installed.modules, 'heald/dist')
  let found = 0
  for (const file of globSync('**/*.js', { cwd: dist })) {
    const text = readFileSync(join(dist, file), 'utf8')
    for (const [, name = ''] of text.matchAll(/'\.?\/?([\w-]+)\.ts'/g)) {
      found++
      assert.match(text, new RegExp(`'(\\./)?${name}\\.js'`), `${file} names ${name}.ts alone`)
      assert.ok(existsSync(join(dist, dirname(file), `${name}.js`)), `${file} starts ${name}.js`)
    }
  }
  for (const file of globSync('**/*.js', { cwd: dist })) {
    const text = readFileSync(join(dist, file), 'utf8')
    for (const [, name = ''] of text.matchAll(/`([\w-]+)\.\$\{ending\}`/g)) {
      found++
      assert.ok(existsSync(join(dist, dirname(file), `${name}.js`)), `${file} starts ${name}.js`)
    }
  }
  assert.ok(found >= 4)
})

test('what is installed as a unit starts by the front door, and names the manual beside it', async () => {
  const { planInstall } = await import(join(installed.modules, 'heald/dist/core/install/plan.js'))
  const { program } = planInstall({ notice: { channels: [] }, bot: { run: 'child' } }, '/etc/heald/heald.yaml', 255)
  assert.deepEqual(program, [process.execPath, installed.front])
  assert.ok(existsSync(join(dirname(installed.front), 'docs/units.md')))
})

for (const wanted of [process.versions.node, OLDEST]) {
  const oldOrOwn = () => (wanted === process.versions.node ? process.execPath : nodeOf(wanted))

  test(`on Node ${wanted} it says who it is, shows the tour to its end, and verifies the ledger of it`, async t => {
    const node = oldOrOwn()
    if (node === null) return t.skip(`needs Node ${wanted} from the npm registry`)
    const root = temporary(t)
    const env = { PATH: `${dirname(node)}:/usr/bin:/bin`, HOME: root, LANG: 'C.UTF-8' }
    const heald = (...words: string[]) =>
      spawnSync(installed.bin, words, { cwd: root, env, encoding: 'utf8', timeout: 110_000 })
    const told = heald('--version')
    assert.deepEqual([told.status, told.stdout, told.stderr], [0, `heald ${version()}\n`, ''])
    const help = heald('help')
    assert.deepEqual([help.status, help.stderr], [0, ''])
    assert.match(help.stdout, /Usage: heald SUBCOMMAND/)
    assert.match(heald('completion', 'bash').stdout, /complete -F _heald heald/)
    assert.match(heald('fakes').stderr, /in a clone of heald only/)

    const tour = heald('up', '--once', '--state', join(root, 'state'))
    assert.equal(tour.status, 0, `${tour.stdout}\n${tour.stderr}`)
    assert.match(tour.stdout, /rolled back to r1/)
    assert.match(tour.stdout, /entries, one unbroken chain/)
    assert.doesNotMatch(tour.stdout, /npx heald/)
    assert.equal(tour.stderr, '')
    const verified = heald('ledger', 'verify', join(root, 'state/tour/ledger'), '--json')
    assert.equal(verified.status, 0, verified.stdout)
    assert.equal((JSON.parse(verified.stdout) as { ok: boolean }).ok, true)
    assert.equal(heald('ledger', 'list', '--limit', '500', '--state', join(root, 'state/tour')).stderr, '')
  })

  test(`on Node ${wanted} it heals, and its bot tells it on every platform with the SDKs it was installed with`, async t => {
    const node = oldOrOwn()
    if (node === null) return t.skip(`needs Node ${wanted} from the npm registry`)
    const chats = await makeChats(t, { node, front: installed.front })
    chats.configure({ services: { agent: { run: ['sleep', '1000'] } } })
    await chats.up()
    process.kill(await chats.stand.onlyProcess('agent'), 'SIGKILL')
    await chats.everywhere('the end', texts => texts.some(text => text.includes('Resolved') && text.includes('agent')))
    await chats.stand.must('reload')
    await chats.stand.must('down')
  })

  test(`on Node ${wanted} programs import heald/verifier, which follows several segments in threads`, async t => {
    const node = oldOrOwn()
    if (node === null) return t.skip(`needs Node ${wanted} from the npm registry`)
    const dir = join(folder(t), 'ledger')
    const ledger = await opened(t, dir)
    for (let n = 0; n < 70_000; n += 1000) {
      // Of a kind that is waited for: else what is too much at once would be left out, and a gap recorded.
      await Promise.all(
        Array.from({ length: 1000 }, (_, at) => ledger.append(exit(n + at, { kind: 'daemon.stopped' }))),
      )
    }
    await ledger.close(10_000)
    assert.ok(readdirSync(join(dir, 'seg')).filter(name => name.endsWith('.jsonl')).length >= 2)
    const program = join(installed.folder, 'judge.mjs')
    writeFileSync(
      program,
      `import { verifyLedger, parseVkey } from 'heald/verifier'
const { ok, size, firstBad } = await verifyLedger(process.argv[2], { workers: 2 })
console.log(JSON.stringify({ ok, size: size > 70_000, firstBad, parse: typeof parseVkey }))\n`,
    )
    const judge = () => spawnSync(node, [program, dir], { encoding: 'utf8', timeout: 60_000 })
    const good = judge()
    assert.equal(good.stdout, '{"ok":true,"size":true,"firstBad":null,"parse":"function"}\n', good.stderr)
  })
}

test('the verifier has types for programs in TypeScript', () => {
  const program = join(installed.folder, 'judge.mts')
  writeFileSync(
    program,
    `import { type Verdict, verifyLedger } from 'heald/verifier'
const verdict: Verdict = await verifyLedger('ledger', { workers: 2 })
// @ts-${'expect'}-error: a folder is a path
await verifyLedger(7)
export const size: number = verdict.size\n`,
  )
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--skipLibCheck',
    'false',
    '--types',
    'node',
  ]
  const types = ['--typeRoots', join(ROOT, 'node_modules/@types')]
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, ...types, program], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

test('an older Node is told what is missing', async t => {
  const old = ['/usr/local/bin/node', '/usr/bin/node'].find(
    node =>
      existsSync(node) && Number(/^v(\d+)/.exec(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout)?.[1]) < 22,
  )
  if (old === undefined) return t.skip('needs a Node older than 22 beside the one in use')
  const { status, stderr } = spawnSync(old, [installed.front, 'status'], { encoding: 'utf8' })
  assert.equal(status, 2)
  assert.match(stderr, /needs Node 22\.18 or newer/)
})
