import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** As the system's own tool does it, with a group that this account has beside its first. */
const nobody = {
  become: ['setpriv', '--reuid=65534', '--regid=65534', '--groups=65534,60', '--'],
  home: '/nonexistent',
}

/** A folder that everybody may enter. */
function openFolder(t: TestContext): string {
  const cwd = folder(t)
  chmodSync(cwd, 0o755)
  return cwd
}

test('as the user of the service, with all of its groups and no more variables', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const cwd = openFolder(t)
  const { verdict, error } = await run(sh('echo "$(id -u):$(id -g):$(id -G):$HOME:$(pwd)"; exit 1'), {
    cwd,
    account: nobody,
  })
  assert.equal(verdict, 'fail')
  assert.equal(error, `sh ended with exit code 1: 65534:65534:65534 60:/nonexistent:${cwd}`)
  const names = await run(sh("tr '\\0' '\\n' < /proc/$$/environ | cut -d= -f1 | sort; exit 1"), {
    cwd,
    account: nobody,
  })
  assert.match(names.error ?? '', /: HOME LANG PATH( SHLVL)?( _)?$/)
})

test('as another user: what cannot be started is told from an exit with the same code', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const cwd = openFolder(t)
  const asNobody = { cwd, account: nobody }
  assert.equal((await run(['true'], asNobody)).verdict, 'pass')
  for (const code of [1, 125, 126, 127]) {
    const { verdict, error } = await run(sh(`exit ${code}`), asNobody)
    assert.deepEqual([verdict, error], ['fail', `sh ended with exit code ${code}`])
  }
  assert.equal((await run(sh('sleep 600 & exit 127'), asNobody)).verdict, 'fail', 'a child holds its pipes')
  assert.equal((await run(sh('kill -9 $$'), asNobody)).error, 'sh was killed by SIGKILL')

  writeFileSync(join(cwd, 'plain'), 'text', { mode: 0o644 })
  writeFileSync(join(cwd, 'roots'), '#!/bin/sh\n', { mode: 0o700 })
  mkdirSync(join(cwd, 'closed'), { mode: 0o700 })
  const why = async (argv: string[], surroundings: Surroundings) => {
    const { verdict, error } = await run(argv, surroundings)
    return verdict === 'inconclusive' ? /\((.*)\)$/.exec(error ?? '')?.[1] : `${verdict} ${error}`
  }
  assert.equal(await why(['/no/such/program'], asNobody), 'ENOENT')
  // Of a PATH with a folder that this user may not enter, nobody can say that the program is not in it.
  assert.match(String(await why(['no-such-program'], asNobody)), /^(ENOENT|EACCES)$/)
  assert.equal(await why([], asNobody), 'ENOENT')
  assert.equal(await why(['./plain'], asNobody), 'EACCES')
  assert.equal(await why(['./roots'], asNobody), 'EACCES', 'only root may run it')
  const folderless = 'the folder does not exist or may not be entered'
  assert.equal(await why(['true'], { cwd: join(cwd, 'nowhere'), account: nobody }), folderless)
  assert.equal(await why(['true'], { cwd: join(cwd, 'closed'), account: nobody }), folderless)
  const userless = 'the user of the service could not be taken on'
  const broken = { become: ['setpriv', '--reuid=no-such-user', '--'], home: '/' }
  assert.equal(await why(['true'], { cwd, account: broken }), userless)
  assert.equal(await why(['true'], { cwd, account: { become: ['no-such-setpriv'], home: '/' } }), 'ENOENT')
})

test('as another user: nothing from the folder of the service runs with the rights of the daemon', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const cwd = openFolder(t)
  const said = join(folder(t), 'said')
  writeFileSync(join(cwd, 'setpriv'), `#!/bin/sh\nid -u >> ${said}\nexit 1\n`, { mode: 0o755 })
  const path = process.env.PATH
  t.after(() => {
    process.env.PATH = path
  })
  // An empty member means the folder one is in.
  process.env.PATH = `:${path}`
  assert.equal((await run(['true'], { cwd, account: nobody })).verdict, 'pass')
  assert(!existsSync(said), 'the fake setpriv was not run')
})

test('as another user: its child in the background does not stay', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const cwd = openFolder(t)
  chmodSync(cwd, 0o777)
  assert.equal((await run(sh('sleep 600 & echo $! > child'), { cwd, account: nobody })).verdict, 'pass')
  await gone(Number(readFileSync(join(cwd, 'child'), 'utf8')))
})
