import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { has, nixIsMissing, nixStand, ROOT } from '../adapters/host/nix-stand.ts'
import { folder, mount, mountedImage, unmount } from '../adapters/host/releases-stand.ts'
import { makeStrike, strikeIsMissing } from './switch-strike.ts'

/*
 * The power goes at some call of a switch to a path that was built just before. Store, profile and heald's folder are on
 * an image file; what had reached it at that moment is what a copy of the file holds. The kernel writes nothing there by
 * itself meanwhile (commit=300), so that what nobody has asked to be durable is lost for certain.
 */
const SIZE = 100_000

async function cutPower(t: TestContext, isSystem: boolean): Promise<void> {
  const missing = nixIsMissing() ?? strikeIsMissing() ?? (has('mkfs.ext4') ? null : 'needs mkfs.ext4')
  if (missing !== null) return t.skip(missing)
  const base = folder(t)
  const mounted = mountedImage(base, 48 * 1024 * 1024)
  if (mounted === null) return t.skip('needs root and loop devices')
  const { image, disk } = mounted
  const root = join(disk, 'nix')
  mkdirSync(root)
  const { env, profile, path, run } = nixStand(t, { systems: isSystem, root })
  const pointers = isSystem ? [profile, join(root, 'boot-default')] : [profile]
  const stateDir = join(root, 'heald')
  const options = { name: 'app', profile, stateDir, env }
  const given = isSystem ? { ...options, running: join(root, 'run/current-system') } : { ...options, activate: [] }
  const counted = [dirname(profile), stateDir, join(root, 'run'), join(root, 'boot-'), join(root, 'var/nix/gcroots')]
  const strike = makeStrike(base, process.env.PATH ?? '', counted)
  const script = isSystem ? readFileSync(join(path('good-1'), 'bin/switch-to-configuration'), 'utf8') : ''
  execFileSync('sync', ['-f', disk])

  /** A path of the store that nobody has asked to be durable. */
  function build(name: string): string {
    const made = join(base, name)
    mkdirSync(join(made, 'bin'), { recursive: true })
    writeFileSync(join(made, 'big'), 'x'.repeat(SIZE))
    const own = script.replaceAll(path('good-1'), '$(pwd -P)')
    writeFileSync(join(made, 'bin/switch-to-configuration'), own, { mode: 0o755 })
    return run('nix-store', '--add', made).trim()
  }

  /** Switches to what was just built, and gives what the disk holds then: where each pointer leads. */
  async function cut(name: string, at: number) {
    const to = build(name)
    const generation = { generation: basename(to), path: to, createdMs: 0 }
    const mover = join(ROOT, 'test/fixtures/moves-a-profile.ts')
    const child = spawn(process.execPath, [mover, JSON.stringify(given), JSON.stringify(generation)], {
      env: { ...strike.env, UV_THREADPOOL_SIZE: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    strike.arm(child.pid ?? assert.fail(), { at, isWhole: true })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await once(child, 'close')
    copyFileSync(image, join(base, 'copy'))
    strike.disarm()
    const after = join(base, 'after')
    assert.ok(mount(after, '-o', 'loop', join(base, 'copy')))
    try {
      const led = pointers.map(pointer => leadsTo(pointer, disk, after))
      for (const each of led) assertWhole(each, each.replace(disk, after), `${name}, ${at}: ${strike.calls()[at - 1]}`)
      return { to, led, isDone: said === 'done \nsettled\n', isStruck: child.signalCode === 'SIGKILL' }
    } finally {
      unmount(after)
      rmSync(join(base, 'copy'))
    }
  }

  const whole = await cut('whole', 0)
  assert.ok(whole.isDone)
  assert.equal(whole.led[0], whole.to, 'what was done is done')
  const calls = strike.calls()
  for (const call of ['symlink', 'rename', 'fsync'])
    assert.ok(
      calls.some(each => each.includes(call)),
      calls.join('\n'),
    )
  const seen = { old: 0, new: 0, struck: 0 }
  let last: readonly string[] = whole.led
  for (let at = 1; at <= calls.length; at += 1) {
    const before = run('readlink', '-f', profile).trim()
    const { to, led, isDone, isStruck } = await cut(`new-${at}`, at)
    const may = [to, before, ...last]
    for (const each of led) assert.ok(may.includes(each), `${at}: ${each} is none of ${may}`)
    if (isDone) assert.equal(led[0], to)
    if (isStruck) seen.struck += 1
    seen[led[0] === to ? 'new' : 'old'] += 1
    last = [...led, to]
  }
  assert.ok(seen.struck * 5 >= calls.length * 4, JSON.stringify(seen))
  t.diagnostic(`${calls.length} cuts: ${JSON.stringify(seen)}`)
}

/** Follows links as they stand on the copy of the disk, in the paths of the disk itself. */
function leadsTo(link: string, disk: string, copy: string): string {
  let at = link
  for (let links = 0; links < 5; links += 1) {
    try {
      at = resolve(dirname(at), readlinkSync(at.replace(disk, copy)))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EINVAL') return at
      throw error
    }
  }
  return at
}

/** Nix calls it valid, and so do its users. */
function assertWhole(path: string, onCopy: string, what: string): void {
  assert.ok(readdirSync(onCopy).length > 0, `${what}: ${path} is empty`)
  if (/-(whole|new-\d+)$/.test(path)) assert.equal(statSync(join(onCopy, 'big')).size, SIZE, `${what}: ${path}`)
  if (/-(whole|new-\d+)$/.test(path)) assert.equal(readFileSync(join(onCopy, 'big'), 'utf8'), 'x'.repeat(SIZE), what)
}

test('nix-profile: after a power cut the profile leads to something whole', t => cutPower(t, false))
test('nixos: after a power cut a reboot leads to something whole', t => cutPower(t, true))
