import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkConfig, loadConfig } from '../../../core/config/load.ts'
import { loadConfigApart } from '../../../core/config/load-apart.ts'
import { ConfigFault } from '../../../core/config/problem.ts'
import { SAMPLE } from '../../../core/config/sample.ts'
import { codeOf, Fault } from '../../../core/fault.ts'
import { ABLE, freshFolder, writeConfig } from './folder.ts'

const GOOD = `services:
  web: { run: "node 'web server.js'", env: { A: "ü\\n" }, health: { http: "http://a/" }, limits: { memory: 1GiB } }
  two: { run: x, user: app, dependsOn: [web], liveness: { file: beat } }
`

test('a good file gives the same apart as here', async t => {
  for (const text of [GOOD, SAMPLE]) {
    const path = writeConfig(t, text)
    assert.deepEqual(await loadConfigApart(path, ABLE), await loadConfig(path, ABLE))
  }
})

test('a bad file gives the same problems apart as here', async t => {
  const path = writeConfig(t, 'hots: a\nservices:\n  web: { run: a | b, env: { T: secret1, "A B": 1 } }\n')
  const { problems } = await checkConfig(path, { facts: ABLE })
  await assert.rejects(loadConfigApart(path, ABLE), (error: unknown) => {
    assert.ok(error instanceof ConfigFault)
    assert.deepEqual(error.problems, problems)
    assert.ok(!error.message.includes('secret1'))
    return true
  })
})

test('the host is looked at apart too, and the answer is the same', async t => {
  const path = writeConfig(t, 'services:\n  web: { run: x, user: app, limits: { memory: 1GiB, pids: 9 } }\n')
  const here = await loadConfig(path).catch((error: unknown) => error)
  const apart = await loadConfigApart(path).catch((error: unknown) => error)
  if (here instanceof ConfigFault && apart instanceof ConfigFault) assert.deepEqual(apart.problems, here.problems)
  else assert.deepEqual(apart, here)
  const weak = { isRoot: false, canLimit: { memory: false, pids: false } }
  await assert.rejects(
    loadConfigApart(path, weak),
    (error: unknown) => error instanceof ConfigFault && error.problems.length === 3,
  )
})

test('a missing file is the same Fault apart as here', async t => {
  const path = join(freshFolder(t), 'heald.yaml')
  await assert.rejects(
    loadConfigApart(path),
    (error: unknown) => error instanceof Fault && codeOf(error) === 'config.missing',
  )
})

test('a result that is too large is refused, not cut', async t => {
  const big = 'x'.repeat(200_000)
  const aliases = Array.from({ length: 60 }, (_, index) => `  s${index}: { run: [a, *big] }\n`).join('')
  const path = writeConfig(t, `services:\n  first: { run: [a, &big ${big}] }\n${aliases}`)
  await assert.rejects(loadConfigApart(path, ABLE), (error: unknown) => codeOf(error) === 'config.check-failed')
})

test('the daemon’s side holds neither the parser nor the schema library', () => {
  const trace = execFileSync(process.execPath, ['--input-type=module', '-e', watched()], { encoding: 'utf8' })
  assert.match(trace, /load-apart\.ts/)
  assert.doesNotMatch(trace, /node_modules/)
})

test('the library that reads crons is loaded only where there is one', t => {
  const load = new URL('../../../core/config/load.ts', import.meta.url).href
  const traceOf = (text: string) => {
    const script = `
      import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { console.log(url); return next(url, context) } })
      const { checkConfig } = await import(${JSON.stringify(load)})
      console.log(JSON.stringify(await checkConfig(${JSON.stringify(writeConfig(t, text))})))
    `
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  }
  const [without, withOne] = ['from: 2026-01-01, to: 2026-01-02', 'cron: "@daily", for: 1h'].map(when =>
    traceOf(`services: {}\nmaintenance: [{ ${when} }]\n`),
  )
  assert.doesNotMatch(without ?? '', /croner|"problems"/)
  assert.match(withOne ?? '', /node_modules\/croner/)
  assert.doesNotMatch(withOne ?? '', /"problems"/)
})

/** Imports the daemon's side of the configuration with a loader that prints every module. */
function watched(): string {
  const modules = ['load-apart', 'plan', 'duration', 'size'].map(
    name => new URL(`../../../core/config/${name}.ts`, import.meta.url).href,
  )
  return `
    import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { console.log(url); return next(url, context) } })
    for (const module of ${JSON.stringify(modules)}) await import(module)
  `
}
