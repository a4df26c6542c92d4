import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../core/clock.ts'
import { runCheck } from '../../../core/heal/probe/run.ts'
import { type Report, startProbes } from '../../../core/heal/probe/schedule.ts'

// Tests elsewhere trust these programs to misbehave as their names say.

const FIXTURES = join(import.meta.dirname, '../../fixtures')

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'heald-fixtures-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Starts a fixture; its first line, when it has written one. */
function start(t: TestContext, name: string, ...args: string[]): { child: ChildProcess; lines: AsyncIterator<string> } {
  const path = join(FIXTURES, name)
  const [command, words] = name.endsWith('.ts') ? [process.execPath, [path, ...args]] : [path, args]
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => child.kill('SIGKILL'))
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}
const firstOf = async (lines: AsyncIterator<string>): Promise<string> => (await lines.next()).value

async function endOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  if (child.exitCode !== null || child.signalCode !== null) return [child.exitCode, child.signalCode]
  return (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
}

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('crash-after, stay-down and writes-binary end with their codes', async t => {
  assert.deepEqual(await endOf(start(t, 'crash-after.ts', '5', '9').child), [9, null])
  assert.deepEqual(await endOf(start(t, 'stay-down.sh').child), [125, null])
  const output = execFileSync(join(FIXTURES, 'writes-binary.sh'), ['0'])
  for (let byte = 0; byte < 256; byte += 1) assert(output.includes(byte), `byte ${byte}`)
  assert.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(output))
  assert(output.toString('latin1').endsWith('no end'))
})

test('ignores-sigterm stays until SIGKILL', async t => {
  const { child, lines } = start(t, 'ignores-sigterm.ts')
  assert.equal(await firstOf(lines), 'running')
  child.kill('SIGTERM')
  assert.equal(await firstOf(lines), 'ignored SIGTERM')
  child.kill('SIGKILL')
  assert.deepEqual(await endOf(child), [null, 'SIGKILL'])
})

test('http-agent notes its start, serves, leaks, hangs for the probes, and exits as told', async t => {
  const starts = join(folder(t), 'starts')
  const { child, lines } = start(t, 'http-agent.ts', starts)
  const origin = `http://127.0.0.1:${await firstOf(lines)}`
  const [pid, ns] = readFileSync(starts, 'utf8').trim().split(' ')
  assert.equal(Number(pid), child.pid)
  assert(BigInt(ns ?? '') < process.hrtime.bigint())
  const get = async (path: string) => {
    const answer = await fetch(origin + path, { redirect: 'manual' })
    return [answer.status, await answer.text()]
  }
  assert.deepEqual(await get('/healthz'), [200, `ok pid ${child.pid}\n`])
  assert.deepEqual((await get('/redirect'))[0], 302)
  await get('/unhealthy')
  assert.equal((await get('/healthz'))[0], 503)
  await get('/healthy')
  assert.deepEqual(await get('/leak?mb=5'), [200, `holding ${5 * 1024 * 1024} bytes\n`])

  // The whole of probing, in real time.
  const check = { kind: 'http', url: `${origin}/healthz` } as const
  const spec = { check, everyMs: 100, timeoutMs: 50, failures: 3, successes: 1, startupMs: 20_000 }
  const events: string[] = []
  const hung = Promise.withResolvers<Report>()
  const probes = startProbes(
    { startup: { ...spec, timeoutMs: 5000 }, liveness: spec },
    {
      clock: systemClock,
      run: runCheck,
      onVerdict(report) {
        if (report.event === null) return
        events.push(report.event)
        if (report.event === 'readyPassed') void fetch(`${origin}/hang`).catch(() => {})
        else hung.resolve(report)
      },
    },
  )
  t.after(() => probes.stop())
  const report = await hung.promise
  probes.stop()
  assert.deepEqual(events.slice(0, 2), ['readyPassed', 'hung'])
  assert.equal(report.misses, 3)
  assert.match(report.verdict?.error ?? '', /took the connection but did not answer within 50 ms$/)
  child.kill('SIGKILL')

  const other = start(t, 'http-agent.ts')
  await fetch(`http://127.0.0.1:${await firstOf(other.lines)}/exit?code=42`).then(answer => answer.text())
  assert.deepEqual(await endOf(other.child), [42, null])
})

test('hangs takes connections and then answers nobody', async t => {
  const { lines } = start(t, 'hangs.ts', '0')
  const port = await firstOf(lines)
  const check = { kind: 'http', url: `http://127.0.0.1:${port}/` } as const
  assert.equal((await runCheck(check, 300, new AbortController().signal)).verdict, 'fail')
})

test('slow-start refuses, then answers, then dies', async t => {
  const { child, lines } = start(t, 'slow-start.ts', '50', '50')
  assert.match(await firstOf(lines), /^\d+$/)
  assert.deepEqual(await endOf(child), [1, null])
})

test('forks-a-tree: every process it names runs, in sessions of their own, and a SIGTERM changes nothing', async t => {
  if (!hasPython()) return t.skip('needs python3')
  const file = join(folder(t), 'pids')
  const { child, lines } = start(t, 'forks-a-tree.py', file, '12')
  assert.equal(await firstOf(lines), 'ready')
  const pids = readFileSync(file, 'utf8').trim().split('\n').map(Number)
  t.after(() => {
    for (const pid of pids) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
  })
  assert.equal(pids.length, 12)
  assert.equal(new Set(pids).size, 12)
  assert.equal(pids[0], child.pid)
  for (const pid of pids) process.kill(pid, 'SIGTERM')
  const stats = pids.map(pid =>
    readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' '),
  )
  const [parents, sessions] = [stats.map(stat => Number(stat[1])), stats.map(stat => Number(stat[3]))]
  assert(sessions.filter((session, n) => session === pids[n]).length >= 3, 'some lead a session')
  assert(parents.filter(parent => !pids.includes(parent)).length >= 3, 'some have lost their parent')
})

test('leaks-memory grows until its own limit, floods-output writes what was asked', async t => {
  if (!hasPython()) return t.skip('needs python3')
  const leak = start(t, 'leaks-memory.py', '2', '1', '6')
  assert.deepEqual([await firstOf(leak.lines), await firstOf(leak.lines)], ['2 MiB', '4 MiB'])
  assert.equal(await firstOf(leak.lines), '6 MiB')
  const flood = start(t, 'floods-output.sh', '3')
  assert.match(await firstOf(flood.lines), /^line 1 /)
  assert.match(await firstOf(flood.lines), /^line 2 /)
})

test('victim appends its pid and birth, then waits', async t => {
  const path = folder(t)
  try {
    execFileSync('gcc', ['-O2', '-static', '-Wall', '-Werror', join(FIXTURES, 'victim.c'), '-o', join(path, 'victim')])
  } catch {
    return t.skip('needs gcc')
  }
  const child = spawn(join(path, 'victim'), [join(path, 'starts')], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  let line = ''
  for (let tries = 0; tries < 2000 && !line.endsWith('\n'); tries += 1) {
    await new Promise(resolve => setTimeout(resolve, 5))
    if (existsSync(join(path, 'starts'))) line = readFileSync(join(path, 'starts'), 'utf8')
  }
  assert.match(line, new RegExp(`^${child.pid} \\d+\\n$`))
  assert.equal(child.exitCode, null)
})
