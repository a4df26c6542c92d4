import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { releasesTarget } from '../../../adapters/host/releases.ts'
import { codeOf } from '../../../core/fault.ts'
import { has } from '../../core/ledger/stand.ts'
import { folder, giveTo, MOVER, makeReleases, nobody, ROOT } from './releases-stand.ts'

const SECONDS = Number(process.env.HEALD_SOAK_HOSTILE_SECONDS ?? 4)

/** Everything about a tree that a write in it would change, even one that was undone. */
function printOf(path: string): string {
  const { mode, uid, gid, ino, size, nlink, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true })
  const own = [path, mode, uid, gid, ino, size, nlink, mtimeNs, ctimeNs].join(' ')
  const isLink = lstatSync(path).isSymbolicLink()
  const inside = lstatSync(path).isDirectory() ? readdirSync(path).toSorted() : []
  return [isLink ? `${own} ${readlinkSync(path)}` : own, ...inside.map(name => printOf(join(path, name)))].join('\n')
}

async function attack(
  t: TestContext,
): Promise<{ readonly home: string; readonly outside: string; child: ChildProcess }> {
  let stop = async (): Promise<void> => {}
  // Before the folder's own hook: what is still being written can't be removed.
  t.after(() => stop())
  const base = folder(t)
  const [home, outside] = [join(base, 'home'), join(base, 'outside')]
  const account = await nobody()
  const app = makeReleases(join(home, 'app'))
  makeReleases(outside)
  writeFileSync(join(outside, 'secret'), 'kept')
  mkdirSync(join(outside, 'folder'))
  giveTo(account, home, app, join(app, 'releases'), join(app, 'releases/1'), join(app, 'releases/2'))
  const args = [join(ROOT, 'test/fixtures/swaps-links.py'), String(account.uid), home, outside]
  const child = spawn('python3', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  stop = async () => {
    child.kill('SIGKILL')
    await gone
  }
  assert.ok(child.stdout)
  await once(child.stdout, 'data')
  return { home, outside, child }
}

test('an owner who swaps links under our hands never gets anything done outside of its folder', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  if (!has('python3')) return t.skip('needs python3')
  const { home, outside, child } = await attack(t)
  const before = printOf(outside)
  const path = join(home, 'app')
  const counts: Record<string, number> = {}
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1
  }
  const owner = await nobody()
  const openFiles = readdirSync('/proc/self/fd').length
  const until = performance.now() + SECONDS * 1000
  // A target each time: what is known of a release is forgotten, so that all calls are made.
  for (let n = 0; performance.now() < until; n += 1) {
    const target = releasesTarget({ name: 'app', path, owner })
    const release = String((n % 2) + 1)
    const wanted = { generation: release, path: `${path}/releases/${release}`, createdMs: 0 }
    for (const act of [() => target.activate(wanted, 5000), () => target.look(), () => target.settle(wanted, [])]) {
      try {
        await act()
        count('done')
      } catch (error) {
        assert.match(codeOf(error), /^target\./, `${error}`)
        count(codeOf(error))
      }
    }
  }
  assert.equal(child.exitCode, null, 'it is still swapping')
  assert.equal(printOf(outside), before)
  assert.ok(readdirSync('/proc/self/fd').length <= openFiles + 2, 'what is opened is closed')
  t.diagnostic(`${SECONDS} s of swapping: ${JSON.stringify(counts)}`)
  assert.equal(counts['target.broken'], undefined, 'nothing is blamed on the disk')
  assert.ok((counts.done ?? 0) > 0, 'some moves got through')
  assert.ok(Object.keys(counts).length > 2, 'some were refused')
})

test('killed at any time while the owner swaps links: nothing is left outside', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  if (!has('python3')) return t.skip('needs python3')
  const { home, outside } = await attack(t)
  const before = printOf(outside)
  for (let n = 0; n < SECONDS; n += 1) {
    const mover = spawn(process.execPath, [MOVER, join(home, 'app'), '2', 'nobody'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const end = once(mover, 'exit')
    await once(mover.stdout, 'data')
    mover.stdin.write('\n')
    setTimeout(() => mover.kill('SIGKILL'), n % 15)
    await end
  }
  assert.equal(printOf(outside), before)
})
