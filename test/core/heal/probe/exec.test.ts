import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { runCheck } from '../../../../core/heal/probe/run.ts'
import type { Surroundings } from '../../../../core/heal/probe/verdict.ts'

const LONG_MS = 20_000

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'heald-exec-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}
function run(argv: string[], surroundings: Surroundings, timeoutMs = LONG_MS, signal = new AbortController().signal) {
  return runCheck({ kind: 'exec', argv }, timeoutMs, signal, surroundings)
}
const sh = (script: string) => ['sh', '-c', script]

/** Resolves once `pid` is gone or waits for its parent (a zombie). */
async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 2000; tries += 1) {
    let stat: string
    try {
      stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    } catch {
      return
    }
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.fail(`process ${pid} still runs`)
}

test('exit code 0 passes, another fails with what it said, in one short line', async t => {
  const cwd = folder(t)
  assert.deepEqual((await run(['true'], { cwd })).verdict, 'pass')
  const { verdict, error } = await run(sh('echo "queue is\tstuck" >&2; printf "\\033[31mred\\n"; exit 3'), { cwd })
  assert.equal(verdict, 'fail')
  assert.match(error ?? '', /^sh ended with exit code 3: (queue is stuck red|red queue is stuck)$/)
  assert.equal((await run(['false'], { cwd })).error, 'false ended with exit code 1')
  assert.equal((await run(sh('kill -9 $$'), { cwd })).error, 'sh was killed by SIGKILL')
})

test('it runs in the folder of the service with nothing of this environment but PATH, HOME and LANG', async t => {
  const cwd = folder(t)
  process.env.HEALD_TEST_SECRET = 'hidden'
  t.after(() => delete process.env.HEALD_TEST_SECRET)
  assert.equal((await run(sh('pwd > where; env > env'), { cwd })).verdict, 'pass')
  assert.equal(readFileSync(join(cwd, 'where'), 'utf8').trim(), cwd)
  const names = readFileSync(join(cwd, 'env'), 'utf8')
    .split('\n')
    .map(line => line.split('=')[0] ?? '')
  // What a shell sets by itself.
  const own = ['', '_', 'PWD', 'OLDPWD', 'SHLVL']
  assert.deepEqual(names.filter(name => !own.includes(name)).sort(), ['HOME', 'LANG', 'PATH'])
})

test('a check that does not end fails at the deadline and leaves nothing behind', async t => {
  const cwd = folder(t)
  const script = 'sleep 600 & echo $! > child; echo $$ > own; trap "" TERM; while :; do sleep 600; done'
  const asked = run(sh(script), { cwd }, 1500)
  const { verdict, error } = await asked
  assert.deepEqual([verdict, error], ['fail', 'sh did not end within 1500 ms'])
  assert(existsSync(join(cwd, 'own')), 'it had started')
  for (const file of ['own', 'child']) await gone(Number(readFileSync(join(cwd, file), 'utf8')))
})

test('a child that it leaves in the background neither delays the verdict nor stays', async t => {
  const cwd = folder(t)
  for (const code of [0, 1]) {
    const { verdict, tookMs } = await run(sh(`sleep 600 & echo $! > child; exit ${code}`), { cwd })
    assert.equal(verdict, code === 0 ? 'pass' : 'fail')
    assert(tookMs < LONG_MS / 2)
    await gone(Number(readFileSync(join(cwd, 'child'), 'utf8')))
  }
})

test('a flood of output is read and dropped', async t => {
  const { verdict, error } = await run(sh('head -c 5000000 /dev/zero | tr "\\0" x; exit 1'), { cwd: folder(t) })
  assert.equal(verdict, 'fail')
  assert.equal([...(error ?? '')].length, 200)
})

test('a program that cannot be started says nothing about the service', async t => {
  const cwd = folder(t)
  writeFileSync(join(cwd, 'plain'), 'text', { mode: 0o644 })
  const missing = await run(['/no/such/program'], { cwd })
  assert.deepEqual(
    [missing.verdict, missing.error],
    ['inconclusive', `/no/such/program could not be started in ${cwd} (ENOENT)`],
  )
  assert.equal((await run([join(cwd, 'plain')], { cwd })).verdict, 'inconclusive')
  assert.equal((await run(['true'], { cwd: join(cwd, 'nowhere') })).verdict, 'inconclusive')
  assert.equal((await run([], { cwd })).verdict, 'inconclusive')
})

test('called off: inconclusive at once, and the program is killed', async t => {
  const cwd = folder(t)
  const stop = new AbortController()
  const asked = run(sh('echo $$ > own.tmp; mv own.tmp own; exec sleep 600'), { cwd }, LONG_MS, stop.signal)
  while (!existsSync(join(cwd, 'own'))) await new Promise(resolve => setTimeout(resolve, 5))
  stop.abort()
  assert.equal((await asked).verdict, 'inconclusive')
  await gone(Number(readFileSync(join(cwd, 'own'), 'utf8')))
})

test('as the account of the service', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { verdict, error } = await run(sh('echo "$(id -u):$(id -g):$(id -G):$HOME"; exit 1'), {
    cwd: '/',
    account: { uid: 65_534, gid: 65_534, home: '/nonexistent' },
  })
  assert.deepEqual([verdict, error], ['fail', 'sh ended with exit code 1: 65534:65534:65534:/nonexistent'])
})
