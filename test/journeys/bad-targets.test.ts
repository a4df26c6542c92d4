import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { GenerationStatus, Switched } from '../../core/api/switch-control.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, makeReleaseFolder } from './release-folder.ts'
import { makeStand, type Stand } from './stand.ts'

const isRoot = process.getuid?.() === 0
const NOBODY = 65_534

interface Refusal {
  readonly error: { readonly code: string; readonly message: string }
}

/** A folder of releases with `r1`, to be spoilt. */
function makePlace(stand: Stand, name: string): string {
  const path = join(stand.root, name)
  mkdirSync(join(path, 'releases/r1'), { recursive: true })
  writeFileSync(join(path, 'releases/r1/version'), '1')
  symlinkSync('releases/r1', join(path, 'current'))
  return path
}

function mountOn(stand: Stand, path: string, size = '1m'): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'heald-test', path], { stdio: 'pipe' })
  } catch {
    return false
  }
  stand.onEnd(() => execFileSync('umount', ['-l', path]))
  return true
}

test('whatever is wrong with a target: the daemon starts and heals, the status says why, and orders are refused', async t => {
  const stand = await makeStand(t)
  const spoilt: Record<string, { readonly path: string; readonly user?: string; readonly why: RegExp }> = {
    missing: { path: join(stand.root, 'missing'), why: /missing is not there/ },
    file: { path: join(stand.root, 'file'), why: /file is not a folder/ },
    bare: { path: join(stand.root, 'bare'), why: /bare\/releases is not there/ },
    dangling: { path: makePlace(stand, 'dangling'), why: /nothing runs: its pointer is missing, or leads to nothing/ },
    pointless: { path: makePlace(stand, 'pointless'), why: /nothing runs: its pointer is missing/ },
    outside: { path: makePlace(stand, 'outside'), why: /nothing runs/ },
    real: { path: makePlace(stand, 'real'), why: /real\/current is not a link/ },
    linked: { path: join(stand.root, 'linked'), why: /linked is a link, and could be made to lead anywhere/ },
    open: { path: makePlace(stand, 'open'), why: /open may be written by everybody/ },
  }
  const at = (name: string, file = '') => join(spoilt[name]?.path ?? assert.fail(), file)
  writeFileSync(at('file'), '')
  mkdirSync(at('bare'))
  rmSync(at('dangling', 'releases/r1'), { recursive: true })
  rmSync(at('pointless', 'current'))
  rmSync(at('outside', 'current'))
  symlinkSync('/etc', at('outside', 'current'))
  rmSync(at('real', 'current'))
  mkdirSync(at('real', 'current'))
  symlinkSync(makePlace(stand, 'behind'), at('linked'))
  chmodSync(at('open'), 0o777)
  if (isRoot) {
    spoilt.foreign = { path: makePlace(stand, 'foreign'), why: /foreign belongs to user 65534, who could change it/ }
    chownSync(at('foreign'), NOBODY, NOBODY)
    spoilt.nouser = {
      path: makePlace(stand, 'nouser'),
      user: 'no-such-user',
      why: /the user no-such-user does not exist/,
    }
    const path = makePlace(stand, 'mounted')
    if (mountOn(stand, join(path, 'releases')))
      spoilt.mounted = { path, why: /mounted\/releases is on another file system/ }
  }
  const targets = Object.entries(spoilt).map(([name, { path, user }]) => {
    return [name, { kind: 'releases', path, ...(user === undefined ? {} : { user }) }]
  })
  const names = Object.keys(spoilt)
  const service = (name: string) => [`web-${name}`, { run: ['sleep', '100000'], target: name }]
  stand.configure({
    services: { ...Object.fromEntries(names.map(service)), other: { run: ['sleep', '100000'] } },
    targets: Object.fromEntries(targets),
    switch: { probation: '200ms' },
  })
  const daemon = await stand.up()
  for (const name of ['other', ...names.map(each => `web-${each}`)]) {
    const before = (await stand.inState(name, 'ready')).pid ?? assert.fail()
    process.kill(before, 'SIGKILL')
    await stand.wait(`${name} is healed`, () => stand.processes(name).some(pid => pid !== before))
  }
  const shown = await stand.wait('all are looked at', async () => {
    const found = (await stand.status()).targets
    return found.every(({ why }) => why !== null) ? found : null
  })
  for (const { name, why, state, current, knownGood } of shown) {
    assert.match(why ?? '', spoilt[name]?.why ?? /^$/, name)
    assert.deepEqual([state, current, knownGood], ['idle', null, null], name)
    assert.match((await stand.cli('status')).stdout, new RegExp(name))
    // That nothing runs is told when it lasts.
    if (/^nothing runs/.test(why ?? '')) continue
    const told = await stand.wait(`${name} is told`, () => {
      const found = stand.of('target.trouble').filter(({ data }) => data.target === name)
      return found.length > 0 ? found : null
    })
    assert.deepEqual([told.length, told[0]?.data.why, told[0]?.data.place], [1, why, `releases ${spoilt[name]?.path}`])
  }
  for (const name of names) {
    const { code, stdout } = await stand.cli('deploy', name, 'r1', '--unchecked', '--json')
    // What has no pointer gets one: that is how a target begins.
    const isBeginning = name === 'pointless' || name === 'outside'
    // Of a target that is there this one release is not: that is a slip.
    assert.equal(code, isBeginning ? 0 : name === 'dangling' ? 2 : 3, `${name}: ${stdout}`)
    if (isBeginning) assert.equal((JSON.parse(stdout) as Switched).outcome, 'committed')
    else assert.match((JSON.parse(stdout) as Refusal).error.code, name === 'dangling' ? /^generation\./ : /^target\./)
  }
  assert.equal(daemon.child.exitCode, null)
  const listed = await stand.json<GenerationStatus[]>('generations')
  for (const name of ['pointless', 'outside'])
    assert.ok(listed.some(({ target, current }) => target === name && current))
  assert.equal((await stand.cli('generations', 'missing')).code, 3)
  await stand.verified()
  await stand.must('down')
})

test('a folder that appears later is taken up without a restart, and its service with it', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  const port = await freePort()
  stand.configure(configOf(folder, port))
  renameSync(folder.path, `${folder.path}-later`)
  await stand.up()
  const { targets } = await stand.status()
  assert.match(targets[0]?.why ?? '', /srv is not there/)
  await stand.inState('web', 'looping')
  mkdirSync(join(`${folder.path}-later`, 'releases'), { recursive: true })
  renameSync(`${folder.path}-later`, folder.path)
  folder.add('r1', 'well')
  folder.point('r1')
  const idle = await stand.wait('it is known to be good', () => isIdle(stand))
  assert.deepEqual([idle.current?.generation, idle.why], ['r1', null])
  await stand.inState('web', 'ready')
  folder.add('r2', 'well')
  await stand.must('deploy', 'app', 'r2')
  assert.equal((await stand.service('web')).generation, 'r2')
  await stand.verified()
})

test('a pointer that becomes a folder, and back: an entry each, in words, and none again after a restart', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  folder.add('r1', 'well')
  folder.point('r1')
  stand.configure(configOf(folder, await freePort()))
  const daemon = await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  const pointer = join(folder.path, 'current')
  rmSync(pointer)
  mkdirSync(pointer)
  await stand.wait('it is told', () => stand.of('target.trouble').length === 1)
  await daemon.kill()
  await stand.up()
  await stand.wait('it is looked at again', async () => (await stand.status()).targets[0]?.why)
  await stand.must('reload')
  const { stdout: trouble } = await stand.cli('ledger', 'list', '--kind', 'target')
  assert.match(trouble.replaceAll(/\s+/g, ' '), /app \(releases \S+\) is in trouble: \S+current is not a link/)
  rmSync(pointer, { recursive: true })
  folder.point('r1')
  await stand.wait('that is told as well', () => stand.of('target.clear').length === 1)
  assert.equal(stand.of('target.trouble').length, 1)
  assert.match((await stand.cli('ledger', 'list', '--kind', 'target')).stdout, /in order\s+again/)
  assert.deepEqual((await stand.status()).targets[0]?.why, null)
  await stand.verified()
})

test('a deploy of what is no whole release of the target is refused, in words, and nothing is touched', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  const activates = (release: string) => {
    const program = join(folder.add(release, 'well'), 'activate')
    writeFileSync(program, '#!/bin/sh\n')
    chmodSync(program, 0o755)
    return program
  }
  activates('r1')
  folder.point('r1')
  folder.add('lacks', 'well')
  chmodSync(activates('unrunnable'), 0o644)
  mkdirSync(join(folder.path, 'releases/empty'))
  writeFileSync(join(folder.path, 'releases/a-file'), '')
  symlinkSync('/etc', join(folder.path, 'releases/to-etc'))
  symlinkSync('nowhere', join(folder.path, 'releases/to-nowhere'))
  symlinkSync('circle', join(folder.path, 'releases/circle'))
  const port = await freePort()
  const config = configOf(folder, port)
  stand.configure({ ...config, targets: { app: { kind: 'releases', path: folder.path, activate: ['./activate'] } } })
  await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  const before = stand.entries().filter(({ kind }) => /^(switch|rollback|deadman)/.test(kind)).length
  const long = 'x'.repeat(4096)
  const refs: Record<string, RegExp> = {
    lacks: /lacks has no program \.\/activate/,
    unrunnable: /unrunnable has no program \.\/activate/,
    empty: /releases\/empty is empty/,
    'a-file': /a-file is not a folder/,
    'to-etc': /does not name a release of app/,
    'to-nowhere': /nowhere is not there/,
    circle: /does not name a release of app/,
    nothing: /releases\/nothing is not there/,
    '..': /./,
    '.': /./,
    '../..': /does not name a release of app/,
    'releases/../../etc': /does not name a release of app/,
    '/etc': /does not name a release of app/,
    '/': /does not name a release of app/,
    [`${folder.path}/releases`]: /does not name a release of app/,
    [`${folder.path}/releases/r1/../../../etc`]: /does not name a release of app/,
    'r1\nr2': /does not name a release of app|is not there/,
    '\u001b[31mr1': /is not there|does not name/,
    [long]: /does not name a release of app|too long/,
    [`/${'x/'.repeat(2000)}`]: /does not name a release of app/,
  }
  for (const [ref, words] of Object.entries(refs))
    for (const order of [
      ['deploy', 'app', ref],
      ['rollback', 'app', '--to', ref],
    ]) {
      const { code, stdout, stderr } = await stand.cli(...order, '--json')
      const about = `${order[0]} ${JSON.stringify(ref).slice(0, 60)}: exit code ${code}\n${stdout}${stderr}`
      assert.ok(code === 3 || code === 2, about)
      const { code: name, message } = (JSON.parse(stdout) as Refusal).error
      assert.match(name, /^(generation\.unknown|target\.(incomplete|empty|file)|usage\.)/, about)
      assert.match(message, words, about)
      assert.ok(message.length < 700 && !/[\n\u001b]/.test(message), about)
      const { stderr: plainly } = await stand.cli(...order)
      assert.ok(!plainly.includes('\u001b['), 'a terminal is told nothing by a name')
    }
  assert.equal(folder.current(), 'r1')
  const after = stand.entries().filter(({ kind }) => /^(switch|rollback|deadman)/.test(kind)).length
  assert.equal(after, before)
  await stand.verified()
})

test('an activation that hangs is ended in its time, and what was known to be good is led back to', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  for (const [release, script] of [
    ['r1', ''],
    ['r2', 'sleep 100000'],
    ['r3', 'exit 7'],
  ] as const)
    writeFileSync(join(folder.add(release, 'well'), 'activate'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  folder.point('r1')
  const config = configOf(folder, await freePort())
  const activation = { activate: ['./activate'], activationDeadline: '1s' }
  stand.configure({ ...config, targets: { app: { kind: 'releases', path: folder.path, ...activation } } })
  await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  for (const [release, why] of [
    ['r2', /its activation failed: .*(1 s|1000 ms|in time|deadline)/],
    ['r3', /its activation failed: .*7/],
  ] as const) {
    const { code, stdout } = await stand.cli('deploy', 'app', release, '--json')
    const { outcome, why: said, current } = JSON.parse(stdout) as Switched
    assert.deepEqual([code, outcome, current?.generation], [1, 'rolled back', 'r1'])
    assert.match(said ?? '', why)
  }
  assert.equal(folder.current(), 'r1')
  await stand.inState('web', 'ready')
  await stand.verified()
})

test('a release that is taken away while it runs: led back to the newest known-good one that is there', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  for (const release of ['r1', 'r2']) folder.add(release, 'well')
  folder.point('r1')
  stand.configure(configOf(folder, await freePort()))
  await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  await stand.must('deploy', 'app', 'r2')
  rmSync(join(folder.path, 'releases/r2'), { recursive: true })
  await stand.wait('it is led back', () => stand.of('rollback.verified').length === 1)
  assert.equal(folder.current(), 'r1')
  const [started] = stand.of('rollback.started')
  assert.deepEqual([started?.data.cause, started?.data.why], ['recovery', 'its pointer leads to nothing that is whole'])
  await stand.inState('web', 'ready')
  await stand.verified()
})
