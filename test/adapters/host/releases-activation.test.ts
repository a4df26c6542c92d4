import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readStat } from '../../../adapters/host/proc.ts'
import { releasesTarget } from '../../../adapters/host/releases.ts'
import { activationGroupsGone } from '../../journeys/leftovers.ts'
import { until } from '../../until.ts'
import { currentOf, folder, giveTo, makeReleases, nobody, switchTo } from './releases-stand.ts'

/** A target whose releases have a script `go`; it may write in the folder `out`. */
function make(t: TestContext, go: string) {
  const base = folder(t)
  const out = join(base, 'out')
  mkdirSync(out)
  chmodSync(out, 0o777)
  const path = makeReleases(join(base, 'app'), 2, { go: `#!/bin/sh\n${go.replaceAll('OUT', out)}\n` })
  t.after(() => activationGroupsGone(path))
  const own = releasesTarget({ name: 'app', path, activate: ['./go', 'a b'] })
  const pid = (name: string) => Number(readFileSync(join(out, name), 'utf8'))
  return { path, out, own, pid }
}

const isAlive = (pid: number): boolean => !['Z', 'X', undefined].includes(readStat(pid)?.state)

test('the command runs in the release, as the owner, in a session of its own, after the pointer has moved', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const go =
    '{ id -u; id -G; pwd; cat ../../current/version; echo "$1 $HEALD_TARGET $HEALD_GENERATION"; } > OUT/said; cut -d" " -f6 /proc/$$/stat > OUT/session'
  const { path, out, pid } = make(t, go)
  const account = await nobody()
  giveTo(account, path, join(path, 'releases'), join(path, 'releases/2'))
  const target = releasesTarget({ name: 'app', path, activate: ['./go', 'a b'], owner: account })
  assert.deepEqual(await switchTo(target, '2'), { verdict: 'done', exitCode: 0, why: '' })
  const said = `${account.uid}\n${account.gid}\n${join(path, 'releases/2')}\n2\na b app 2\n`
  assert.equal(readFileSync(join(out, 'said'), 'utf8'), said)
  assert.notEqual(pid('session'), readStat(process.pid)?.session)
})

test('exit codes, signals and last words become a verdict in words', async t => {
  const cases = [
    ['exit 3', 3, './go a b ended with exit code 3'],
    ['echo one; echo "no  database" >&2; exit 1', 1, './go a b ended with exit code 1: no database'],
    ['kill -SEGV $$', null, './go a b was ended by SIGSEGV'],
    ['printf "\\033[31mred\\0end\\n"; exit 255', 255, './go a b ended with exit code 255: [31mred end'],
  ] as const
  for (const [go, exitCode, why] of cases) {
    const { path, own } = make(t, go)
    assert.deepEqual(await switchTo(own, '2'), { verdict: 'failed', exitCode, why }, go)
    assert.equal(currentOf(path), 'releases/2')
  }
  const long = await switchTo(make(t, 'printf %2000d 1 | tr " " x; exit 1').own, '2')
  assert.equal(long.why.length, 300)
})

test('at the deadline all of it is killed, what left the session as well', async t => {
  const { own, pid } = make(
    t,
    'setsid sh -c "echo \\$\\$ > OUT/far; exec sleep 1000" & (trap "" TERM; sh -c "echo \\$\\$ > OUT/near; exec sleep 1000") & sleep 1000',
  )
  const { verdict, exitCode, why } = await switchTo(own, '2', 500)
  assert.deepEqual([verdict, exitCode, why], ['failed', null, './go a b did not end within 500 ms'])
  assert.ok(!isAlive(pid('near')))
  if (!existsSync('/sys/fs/cgroup/cgroup.controllers') && !existsSync('/sys/fs/cgroup/unified/cgroup.procs'))
    return t.skip('needs control groups')
  assert.ok(!isAlive(pid('far')))
})

test('called off, all of it is killed at once; called off before it began, nothing has moved', async t => {
  const { path, own, pid, out } = make(t, 'sh -c "echo \\$\\$ > OUT/near; exec sleep 1000" & sleep 1000')
  const two = await own.resolve('2')
  const stop = new AbortController()
  const activation = own.activate(two, 60_000, stop.signal)
  await until('it runs', () => existsSync(join(out, 'near')) && statSync(join(out, 'near')).size > 0)
  const startedMs = performance.now()
  stop.abort()
  assert.deepEqual(await activation, { verdict: 'failed', exitCode: null, why: './go a b was called off' })
  assert.ok(performance.now() - startedMs < 5000)
  assert.ok(!isAlive(pid('near')))
  assert.equal(currentOf(path), 'releases/2')
  const one = await own.resolve('1')
  assert.equal((await own.activate(one, 60_000, AbortSignal.abort())).verdict, 'failed')
  assert.equal(currentOf(path), 'releases/2')
})

test('what a command leaves running goes on, also through the next activation', async t => {
  const { own, out, pid } = make(
    t,
    '[ ! -e OUT/quiet ] || exit 0; sh -c "echo \\$\\$ > OUT/app-$HEALD_GENERATION; exec sleep 60" & while [ ! -s OUT/app-$HEALD_GENERATION ]; do sleep 0.01; done',
  )
  await switchTo(own, '2')
  await switchTo(own, '1')
  const alive = ['app-1', 'app-2'].filter(name => isAlive(pid(name)))
  for (const name of alive) process.kill(pid(name), 'SIGKILL')
  assert.deepEqual(alive, ['app-1', 'app-2'])
  // The next run sweeps the groups that have become empty.
  await until('their end', () => !alive.some(name => isAlive(pid(name))))
  writeFileSync(join(out, 'quiet'), '')
  await switchTo(own, '2')
})

test('a run of a daemon that was killed survives it, and is ended by the next activation', async t => {
  const { path, own, out, pid } = make(
    t,
    'if [ "$HEALD_GENERATION" = 2 ]; then echo $$ > OUT/first; exec sleep 1000; fi; echo $$ > OUT/second',
  )
  const code = `import { releasesTarget } from ${JSON.stringify(join(import.meta.dirname, '../../../adapters/host/releases.ts'))}
    const target = releasesTarget({ name: 'app', path: ${JSON.stringify(path)}, activate: ['./go'] })
    await target.activate(await target.resolve('2'), 60000)`
  const daemon = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], { stdio: 'inherit' })
  await until('the first run', () => existsSync(join(out, 'first')) && statSync(join(out, 'first')).size > 0)
  daemon.kill('SIGKILL')
  await until('its end', () => !isAlive(daemon.pid ?? 0))
  assert.ok(isAlive(pid('first')))
  assert.equal((await switchTo(own, '1')).verdict, 'done')
  assert.ok(!isAlive(pid('first')))
  assert.ok(isAlive(process.pid) && existsSync(join(out, 'second')))
})

test('a command that floods its output fills no disk', async t => {
  const { own } = make(t, 'yes 2>/dev/null | head -c 50000000; echo last; exit 1')
  const { why } = await switchTo(own, '2')
  assert.match(why, /last$/)
})

test('as root nothing runs that somebody else could have written', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const { path, own, out } = make(t, 'touch OUT/ran')
  giveTo(await nobody(), join(path, 'releases/2/go'))
  await assert.rejects(switchTo(own, '2'), { code: 'target.unsafe' })
  giveTo({ ...(await nobody()), uid: 0, gid: 0 }, join(path, 'releases/2/go'))
  chmodSync(join(path, 'releases/2/go'), 0o777)
  await assert.rejects(switchTo(own, '2'), { code: 'target.unsafe' })
  assert.equal(currentOf(path), 'releases/1')
  assert.deepEqual(readdirSync(out), [])
  writeFileSync(join(path, 'releases/1/go'), '#!/bin/sh\nexit 0\n')
  assert.equal((await switchTo(own, '1')).verdict, 'done')
})
