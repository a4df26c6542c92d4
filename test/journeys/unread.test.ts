import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chownSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { cmdline } from './leftovers.ts'
import { FIXTURES, makeStand, type Stand } from './stand.ts'

/** A terminal takes some 10 KB, and what waits behind it 64 KiB: so many restarts of such a name print 200 KB. */
const RESTARTS = 1500
/** "nobody": neither root nor in the group of terminals. */
const OTHER = 65_534
const LOUD = `loud-${'o'.repeat(40)}`

test('a terminal that nobody reads holds up nothing, and says later what it missed', async t => {
  const stand = await makeStand(t)
  const terminal = unreadTerminal(t, stand)
  await stand.wait('more news than a terminal takes', () => stand.of('service.exited', LOUD).length > RESTARTS, 110_000)
  assert.equal(terminal.shown(), '')
  await isHealed(stand)
  await stand.must('stop', LOUD)

  terminal.read()
  await stand.wait('what was missed is told', () => / lines are left out here/.test(terminal.shown()))
  await stand.must('down')
  assert.equal(await terminal.ended, 0)
  await stand.verified()
})

test('so it is when the terminal belongs to another user', async t => {
  const other = await asOther(t)
  if (typeof other === 'string') return t.skip(other)
  const { stand, wrap } = other
  const terminal = unreadTerminal(t, stand, wrap)
  await stand.wait('more news than a terminal takes', () => stand.of('service.exited', LOUD).length > RESTARTS, 110_000)
  assert.equal(terminal.shown(), '')
  await isHealed(stand)
  terminal.read()
  await stand.wait('what was said is shown', () => terminal.shown().includes(LOUD))
  await stand.must('down')
  assert.equal(await terminal.ended, 0)
  assert.match(terminal.shown(), /heald: ended \(down/)
  await stand.verified()
})

test('and there the daemon ends although nobody reads, with what wrote for it', async t => {
  const other = await asOther(t)
  if (typeof other === 'string') return t.skip(other)
  const { stand, wrap } = other
  const terminal = unreadTerminal(t, stand, wrap)
  await stand.wait('more news than a terminal takes', () => stand.of('service.exited', LOUD).length > RESTARTS, 110_000)
  const { pid } = (await stand.status()).daemon
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number)
  const relays = children.filter(child => cmdline(child)[0] === 'cat')
  assert.equal(relays.length, 1, 'one for both outputs')
  process.kill(pid, 'SIGTERM')
  // A zombie, which it is until its terminal looks, has no command line.
  await stand.wait('its end', () => cmdline(pid).length === 0)
  assert.deepEqual(relays.flatMap(cmdline), [])
  terminal.leave()
  assert.equal(await terminal.ended, 0)
})

/** heald on a terminal that nobody reads, with a service that makes it talk and one that is calm. */
function unreadTerminal(t: TestContext, stand: Stand, wrap: readonly string[] = []) {
  stand.configure({
    services: {
      // Its words are long, so that the terminal is full soon.
      [LOUD]: { run: ['sh', '-c', `echo ${'x'.repeat(100)}; exit 1`], crashLoop: { failures: 1000 }, ...QUICK },
      calm: { run: ['sleep', '1000'] },
    },
  })
  const argv = [...wrap, ...stand.heald('up', '--config', stand.configPath)]
  const terminal = spawn('python3', [join(FIXTURES, 'reads-nothing.py'), ...argv], {
    cwd: stand.root,
    env: stand.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => terminal.stdin.end())
  let shown = ''
  terminal.stdout.setEncoding('utf8').on('data', chunk => {
    shown += chunk
  })
  return {
    ended: new Promise<number | null>(resolve => terminal.once('close', resolve)),
    shown: () => shown,
    read: () => void terminal.stdin.write('now\n'),
    leave: () => void terminal.stdin.end(),
  }
}

async function isHealed(stand: Stand): Promise<void> {
  const calm = await stand.onlyProcess('calm')
  process.kill(calm, 'SIGKILL')
  await stand.wait('calm is healed', () => stand.processes('calm').some(pid => pid !== calm))
}

/** A stand for another user than the one the terminal is made by, and how to become that user; or why there is none. */
async function asOther(t: TestContext): Promise<{ stand: Stand; wrap: readonly string[] } | string> {
  if (process.getuid?.() !== 0) return 'needs root, to become somebody else'
  const stand = await makeStand(t)
  chownSync(stand.root, OTHER, OTHER)
  const wrap = ['setpriv', `--reuid=${OTHER}`, `--regid=${OTHER}`, '--clear-groups', '--']
  const able = await stand.run([...wrap, ...stand.heald('--version')]).catch(() => null)
  return able?.code === 0 ? { stand, wrap } : 'needs setpriv, and a checkout that everybody may read'
}

const QUICK = { restart: { backoff: { base: '1ms', cap: '1ms' } } }
