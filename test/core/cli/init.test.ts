import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../core/cli/init.ts'
import { checkConfig } from '../../../core/config/load.ts'
import { codeOf } from '../../../core/fault.ts'
import { ABLE, freshFolder } from '../config/folder.ts'
import { paperContext } from './context.ts'

const WEAK = { isRoot: false, canLimit: { memory: false, pids: false } }

test('the file it writes passes the check on the weakest host, and its service runs', async t => {
  const path = join(freshFolder(t), 'heald.yaml')
  const { context, out } = paperContext()
  assert.equal(await run(context, [path], {}), 0)
  assert.match(out(), /What to do next:/)
  assert.match(out(), new RegExp(`heald config check ${path}`))
  assert.match(out(), new RegExp(`heald up --config ${path}`))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const checked = await checkConfig(path, { facts: WEAK, warn: true })
  assert.ok(checked.problems === undefined, JSON.stringify(checked.problems))
  assert.deepEqual(checked.warnings, [])
  const [clock] = checked.config.services
  assert.ok(clock !== undefined)
  const [program = '', ...args] = clock.run
  const child = spawn(program, args, { cwd: clock.cwd, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  t.after(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  const [line] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(20_000) })
  assert.match(String(line), /\d\d:\d\d/)
})

test('every key that its comments show is one that the check knows', async t => {
  const path = join(freshFolder(t), 'heald.yaml')
  await run(paperContext().context, [path], {})
  const text = readFileSync(path, 'utf8')
  const examples = text.split('\n').filter(line => /^\s*# *[a-zA-Z]+: /.test(line) && !/^# heald/.test(line))
  assert.ok(examples.length >= 15, examples.join('\n'))
  let health = 0
  for (const example of examples) {
    if (/# {3}/.test(example.trimStart().slice(0, 4))) continue
    const shown = example.replace('# ', '')
    // Each alone in the place where it stands.
    let changed = text.replace(example, () => shown).replace('dependsOn: [database]', 'dependsOn: []')
    // A target is named by a service, and described further down.
    if (shown.includes('target: app')) changed = changed.replace('# targets: ', 'targets: ')
    if (shown.includes('health:')) health += 1
    writeFileSync(path, changed)
    const { problems } = await checkConfig(path, { facts: ABLE })
    assert.equal(problems, undefined, `${shown}\n${JSON.stringify(problems)}`)
  }
  assert.equal(health, 4)
})

test('its channels, uncommented, are told what its routes say', async t => {
  const path = join(freshFolder(t), 'heald.yaml')
  await run(paperContext().context, [path], {})
  const text = readFileSync(path, 'utf8')
  const from = text.indexOf('# channels:')
  const to = text.indexOf('# ledger:')
  assert.ok(from > 0 && to > from)
  writeFileSync(path, text.slice(0, from) + text.slice(from, to).replaceAll(/^# ?/gm, ''))
  const { config, problems } = await checkConfig(path, { facts: WEAK })
  assert.deepEqual(problems, undefined)
  const { channels, routes, escalation, maintenance } = config?.notice ?? assert.fail()
  assert.deepEqual(
    channels.map(({ kind }) => kind),
    ['telegram', 'discord', 'slack', 'console'],
  )
  assert.deepEqual([routes.length, escalation.length, maintenance.length], [2, 1, 1])
})

test('its target, uncommented, is what its services run from', async t => {
  const path = join(freshFolder(t), 'heald.yaml')
  await run(paperContext().context, [path], {})
  const text = readFileSync(path, 'utf8').replaceAll(/^( *)# (target|targets|switch): /gm, '$1$2: ')
  writeFileSync(path, text)
  const { config, problems } = await checkConfig(path, { facts: WEAK })
  assert.deepEqual(problems, undefined)
  assert.deepEqual(
    [config?.services[0]?.target, config?.targets[0]?.name, config?.targets[0]?.path],
    ['app', 'app', '/srv/app'],
  )
  // What the sample says of switch are the defaults.
  writeFileSync(path, text.replace(/^switch: .*$/m, ''))
  const plain = await checkConfig(path, { facts: WEAK })
  assert.deepEqual(config?.switch, plain.config?.switch)
})

test('an existing file stays, unless it is to be replaced', async t => {
  const folder = freshFolder(t)
  const path = join(folder, 'heald.yaml')
  writeFileSync(path, 'mine')
  const { context } = paperContext()
  await assert.rejects(run(context, [path], {}), (error: unknown) => codeOf(error) === 'init.refused')
  assert.equal(readFileSync(path, 'utf8'), 'mine')
  assert.equal(await run(context, [], { config: path, force: true }), 0)
  assert.match(readFileSync(path, 'utf8'), /^# heald\.yaml/)
  assert.deepEqual(readdirSync(folder), ['heald.yaml'])
})

test('folders are made; a place that can’t be written is a Fault, and leaves nothing behind', async t => {
  const folder = freshFolder(t)
  const { context, out } = paperContext({ json: true })
  const path = join(folder, 'etc', 'heald', 'heald.yaml')
  await run(context, [path], {})
  assert.deepEqual(JSON.parse(out()), { units: [], written: path })
  mkdirSync(join(folder, 'taken'))
  await assert.rejects(
    run(context, [join(folder, 'taken')], { force: true }),
    (error: unknown) => codeOf(error) === 'usage.path',
  )
  await assert.rejects(run(context, [join(path, 'x')], {}), (error: unknown) => codeOf(error) === 'usage.path')
  assert.deepEqual(readdirSync(folder).sort(), ['etc', 'taken'])
  await assert.rejects(run(context, ['a', 'b'], {}), (error: unknown) => codeOf(error) === 'usage.words')
})
