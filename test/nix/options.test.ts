import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { checkConfig } from '../../core/config/load.ts'
import { fileSchema } from '../../core/config/schema.ts'
import { temporary } from '../adapters/host/nix-stand.ts'
import { ABLE } from '../core/config/folder.ts'
import { expectNone } from '../structure/project.ts'
import { CONFIGURED, evaluator, nixIsMissing } from './evaluate.ts'

// The options of nix/settings and the keys that heald reads are the same, with values that mean the same to both.

/** Steps to a value; `*` is any name, and `0` the first of a list. */
type Steps = readonly string[]
type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** The single values of heald's schema, by their steps. */
function keysOf(schema: z.core.$ZodType, steps: Steps = []): Map<string, z.core.$ZodType> {
  const { def } = schema._zod as unknown as { def: Record<string, unknown> & { type: string } }
  const inner = (key: string) => def[key] as z.core.$ZodType
  switch (def.type) {
    case 'object': {
      const shape = Object.entries(def.shape as Record<string, z.core.$ZodType>)
      return new Map(shape.flatMap(([name, value]) => [...keysOf(value, [...steps, name])]))
    }
    case 'record':
      if (steps.at(-1) === 'env') return new Map([[steps.join('.'), schema]])
      return keysOf(inner('valueType'), [...steps, '*'])
    case 'array':
      return keysOf(inner('element'), [...steps, '0'])
    case 'optional':
    case 'default':
    case 'prefault':
      return keysOf(inner('innerType'), steps)
    case 'pipe':
      if (['array', 'object'].includes((inner('out') as { _zod: { def: { type: string } } })._zod.def.type))
        return keysOf(inner('out'), steps)
      return new Map([[steps.join('.'), schema]])
    default:
      throw new Error(`${steps.join('.')}: what is a ${def.type}?`)
  }
}

/** The options, with their examples. What has the keys file and env alone is a secret: one value. */
const OPTIONS = `let
  walk = steps: options: lib.concatLists (lib.mapAttrsToList (name: option:
    let
      here = steps ++ [ name ];
      inside = option.type.getSubOptions [ ];
      star = { attrsOf = [ "*" ]; listOf = [ "0" ]; }.\${kindOf option.type} or [ ];
    in
      if inside == { } || builtins.attrNames inside == [ "env" "file" ]
      then [ { path = here; inherit (option) example description; } ]
      else walk (here ++ star) inside) options);
  # Which of the two it is below "null or".
  kindOf = type: if builtins.match "(null or )?list of .*" type.description != null then "listOf"
    else if builtins.match "(null or )?attribute set of .*" type.description != null then "attrsOf" else "";
in walk [ ] (import (root + "/nix/settings") { inherit lib; })`

interface Option {
  readonly path: Steps
  readonly example: Json
  readonly description: string
}

/** Settings with this value alone. */
function settingsWith([step, ...rest]: Steps, value: Json): Json {
  if (step === undefined) return value
  const inside = settingsWith(rest, value)
  return step === '0' ? [inside] : { [step === '*' ? 'x' : step]: inside }
}

function valueAt(file: Json, steps: Steps): Json | undefined {
  return steps.reduce<Json | undefined>(
    (value, step) => (value as Record<string, Json> | undefined)?.[step === '*' ? 'x' : step],
    file,
  )
}

test('each key of the configuration is an option, and each option is a key', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const options = evaluator(t).evaluate<Option[]>(OPTIONS)
  const names = options.map(({ path }) => path.join('.'))
  const keys = [...keysOf(fileSchema).keys()]
  t.diagnostic(`${names.length} options, ${keys.length} keys`)
  assert.ok(keys.length > 100)
  expectNone(
    keys.filter(key => !names.includes(key)),
    'These keys are no options; write them into nix/settings:',
  )
  expectNone(
    names.filter(name => !keys.includes(name)),
    'These options are no keys:',
  )
  expectNone(
    options.filter(({ description }) => description.length < 8).map(({ path }) => path.join('.')),
    'These options are not described:',
  )
})

test('the value of each option reaches the file that heald reads, and nothing else does', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { evaluate } = evaluator(t)
  const options = evaluate<Option[]>(OPTIONS)
  const cases = options.map(({ path, example }) => settingsWith(path, example))
  const files = evaluate<Json[]>(`map (settings: (${CONFIGURED} settings { }).file) input`, cases)
  const empty: Json = evaluate<Json>(`(${CONFIGURED} { } { }).file`)
  assert.deepEqual(empty, { services: {}, targets: {}, operators: {}, policy: {} })
  for (const [index, { path, example }] of options.entries()) {
    const where = path.join('.')
    const file = files[index] as Json
    const isSecret = path[0] === 'channels' && valueAt(file, [...path, 'file']) !== undefined
    const wanted = isSecret ? { file: `/run/credentials/heald-bot.service/${path[1]}-${path[2]}` } : example
    assert.deepEqual(valueAt(file, path), wanted, where)
    // Beside it only what makes a channel work: its bot, and a browser.
    const others: string[] = Object.keys(file as object).filter(key => key !== path[0] && !(key in (empty as object)))
    assert.deepEqual(others, path[0] === 'channels' ? ['bot'] : [], where)
  }
})

test('heald accepts the example of each option', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const keys = keysOf(fileSchema)
  for (const { path, example } of evaluator(t).evaluate<Option[]>(OPTIONS)) {
    const schema = keys.get(path.join('.'))
    assert.ok(schema !== undefined)
    const read = z.safeParse(schema, example)
    assert.ok(read.success, `${path.join('.')} = ${JSON.stringify(example)}: ${read.error?.message}`)
  }
})

/** What heald refuses, the options refuse too, before a system is built. */
const BAD: readonly (readonly [steps: string, ...values: Json[]])[] = [
  ['host', 'Web 1', '', 7],
  ['services.*.run', '', [], true],
  ['services.*.cwd', '', 7],
  ['services.*.user', 'no one', 0],
  ['services.*.critical', 'yes', 1],
  ['services.*.health.every', 5, '5', '5 parsecs', '', true],
  ['services.*.health.failures', 0, 1001, '3', 2.5],
  ['services.*.health.http', 'ftp://127.0.0.1/', 'http://a:b@127.0.0.1/', 80],
  ['services.*.health.tcp', '127.0.0.1', ':80', 80],
  ['services.*.health.status', 99, 600, '200'],
  ['services.*.crashLoop.failures', 1],
  ['services.*.stop.signal', 'SIGSTOP', 'TERM', 15],
  ['services.*.limits.memory', '512 parsecs', '', true],
  ['services.*.limits.pids', 0],
  ['services.*.logs.keep', 101, -1],
  ['services.*.dependsOn', 'database', [7]],
  ['targets.*.kind', 'rpm', 'Releases', 1],
  ['targets.*.keepGood', 0, 11],
  ['targets.*.irreversible', 'yes', 1],
  ['switch.probation', 120, '2 minutes', 'soon'],
  ['switch.budget.perHour', -1, 1001, '2'],
  ['ledger.fsync', 'no', 0],
  ['ledger.redact', 'hunter2', [7]],
  ['channels.telegram.token', 'a secret', { place: 'x' }, { file: '' }, { env: 'NO-NAME' }],
  ['channels.telegram.chats', '@team', [true]],
  ['channels.telegram.apiRoot', 'api.telegram.org', 'http://a:b@127.0.0.1/'],
  ['channels.discord.channels', 112, '#general', ['007']],
  ['channels.slack.channels', '#general', ['U012AB3CD']],
  ['channels.slack.port', 0, 65_536, '8090'],
  ['channels.whatsapp.chats', '+49 151', 4915],
  ['channels.console.digest', '8', '25:00', 8],
  ['channels.console.quietHours', '22:00', 'at night'],
  ['routes.0.match.severity', 'fatal', [1]],
  ['routes.0.match.kind', 'incidents'],
  ['routes.0.grace', 10],
  ['notify.flap.changes', 1],
  ['escalation.0.unless', 'seen'],
  ['maintenance.0.from', 'tomorrow', 20_261_130],
  ['maintenance.0.cron', '0 3 * *', 3],
  ['maintenance.0.for', 3600],
  ['ledger.keep', '1 year', 365],
  ['services.*.unit', 'agent', 'agent.timer', '/etc/agent.service'],
  ['units', 'agent', ['agent-*']],
  ['operators.*.role', 'root'],
  ['operators.*.telegram', '@alice', -1001],
  ['operators.*.slack', '@alice', 'C012AB3CD'],
  ['operators.*.totp', 'a secret'],
  ['policy.*.approvals', -1, '1'],
  ['bot.run', 'daemon'],
  ['bot.user', 'no one'],
]

test('what heald refuses is no value of an option either', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const file = join(temporary(t), 'heald.json')
  const cases = BAD.flatMap(([steps, ...values]) => values.map(value => ({ steps, value })))
  const tried = evaluator(t).evaluate<boolean[]>(
    `map (settings: (builtins.tryEval (builtins.deepSeq (${CONFIGURED} settings { }).file true)).success) input`,
    cases.map(({ steps, value }) => settingsWith(steps.split('.'), value)),
  )
  for (const [index, { steps, value }] of cases.entries()) {
    const words = `${steps} = ${JSON.stringify(value)}`
    writeFileSync(file, JSON.stringify(settingsWith(steps.split('.'), value)))
    const { problems = [] } = await checkConfig(file, { facts: ABLE })
    const place = steps.replaceAll('*', 'x').replaceAll('.0', '[0]')
    assert.ok(
      problems.some(({ path }) => path.startsWith(place)),
      `heald refuses ${words}: ${JSON.stringify(problems)}`,
    )
    assert.ok(!tried[index], `the option refuses ${words}`)
  }
})

test('other ways to write a value are taken as heald takes them', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const good: readonly (readonly [steps: string, ...values: Json[]])[] = [
    ['services.*.run', 'node server.js', ['sh', '-c', ''], "sh -c 'a b'"],
    ['services.*.health.every', '500ms', '1m30s', '1m 30s', '1.5s', '24h'],
    ['services.*.restart.backoff.first', 0, '0', '0s'],
    ['services.*.limits.memory', '64MiB', '1GB', '1.5 GiB', '512m', '2gi', 1_048_576],
    ['services.*.health.tcp', '[::1]:8080', 'db.local:5432'],
    ['targets.*.irreversible', true, false, ['v7', '41']],
    ['channels.telegram.chats', -1001, '-1001', [1, '2']],
    ['channels.console.quietHours', '22:00-07:00', '22:00 - 7:00'],
    ['routes.0.to', 'slack', [], ['telegram', 'console']],
    ['maintenance.0.from', '2026-11-30', '2026-11-30T22:00Z', '2026-11-30T22:00:00+01:00'],
    ['maintenance.0.cron', '@daily', '*/5 * * * MON-FRI'],
  ]
  const keys = keysOf(fileSchema)
  const cases = good.flatMap(([steps, ...values]) => values.map(value => ({ steps, value })))
  const files = evaluator(t).evaluate<Json[]>(
    `map (settings: (${CONFIGURED} settings { }).file) input`,
    cases.map(({ steps, value }) => settingsWith(steps.split('.'), value)),
  )
  for (const [index, { steps, value }] of cases.entries()) {
    const words = `${steps} = ${JSON.stringify(value)}`
    assert.ok(z.safeParse(keys.get(steps) ?? z.never(), value).success, `heald takes ${words}`)
    assert.deepEqual(valueAt(files[index] as Json, steps.split('.')), value, words)
  }
})

test('a key that does not exist, and a secret in the Nix store, are refused in words', t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { evaluate } = evaluator(t)
  const file = (settings: Json) => evaluate(`(${CONFIGURED} input { }).file`, settings)
  assert.throws(
    () => file({ services: { web: { run: 'x', memory: '1GiB' } } }),
    /services\.web\.memory' does not exist/,
  )
  assert.throws(() => file({ sevices: {} }), /services\.heald\.settings\.sevices' does not exist/)
  const stored = evaluate<string>('builtins.storeDir')
  assert.throws(
    () => file({ channels: { telegram: { token: { file: `${stored}/token` }, chats: [1] } } }),
    /channels\.telegram\.token\.file' is not of type/,
  )
})
