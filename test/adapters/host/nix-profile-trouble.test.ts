import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type NixStand, nixIsMissing, nixStand, ROOT, refused } from './nix-stand.ts'

const DEADLINE_MS = 20_000

/** Holds a profile's lock as nix-env does, until it gets a line; then marks the file as given up, as nix-env does. */
async function holdLock(t: TestContext, file: string) {
  const hold = 'exec 9>>"$1"; flock 9; echo held; read -r x; echo d >&9'
  const child = spawn('sh', ['-c', hold, 'sh', file], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return {
    async free() {
      child.stdin.write('\n')
      await once(child, 'exit')
    },
  }
}

/** Puts a program before the real one on PATH; `$REAL` is the real one. */
function standIn(stand: NixStand, tool: string, script: string): Record<string, string> {
  const bin = join(stand.root, 'bin')
  mkdirSync(bin, { recursive: true })
  const real = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim()
  writeFileSync(join(bin, tool), `#!/bin/sh\nREAL=${real}\n${script}\n`, { mode: 0o755 })
  return { ...stand.env, PATH: `${bin}:${process.env.PATH}` }
}

test('a lock that others hold is waited for, but not for ever', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target({ limits: { lockMs: 300 } })
  const first = await target.resolve('1')
  const lock = `${stand.profile}.lock`
  const held = await holdLock(t, lock)
  const other = spawn('nix-env', ['-p', stand.profile, '-G', '2'], { env: { ...process.env, ...stand.env } })
  const busy = await target.activate(first, DEADLINE_MS)
  assert.deepEqual([busy.verdict, busy.exitCode], ['retry', null])
  assert.match(busy.why, /app\.lock/)
  assert.deepEqual([other.exitCode, stand.current(), stand.activated()], [null, 'good-3', []])

  // The lock is given up by removing its file, and others hold the new one before we get a word in.
  const patient = stand.target({ limits: { lockMs: 2000 } }).activate(first, DEADLINE_MS)
  await sleep(500)
  rmSync(lock)
  const next = await holdLock(t, lock)
  await held.free()
  assert.equal((await patient).verdict, 'retry', 'a lock on a removed file is none')
  rmSync(lock)
  await next.free()
  if (other.exitCode === null) await once(other, 'exit')
  assert.equal((await target.activate(first, DEADLINE_MS)).verdict, 'done')
  assert.equal(stand.current(), 'good-1')
})

test('what a kill left beside the profile is swept, and what a living Nix is making is not', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const alive = join(stand.root, 'nix-alive')
  copyFileSync('/bin/sleep', alive)
  const maker = spawn(alive, ['60'])
  t.after(() => maker.kill('SIGKILL'))
  await once(maker, 'spawn')
  while (!spawnSync('cat', [`/proc/${maker.pid}/comm`], { encoding: 'utf8' }).stdout.startsWith('nix')) await sleep(5)
  const strays = [`app-7-link.tmp-4194999-1804289383`, '.heald_app', `app-2-link.tmp-${maker.pid}-5`]
  for (const stray of strays) symlinkSync(stand.path('extra'), join(stand.folder, stray))
  symlinkSync(stand.path('extra'), join(stand.folder, 'app-x-7-link.tmp-4194999-1'))
  const target = stand.target()
  assert.equal((await target.look()).generations.length, 3)
  assert.equal((await target.activate(await target.resolve(stand.path('extra')), DEADLINE_MS)).verdict, 'done')
  assert.deepEqual(stand.links().sort(), [
    'app',
    'app-1-link',
    'app-2-link',
    `app-2-link.tmp-${maker.pid}-5`,
    'app-3-link',
    'app-4-link',
    'app-x-7-link.tmp-4194999-1',
  ])
})

test('a broken database and a full disk keep nobody from rolling back', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'heald-disk-')))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', root])
  if (mounted.status !== 0) {
    rmdirSync(root)
    return t.skip('needs root, to mount a small disk')
  }
  t.after(() => {
    spawnSync('umount', ['-l', root])
    rmdirSync(root)
  })
  const stand = nixStand(t, { root })
  const target = stand.target()
  const [extra, slow, first, second] = [
    await target.resolve(stand.path('extra')),
    await target.resolve(stand.path('slow')),
    await target.resolve('1'),
    await target.resolve('2'),
  ]
  await target.settle(await target.resolve('3'), [second.path])

  spawnSync('sh', ['-c', 'cat /dev/zero > "$1"', 'sh', join(root, 'filler')])
  assert.throws(() => appendFileSync(join(root, 'filler'), Buffer.alloc(65_536)), { code: 'ENOSPC' })
  assert.equal((await target.activate(second, DEADLINE_MS)).verdict, 'done')
  assert.equal(stand.current(), 'good-2')
  assert.equal((await target.activate(extra, DEADLINE_MS)).verdict, 'done')
  assert.equal((await target.look()).running?.path, extra.path)
  rmSync(join(root, 'filler'))

  const database = join(root, 'var/nix/db/db.sqlite')
  for (const end of ['', '-wal', '-shm']) rmSync(`${database}${end}`, { force: true })
  writeFileSync(database, 'no database '.repeat(500))
  assert.throws(() => stand.run('nix-env', '-p', stand.profile, '-G', '1'))
  assert.equal((await target.activate(first, DEADLINE_MS)).verdict, 'done')
  assert.equal(stand.current(), 'good-1')
  assert.equal((await target.activate(slow, DEADLINE_MS)).verdict, 'done')
  const { running } = await target.look()
  assert.deepEqual([running?.generation, running?.path], ['5', slow.path])
  await refused(target.resolve(stand.path('fails')), 'target.nix', /nix-store/)
  await refused(target.settle(slow, [slow.path]), 'target.nix')
  assert.ok(existsSync(join(root, 'heald/roots', second.path.slice(root.length + 7))), 'what was kept still is')
})

test('a nix-env that says yes and does nothing, or that hangs, is done without', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const idle = stand.target({ env: standIn(stand, 'nix-env', 'exit 0') })
  assert.equal((await idle.activate(await idle.resolve(stand.path('extra')), DEADLINE_MS)).verdict, 'done')
  assert.equal(stand.current(), 'extra')
  const started = performance.now()
  const hung = stand.target({
    env: standIn(stand, 'nix-env', 'exec sleep 60'),
    limits: { commandMs: 500, lockMs: 500 },
  })
  assert.equal((await hung.activate(await hung.resolve(stand.path('slow')), DEADLINE_MS)).verdict, 'done')
  assert.equal(stand.current(), 'slow')
  assert.ok(performance.now() - started < 30_000, 'it was not waited for')
})

test('a path is written to the disk before the profile leads to it, unless it was kept already', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const sound = stand.target()
  const [first, third] = [await sound.resolve('1'), await sound.resolve('3')]
  await sound.settle(third, [third.path])
  const broken = stand.target({ env: standIn(stand, 'sync', 'exit 5') })
  await refused(broken.activate(first, DEADLINE_MS), 'target.sync', /sync ended with exit code 5/)
  assert.equal(stand.current(), 'good-3')
  assert.equal((await sound.activate(first, DEADLINE_MS)).verdict, 'done')
  assert.equal((await broken.activate(third, DEADLINE_MS)).verdict, 'done')
  assert.equal(stand.current(), 'good-3')
})

test('a move that a dead daemon asked for never comes after a later one', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const slow = 'echo began >> "$ACTIVATED"; sleep 1; "$REAL" "$@"; echo ended >> "$ACTIVATED"'
  const options = { ...stand.options, env: standIn(stand, 'nix-env', slow) }
  const to = { generation: 'extra', path: stand.path('extra'), createdMs: 0 }
  const script = join(ROOT, 'test/fixtures/moves-a-profile.ts')
  const daemon = spawn(process.execPath, [script, JSON.stringify(options), JSON.stringify(to)], { stdio: 'ignore' })
  while (!stand.activated().includes('began')) await sleep(10)
  daemon.kill('SIGKILL')
  await once(daemon, 'exit')
  const target = stand.target()
  assert.equal((await target.activate(await target.resolve('1'), DEADLINE_MS)).verdict, 'done')
  while (!stand.activated().includes('ended')) await sleep(10)
  assert.equal(stand.current(), 'good-1')
})

test('moves at once, ours and of others, leave a whole profile and lose no generation', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const script = join(ROOT, 'test/fixtures/moves-a-profile.ts')
  const ours = ['extra', 'good-1', 'slow'].map(name => {
    const to = { generation: name, path: stand.path(name), createdMs: 0 }
    const options = { ...stand.options, activate: [] }
    return spawn(process.execPath, [script, JSON.stringify(options), JSON.stringify(to)], { stdio: 'ignore' })
  })
  const theirs = ['1', '2', '3', '1', '2'].map(number =>
    spawn('nix-env', ['-p', stand.profile, '-G', number], { env: { ...process.env, ...stand.env }, stdio: 'ignore' }),
  )
  await Promise.all([...ours, ...theirs].map(child => once(child, 'exit')))
  const { generations, running } = await stand.target().look()
  assert.ok(running)
  const paths = new Set(generations.map(({ path }) => path))
  for (const name of ['good-1', 'good-2', 'good-3', 'extra', 'slow']) assert.ok(paths.has(stand.path(name)), name)
  assert.deepEqual(stand.links().length, generations.length + 1, stand.links().join(' '))
})
