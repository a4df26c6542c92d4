import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkConfig, loadConfig } from '../../../core/config/load.ts'
import { loadConfigApart } from '../../../core/config/load-apart.ts'
import type { HostConfig } from '../../../core/config/spec.ts'
import { ABLE, freshFolder, writeConfig } from './folder.ts'

const FULL = `
services:
  web: { run: x, user: app, target: site }
  two: { run: x, user: app, target: site }
  job: { run: x, user: ops, target: jobs }
targets:
  site:
    kind: releases
    path: ./srv//site/
    activate: [bin/activate, 010, true]
    activationDeadline: 5m
    blameWindow: 0
    irreversible: [v7, 010, v7]
    keepGood: 10
    checks: [{ tcp: "a:1", every: 2s }, { exec: [check, 007] }, { file: beat, maxAge: 9s }]
  jobs: { kind: releases, path: /srv/jobs, user: deployer, activate: "bin/run 'a b'", irreversible: true }
  tools: { kind: nix-profile, profile: profiles/tools, activate: [bin/activate] }
  system: { kind: nixos, profile: /nix/other, running: run/now }
switch: { probation: 100ms, passes: 7, deadMan: 6m100ms, budget: { perHour: 3, perDay: 9 } }
`

const DEFAULTS = {
  activationDeadlineMs: 60_000,
  blameWindowMs: 86_400_000,
  irreversible: false,
  keepGood: 3,
  checks: [],
}
const PROBE = { everyMs: 5000, timeoutMs: 1000, failures: 3, successes: 1, startupMs: 30_000 }

/** The configuration of a text, which is good. */
async function loaded(t: Parameters<typeof writeConfig>[0], text: string): Promise<HostConfig> {
  return loadConfig(writeConfig(t, text), ABLE)
}

test('everything that can be written of targets arrives, in ms and absolute paths', async t => {
  const path = writeConfig(t, FULL)
  const folder = join(path, '..')
  const config = await loadConfig(path, ABLE)
  assert.deepEqual(config.targets, [
    {
      name: 'site',
      kind: 'releases',
      path: join(folder, 'srv/site'),
      running: '',
      activate: ['bin/activate', '010', 'true'],
      user: 'app',
      activationDeadlineMs: 300_000,
      blameWindowMs: 0,
      irreversible: ['v7', '010'],
      keepGood: 10,
      checks: [
        { ...PROBE, check: { kind: 'tcp', host: 'a', port: 1 }, everyMs: 2000 },
        { ...PROBE, check: { kind: 'exec', argv: ['check', '007'] } },
        { ...PROBE, check: { kind: 'file', path: join(folder, 'beat'), maxAgeMs: 9000 } },
      ],
    },
    {
      ...DEFAULTS,
      name: 'jobs',
      kind: 'releases',
      path: '/srv/jobs',
      running: '',
      activate: ['bin/run', 'a b'],
      user: 'deployer',
      irreversible: true,
    },
    {
      ...DEFAULTS,
      name: 'tools',
      kind: 'nix-profile',
      path: join(folder, 'profiles/tools'),
      running: '',
      activate: ['bin/activate'],
    },
    {
      ...DEFAULTS,
      name: 'system',
      kind: 'nixos',
      path: '/nix/other',
      running: join(folder, 'run/now'),
      activate: [],
    },
  ])
  assert.deepEqual(config.switch, {
    probationMs: 100,
    passes: 7,
    deadManMs: 360_100,
    budget: { perHour: 3, perDay: 9 },
  })
  assert.deepEqual(
    config.services.map(service => service.target),
    ['site', 'site', 'jobs'],
  )
  assert.deepEqual(await loadConfigApart(path, ABLE), config)
})

test('what is left out of targets and switch has the defaults that are promised', async t => {
  const text = 'targets:\n  app: { kind: releases, path: /srv/app }\n  system: { kind: nixos }\n'
  const config = await loaded(t, text)
  const shared = { ...DEFAULTS, activate: [] }
  assert.deepEqual(config.targets, [
    { ...shared, name: 'app', kind: 'releases', path: '/srv/app', running: '' },
    {
      ...shared,
      name: 'system',
      kind: 'nixos',
      path: '/nix/var/nix/profiles/system',
      running: '/run/current-system',
    },
  ])
  assert.deepEqual(config.switch, {
    probationMs: 120_000,
    passes: 3,
    deadManMs: 300_000,
    budget: { perHour: 2, perDay: 4 },
  })
})

test('the dead-man waits for the longest activation, the probation and a minute more', async t => {
  const target = (name: string, deadline: string) =>
    `  ${name}: { kind: nix-profile, profile: /p/${name}, activationDeadline: ${deadline} }\n`
  const deadManOf = async (text: string) => (await loaded(t, text)).switch.deadManMs
  const targets = `targets:\n${target('a', '1h')}${target('b', '1s')}`
  assert.equal(await deadManOf(targets), 3_600_000 + 120_000 + 60_000)
  assert.equal(await deadManOf('switch: { probation: 30m }\n'), 1_800_000 + 60_000)
  // The smallest that would do is taken, here and with fractions of a second.
  assert.equal(await deadManOf(`${targets}switch: { deadMan: 1h3m }\n`), 3_780_000)
  assert.equal(await deadManOf('switch: { probation: 100.4ms, deadMan: 1m100ms }\n'), 60_100)
})

test('a smaller perDay takes perHour down with it', async t => {
  const budgetOf = async (written: string) => (await loaded(t, `switch: { budget: ${written} }\n`)).switch.budget
  assert.deepEqual(await budgetOf('{ perDay: 0 }'), { perHour: 0, perDay: 0 })
  assert.deepEqual(await budgetOf('{ perDay: 1 }'), { perHour: 1, perDay: 1 })
  assert.deepEqual(await budgetOf('{ perDay: 1000 }'), { perHour: 2, perDay: 1000 })
  assert.deepEqual(await budgetOf('{ perHour: 4 }'), { perHour: 4, perDay: 4 })
  assert.deepEqual(await budgetOf('{ perHour: 0 }'), { perHour: 0, perDay: 4 })
})

test('a release folder has the user of its services, where they agree', async t => {
  const userOf = async (services: string, user = '') => {
    const text = `services:\n${services}targets:\n  app: { kind: releases, path: /srv/app${user} }\n`
    const [target] = (await loaded(t, text)).targets
    assert.ok(target !== undefined)
    return target.user
  }
  assert.equal(await userOf('  a: { run: x, target: app }\n'), undefined)
  assert.equal(await userOf('  b: { run: x, user: other }\n  a: { run: x, target: app, user: web }\n'), 'web')
  const two = '  a: { run: x, target: app, user: web }\n  b: { run: x, target: app, user: job }\n'
  assert.equal(await userOf(two, ', user: ops'), 'ops')
  const profile =
    'services:\n  a: { run: x, user: web, target: p }\ntargets:\n  p: { kind: nix-profile, profile: /p }\n'
  assert.ok(!Object.hasOwn((await loaded(t, profile)).targets[0] ?? {}, 'user'))
})

test('names that are words elsewhere are names all the same', async t => {
  const text = `services:
  exec: { run: x, critical: true, target: constructor }
  env: { run: x, target: "7" }
targets:
  exec: { kind: releases, path: /exec, keepGood: 2 }
  constructor: { kind: releases, path: /constructor }
  7: { kind: nixos }
`
  const config = await loaded(t, text)
  assert.deepEqual(config.targets.map(target => target.name).sort(), ['7', 'constructor', 'exec'])
  assert.equal(config.targets.find(target => target.name === 'exec')?.keepGood, 2)
  assert.equal(config.services.find(service => service.name === 'exec')?.critical, true)
})

test('a check that is asked to warns of targets that are not there yet', async t => {
  const folder = freshFolder(t)
  mkdirSync(join(folder, 'bare'))
  mkdirSync(join(folder, 'whole/releases'), { recursive: true })
  symlinkSync('nowhere', join(folder, 'profile'))
  const text = `services:
  web: { run: sh, cwd: /, user: no-such-user-here, target: shared }
targets:
  gone: { kind: releases, path: ${folder}/gone }
  bare: { kind: releases, path: ${folder}/bare, user: no-such-user-either }
  shared: { kind: releases, path: ${folder}/whole }
  lost: { kind: nix-profile, profile: ${folder}/lost }
  loose: { kind: nix-profile, profile: ${folder}/profile }
  system: { kind: nixos, profile: ${folder}/none }
`
  const before = process.env.PATH
  t.after(() => {
    process.env.PATH = before
  })
  const path = writeConfig(t, text)
  const warningsOf = async () => {
    const checked = await checkConfig(path, { facts: ABLE, warn: true })
    assert.ok(checked.problems === undefined, JSON.stringify(checked.problems))
    return checked.warnings.map(({ line, path: key, message }) => `${line} ${key} ${message.replace(folder, '')}`)
  }
  // With a nix-env to find, and with none.
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, 'nix-env'))
  symlinkSync('/bin/sh', join(bin, 'sh'))
  symlinkSync('/usr/bin/getent', join(bin, 'getent'))
  const expected = [
    '2 services.web.user there is no user no-such-user-here',
    '4 targets.gone.path there is no folder /gone',
    '5 targets.bare.path there is no folder /bare/releases',
    '5 targets.bare.user there is no user no-such-user-either',
    '7 targets.lost.profile there is no profile /lost',
    '9 targets.system.profile there is no profile /none',
  ]
  process.env.PATH = bin
  assert.deepEqual(await warningsOf(), expected)
  process.env.PATH = '/nowhere'
  const without = await warningsOf()
  assert.deepEqual(
    without.filter(line => line.includes('nix-env')),
    ['7 targets.lost.kind no program nix-env is found'],
  )
})

test('huge lists and crowds end soon, and say what is too much', { timeout: 60_000 }, async t => {
  const problemsOf = async (text: string) =>
    ((await checkConfig(writeConfig(t, text), { facts: ABLE })).problems ?? []).map(
      ({ path, message }) => `${path} ${message}`,
    )
  const app = (key: string) => `targets:\n  app: { kind: releases, path: /srv/app, ${key} }\n`
  assert.deepEqual(await problemsOf(app(`checks: [${'{ tcp: "a:1" }, '.repeat(21)}]`)), [
    'targets.app.checks has more than 20 checks',
  ])
  assert.deepEqual(await problemsOf(app(`checks: [${'{ tcp: "a:1" }, '.repeat(20)}]`)), [])
  const zeros = await problemsOf(app(`checks: [${'0,'.repeat(300_000)}]`))
  assert.equal(zeros.length, 21)
  assert.equal(zeros[0], 'targets.app.checks has more than 20 checks')
  assert.deepEqual(await problemsOf(app(`irreversible: [${'a,'.repeat(300_000)}]`)), [
    'targets.app.irreversible has more than 1000 entries',
  ])
  const crowd = Array.from({ length: 101 }, (_, index) => `  t${index}: { kind: releases, path: /t${index} }\n`)
  assert.deepEqual(await problemsOf(`targets:\n${crowd.join('')}`), ['targets has more than 100 targets'])
  assert.deepEqual(await problemsOf(`targets:\n${crowd.slice(1).join('')}`), [])
  const wall = Array.from({ length: 60_000 }, (_, index) => `  t${index}: 1\n`)
  assert.equal((await problemsOf(`targets:\n${wall.join('')}`)).length, 201)
  const lost = Array.from({ length: 2000 }, (_, index) => `  s${index}: { run: x, target: u${index} }\n`)
  const looked = await problemsOf(`services:\n${lost.join('')}targets:\n${crowd.slice(1).join('')}`)
  assert.equal(looked.length, 201)
})

test('whatever is written, it does not throw, and what is accepted is whole', async t => {
  const path = writeConfig(t, '')
  const { writeFileSync } = await import('node:fs')
  const junk = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('releases', 'nix-profile', 'nixos', '/srv/app', '..', '5s', '2h', '1m', true, false, 0, 3, 1e9),
  )
  const keys = ['kind', 'path', 'profile', 'running', 'activate', 'user', 'activationDeadline', 'blameWindow'] as const
  const more = ['irreversible', 'keepGood', 'checks', '__proto__', 'toString', 'env'] as const
  const target = fc.dictionary(fc.constantFrom(...keys, ...more), junk)
  const kind = fc.constantFrom('releases', 'nix-profile', 'nixos')
  const likely = fc.record({ kind, path: fc.constant('/srv/app') })
  const file = fc.record({
    services: fc.dictionary(fc.constantFrom('a', 'b'), fc.record({ run: fc.constant('x'), target: junk })),
    targets: fc.oneof(junk, fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), fc.oneof(junk, target, likely))),
    switch: fc.oneof(
      junk,
      fc.dictionary(fc.constantFrom('probation', 'passes', 'deadMan', 'budget'), fc.oneof(junk, target)),
    ),
  })
  await fc.assert(
    fc.asyncProperty(file, async object => {
      const { services, targets, ...rest } = object
      writeFileSync(path, JSON.stringify({ services, targets, ...rest }))
      const { config, problems = [] } = await checkConfig(path, { facts: ABLE })
      for (const problem of problems) assert.ok(problem.message !== '' && problem.hint !== '' && problem.line === 1)
      if (config === undefined) return
      const names = config.targets.map(({ name }) => name)
      for (const { path: place } of config.targets) assert.match(place, /^\/[^/]/)
      for (const service of config.services) assert.ok(service.target === undefined || names.includes(service.target))
      const longestMs = Math.max(0, ...config.targets.map(({ activationDeadlineMs }) => activationDeadlineMs))
      assert.ok(config.switch.deadManMs >= longestMs + config.switch.probationMs + 60_000)
      assert.ok(config.switch.budget.perHour <= config.switch.budget.perDay)
    }),
    { numRuns: 500 },
  )
})
