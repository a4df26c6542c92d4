import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkConfig, loadConfig } from '../../../core/config/load.ts'
import { ConfigFault } from '../../../core/config/problem.ts'
import { hostFrom } from '../../../core/config/resolve.ts'
import type { ServiceSpec } from '../../../core/config/spec.ts'
import { codeOf, Fault } from '../../../core/fault.ts'
import { NO_CHANNELS } from '../../fakes/no-channels.ts'
import { ABLE, freshFolder, writeConfig } from './folder.ts'

const FULL = `
host: web-1
tz: Europe/Berlin
services:
  database: { run: "postgres -D 'my data'" }
  agent:
    run: [node, agent.js, 010]
    cwd: current
    env: { PORT: 8080, DEBUG: true, NAME: "", MODE: 0o17 }
    user: agent
    dependsOn: [database, database]
    health: { http: "http://127.0.0.1:8080/healthz", every: 2s, timeout: 500ms, failures: 4, successes: 2, startup: 15s, status: 204, contains: ok }
    restart: { backoff: { first: 100ms, base: 1s, cap: 1m, resetAfter: 2m } }
    crashLoop: { failures: 5, within: 2m }
    stop: { signal: SIGINT, timeout: 0 }
    limits: { memory: 512MiB, pids: 64 }
    logs: { maxBytes: 1MB, keep: 0 }
    critical: true
  probes:
    run: ./probes
    startup: { tcp: "[::1]:80" }
    readiness: { exec: [./check, 7] }
    liveness: { file: run/beat, every: 4s }
ledger: { fsync: false, redact: [hunter22] }
`

function named(services: readonly ServiceSpec[], name: string): ServiceSpec {
  const service = services.find(candidate => candidate.name === name)
  assert.ok(service !== undefined)
  return service
}

test('everything that can be written arrives, in ms, bytes and absolute paths', async t => {
  const path = writeConfig(t, FULL)
  const folder = join(path, '..')
  const config = await loadConfig(path, ABLE)
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
  assert.deepEqual(
    { ...config, services: config.services.map(service => service.name) },
    {
      host: 'web-1',
      tz: 'Europe/Berlin',
      services: ['database', 'agent', 'probes'],
      units: [],
      targets: [],
      switch: { probationMs: 120_000, passes: 3, deadManMs: 300_000, budget: { perHour: 2, perDay: 4 } },
      ledger: { fsync: false, redact: ['hunter22'], checkpointEvery: 10_000 },
      ...NO_CHANNELS,
      sha256,
    },
  )
  const probe = {
    check: { kind: 'http', url: 'http://127.0.0.1:8080/healthz', status: 204, contains: 'ok' },
    everyMs: 2000,
    timeoutMs: 500,
    failures: 4,
    successes: 2,
    startupMs: 15_000,
  }
  assert.deepEqual(named(config.services, 'agent'), {
    name: 'agent',
    run: ['node', 'agent.js', '010'],
    cwd: join(folder, 'current'),
    env: { PORT: '8080', DEBUG: 'true', NAME: '', MODE: '0o17' },
    user: 'agent',
    dependsOn: ['database'],
    probes: { startup: probe, liveness: probe },
    restart: { firstMs: 100, baseMs: 1000, capMs: 60_000, resetAfterMs: 120_000 },
    crashLoop: { failures: 5, withinMs: 120_000 },
    stop: { signal: 'SIGINT', timeoutMs: 0 },
    limits: { memoryBytes: 536_870_912, pids: 64 },
    logs: { maxBytes: 1_000_000, keep: 0 },
    critical: true,
  })
  const { probes } = named(config.services, 'probes')
  assert.deepEqual(probes.startup?.check, { kind: 'tcp', host: '::1', port: 80 })
  assert.deepEqual(probes.readiness?.check, { kind: 'exec', argv: ['./check', '7'] })
  assert.deepEqual(probes.liveness?.check, { kind: 'file', path: join(folder, 'run/beat'), maxAgeMs: 12_000 })
})

test('what is left out has the defaults that are promised', async t => {
  const path = writeConfig(t, 'services:\n  web:\n    run: web\n    health: { tcp: "a:1" }\n')
  const config = await loadConfig(path, { isRoot: false, canLimit: { memory: false, pids: false } })
  const probe = {
    check: { kind: 'tcp', host: 'a', port: 1 },
    everyMs: 5000,
    timeoutMs: 1000,
    failures: 3,
    successes: 1,
    startupMs: 30_000,
  }
  assert.equal(config.tz, 'UTC')
  assert.match(config.host, /^[a-z0-9.-]{1,63}$/)
  assert.deepEqual(config.ledger, { fsync: true, redact: [], checkpointEvery: 10_000 })
  assert.deepEqual(named(config.services, 'web'), {
    name: 'web',
    run: ['web'],
    cwd: join(path, '..'),
    env: {},
    dependsOn: [],
    probes: { startup: probe, liveness: probe },
    restart: { firstMs: 0, baseMs: 200, capMs: 30_000, resetAfterMs: 60_000 },
    crashLoop: { failures: 3, withinMs: 60_000 },
    stop: { signal: 'SIGTERM', timeoutMs: 10_000 },
    limits: {},
    logs: { maxBytes: 10_485_760, keep: 3 },
    critical: false,
  })
})

test('JSON, aliases, a byte order mark and Windows line ends are fine', async t => {
  const json = JSON.stringify({ host: 'a', services: { web: { run: ['x'], env: { PORT: 8080 } } } })
  const yaml = '\ufeffhost: a\r\nservices:\r\n  one: &one { run: x, env: { A: 1 } }\r\n  two: *one\r\n'
  const [first] = (await loadConfig(writeConfig(t, json, 'heald.json'), ABLE)).services
  assert.deepEqual(first?.env, { PORT: '8080' })
  const { services } = await loadConfig(writeConfig(t, yaml), ABLE)
  assert.deepEqual(
    services.map(service => [service.name, service.env]),
    [
      ['one', { A: '1' }],
      ['two', { A: '1' }],
    ],
  )
})

test('a machine’s name is made to fit', () => {
  assert.equal(hostFrom('Web_1.Example'), 'web-1.example')
  assert.equal(hostFrom('x'.repeat(80)).length, 63)
  assert.equal(hostFrom('!!'), 'localhost')
})

test('a file that is no text or too large is a problem with a place', async t => {
  const large = await checkConfig(writeConfig(t, `# ${'x'.repeat(1024 * 1024)}`), { facts: ABLE })
  assert.match(large.problems?.[0]?.message ?? '', /larger than 1 MiB/)
  const latin1 = await checkConfig(writeConfig(t, Buffer.from('host: a\ntz: M\xfcnchen\n', 'latin1')), { facts: ABLE })
  const [problem] = latin1.problems ?? []
  assert.deepEqual([problem?.line, problem?.column, problem?.message], [2, 6, 'is not UTF-8 text'])
})

test('without a file there is nothing to check', async t => {
  const folder = freshFolder(t)
  await assert.rejects(loadConfig(join(folder, 'heald.yaml')), (error: unknown) => codeOf(error) === 'config.missing')
  await assert.rejects(loadConfig(folder), (error: unknown) => codeOf(error) === 'config.unreadable')
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await assert.rejects(loadConfig(join(folder, 'pipe')), (error: unknown) => codeOf(error) === 'config.unreadable')
  symlinkSync('loop', join(folder, 'loop'))
  await assert.rejects(loadConfig(join(folder, 'loop')), (error: unknown) => codeOf(error) === 'config.unreadable')
})

test('an error carries every problem, and its message the first', async t => {
  const path = writeConfig(t, 'hots: a\ntz: b\n')
  await assert.rejects(loadConfig(path, ABLE), (error: unknown) => {
    assert.ok(error instanceof ConfigFault && error instanceof Fault)
    assert.equal(error.code, 'config.invalid')
    assert.equal(error.problems.length, 2)
    assert.match(error.message, /line 1, hots unknown key; did you mean "host"\?, and 1 more$/)
    return true
  })
})

test('a bomb of aliases, a wall of keys and a tower of brackets end soon', { timeout: 60_000 }, async t => {
  const level = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(`*${of}`).join(', ')}]\n`
  const bomb = `a: &a [1]\n${level('b', 'a')}${level('c', 'b')}${level('d', 'c')}${level('e', 'd')}${level('f', 'e')}`
  const bombed = await checkConfig(writeConfig(t, bomb), { facts: ABLE })
  assert.deepEqual(
    bombed.problems?.map(problem => problem.message),
    ['repeats too much by alias'],
  )
  const long = `a: &a [${'1, '.repeat(200)}]\nb: [${'*a, '.repeat(90)}]\n`
  const longed = await checkConfig(writeConfig(t, long), { facts: ABLE })
  assert.deepEqual(
    longed.problems?.map(problem => problem.message),
    ['repeats too much by alias'],
  )
  const wall = Array.from({ length: 60_000 }, (_, index) => `key${index}: 1\n`).join('')
  const walled = await checkConfig(writeConfig(t, wall), { facts: ABLE })
  assert.equal(walled.problems?.length, 201)
  assert.match(walled.problems?.at(-1)?.message ?? '', /and 59800 more/)
  const tower = await checkConfig(writeConfig(t, '['.repeat(100_000)), { facts: ABLE })
  assert.ok((tower.problems?.length ?? 0) > 0)
  const deep = await checkConfig(writeConfig(t, `a: ${'['.repeat(200)}${']'.repeat(200)}`), { facts: ABLE })
  assert.ok(deep.problems?.some(problem => problem.message === 'is nested too deeply'))
  const many = Array.from({ length: 2001 }, (_, index) => `  s${index}: { run: x }\n`).join('')
  const crowd = await checkConfig(writeConfig(t, `services:\n${many}`), { facts: ABLE })
  assert.match(crowd.problems?.[0]?.message ?? '', /more than 2000 services/)
  const needy = `services: { web: { run: x, dependsOn: [${'a,'.repeat(300_000)}] } }\n`
  const needs = await checkConfig(writeConfig(t, needy), { facts: ABLE })
  assert.match(needs.problems?.at(-1)?.message ?? '', /and 299800 more/)
})

test('a check that is asked to warns of what is missing, and the file is good all the same', async t => {
  const text = `services:
  gone: { run: [no-such-program-here] }
  away: { run: x, cwd: ‸/no/such/folder }
  who: { run: sh, user: no-such-user-here }
  fine: { run: sh, cwd: /, env: { PATH: "${process.env.PATH ?? ''}" } }
`.replace('‸', '')
  const path = writeConfig(t, text)
  const checked = await checkConfig(path, { facts: ABLE, warn: true })
  assert.ok(checked.problems === undefined)
  assert.deepEqual(
    checked.warnings.map(({ line, column, path: key, severity }) => [line, column, key, severity]),
    [
      [2, 16, 'services.gone.run', 'warning'],
      [3, 24, 'services.away.cwd', 'warning'],
      [4, 25, 'services.who.user', 'warning'],
    ],
  )
  const quiet = await checkConfig(path, { facts: ABLE })
  assert.deepEqual(quiet.problems ?? quiet.warnings, [])
  const empty = await checkConfig(writeConfig(t, 'services: {}\n'), { facts: ABLE, warn: true })
  assert.ok(empty.problems === undefined)
  assert.match(empty.warnings[0]?.message ?? '', /names no service/)
})

test('no text makes it throw, and each problem stands inside the file', async t => {
  const path = writeConfig(t, '')
  const { writeFileSync } = await import('node:fs')
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('5s', '&a', '*a', '|', '{', '"', '- x', '!!str', '? ', '%YAML 1.1\n---'),
  )
  const line = fc
    .tuple(
      fc.constantFrom('', '  ', '    ', '\t'),
      fc.constantFrom('services', 'web', 'run', 'env', 'health', 'x'),
      value,
    )
    .map(
      ([indent, key, written]) => `${indent}${key}: ${typeof written === 'string' ? written : JSON.stringify(written)}`,
    )
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.array(line).map(lines => lines.join('\n')),
    fc
      .record({ services: fc.dictionary(fc.string(), fc.jsonValue()), host: fc.jsonValue() })
      .map(object => JSON.stringify(object)),
  )
  await fc.assert(
    fc.asyncProperty(texts, async text => {
      writeFileSync(path, text)
      const { problems = [] } = await checkConfig(path, { facts: ABLE })
      const lines = readFileSync(path, 'utf8').split('\n')
      for (const problem of problems) {
        assert.ok(problem.line >= 1 && problem.line <= lines.length, `line ${problem.line}`)
        assert.ok(
          problem.column >= 1 && problem.column <= (lines[problem.line - 1]?.length ?? 0) + 1,
          `column ${problem.column}`,
        )
        assert.ok(problem.message !== '' && problem.hint !== '')
      }
    }),
    { numRuns: 300 },
  )
})
