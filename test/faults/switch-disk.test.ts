import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { freePort } from '../journeys/port.ts'
import { configOf, isIdle, type Manner, makeReleaseFolder } from '../journeys/release-folder.ts'
import { type ConfigInput, makeStand, type Stand } from '../journeys/stand.ts'

/*
 * The disk of the ledger is full, and the one of the releases is not. Nothing is switched that can't be recorded: services
 * are restarted, and the status says why nothing more is done.
 */

/** Belongs to no target, and may die as often as it likes. */
const NOISE = {
  run: ['sleep', '100000'],
  restart: { backoff: { base: '5ms', cap: '20ms', resetAfter: '100ms' } },
  crashLoop: { failures: 1000, within: '1s' },
}

/** A daemon whose state has a small disk of its own; null where that can't be had. */
async function makeSite(t: TestContext, releases: Record<string, Manner>, more: Partial<ConfigInput> = {}) {
  const stand = await makeStand(t)
  mkdirSync(stand.state, { mode: 0o700 })
  try {
    const words = ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'heald-test', stand.state]
    execFileSync('mount', words, { stdio: 'pipe' })
  } catch {
    return null
  }
  stand.onEnd(() => execFileSync('umount', ['-l', stand.state]))
  const folder = makeReleaseFolder(stand.root)
  for (const [name, manner] of Object.entries(releases)) folder.add(name, manner)
  folder.point('r1')
  const config = configOf(folder, await freePort(), more)
  stand.configure({ ...config, services: { ...config.services, noise: NOISE } })
  await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  const filler = join(stand.state, 'filler')
  return {
    ...{ stand, folder },
    fill: () => fill(stand.state, filler),
    /** Until the last room in the ledger's own file is used up too. */
    async fillAll() {
      fill(stand.state, filler)
      await stand.wait('nothing can be recorded', async () => {
        for (const pid of stand.processes('noise')) process.kill(pid, 'SIGKILL')
        return (await stand.status()).daemon.recording === 'degraded'
      })
    },
    free: () => rmSync(filler),
  }
}

/** Full to the last byte. */
function fill(folder: string, file: string): void {
  const room = statfsSync(folder)
  const block = Buffer.alloc(1 << 16, 120)
  for (let n = Number(room.bavail) * Number(room.bsize); n > -(1 << 20); n -= block.length) append(file, block)
  for (let n = 0; n < 1 << 12; n += 1) if (!append(file, Buffer.alloc(16))) return
}

function append(file: string, bytes: Buffer): boolean {
  try {
    writeFileSync(file, bytes, { flag: 'a' })
    return true
  } catch {
    return false
  }
}

const recordsAgain = (stand: Stand) =>
  stand.wait('it records again', async () => (await stand.status()).daemon.recording === 'ok')

test('while nothing can be recorded, no deploy and no rollback begins, and none begins afterwards by itself', async t => {
  const site = await makeSite(t, { r1: 'well', r2: 'well' })
  if (site === null) return t.skip('needs root and the right to mount a tmpfs')
  const { stand, folder } = site
  const before = stand.entries().filter(({ kind }) => /^(switch|rollback|deadman)\./.test(kind)).length
  await site.fillAll()
  for (const order of [
    ['deploy', 'app', 'r2'],
    ['rollback', 'app', '--to', 'r2'],
  ]) {
    const { code, stdout } = await stand.cli(...order, '--json')
    assert.equal(code, 3, stdout)
    assert.match(stdout, /ledger\.degraded/)
    const { stderr } = await stand.cli(...order)
    assert.match(stderr, /orders are refused while nothing can be recorded/)
  }
  assert.equal(folder.current(), 'r1')
  await stand.inState('web', 'ready')
  site.free()
  await recordsAgain(stand)
  const after = stand.entries().filter(({ kind }) => /^(switch|rollback|deadman)\./.test(kind)).length
  assert.equal(after, before)
  await stand.must('deploy', 'app', 'r2')
  await stand.verified()
})

test('a crash loop while nothing can be recorded: slow restarts, and the status says why it is not rolled back', async t => {
  const site = await makeSite(t, { r1: 'well', r2: 'breaks' })
  if (site === null) return t.skip('needs root and the right to mount a tmpfs')
  const { stand, folder } = site
  await stand.must('deploy', 'app', 'r2')
  await site.fillAll()
  writeFileSync(join(folder.path, 'releases/r2/broken'), '')
  const { why } = await stand.inState('web', 'looping')
  assert.match(
    why ?? '',
    /slow restarts go on; not rolled back: nothing can be recorded, and what is not recorded is not done/,
  )
  assert.equal(folder.current(), 'r2')
  assert.equal(stand.of('rollback.started').length, 0)
  rmSync(join(folder.path, 'releases/r2/broken'))
  site.free()
  await recordsAgain(stand)
  await stand.must('restart', 'web')
  await stand.verified()
})

for (const [release, ends] of [
  ['r2', ['r1', 'r2']],
  ['r3', ['r1']],
] as const) {
  test(`a switch to a ${release === 'r2' ? 'good' : 'bad'} release under way when the disk fills comes to a safe end`, async t => {
    const site = await makeSite(t, { r1: 'well', r2: 'well', r3: 'crashes' }, { switch: { probation: '2s' } })
    if (site === null) return t.skip('needs root and the right to mount a tmpfs')
    const { stand, folder } = site
    const deploy = stand.cli('deploy', 'app', release, '--json')
    await stand.wait('it is being switched', () => stand.of('switch.activating').length === 1)
    site.fill()
    const { code, stdout } = await deploy
    t.diagnostic(`exit code ${code}: ${stdout.trim().slice(0, 200)}`)
    site.free()
    await recordsAgain(stand)
    const idle = await stand.wait('it has ended', () => isIdle(stand), 120_000)
    assert.ok((ends as readonly string[]).includes(folder.current()), folder.current())
    assert.equal(idle.current?.generation, folder.current())
    await stand.inState('web', 'ready')
    assert.equal((await stand.service('web')).generation, folder.current())
    const last = stand
      .entries()
      .filter(({ kind }) => /^deadman\./.test(kind))
      .at(-1)
    assert.equal(last?.kind, 'deadman.disarmed')
    await stand.verified()
  })
}
