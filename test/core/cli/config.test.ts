import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootText, run } from '../../../core/cli/config.ts'
import { checkConfig } from '../../../core/config/load.ts'
import { codeOf } from '../../../core/fault.ts'
import { ABLE, freshFolder, writeConfig } from '../config/folder.ts'
import { paperContext } from './context.ts'

const BAD = `services:
  agent:
    run: [sh, -c, "exit 0"]
    env: { TOKEN: hunter22, "a b": 1 }
    health: { tcp: "127.0.0.1:80", evry: 5s }
`

test('a bad file is told in lines with a caret, and the exit code is 1', async t => {
  const path = writeConfig(t, BAD)
  const { context, out } = paperContext()
  assert.equal(await run(context, ['check', path], {}), 1)
  const place = (text: string) => text.padEnd(`${path}:5:36`.length)
  assert.equal(
    out(),
    `${place(`${path}:4:29`)}  services.agent.env.a…       is not a usable name for a variable; use letters, digits and underscores, the first not a digit, like LOG_LEVEL: info
  4 |     env: { TOKEN: ••••••••, •• ••• • }
    |                             ^
${place(`${path}:5:36`)}  services.agent.health.evry  unknown key; did you mean "every"?
  5 |     health: { tcp: "127.0.0.1:80", evry: •• }
    |                                    ^

${path} has 2 problems. Nothing of it is used until all are mended.
`,
  )
})

test('who is not root is told to check root’s file as root', {
  skip: process.getuid?.() !== 0 && 'only root has a file of root’s',
}, t => {
  const path = writeConfig(t, 'hots: a\n')
  assert.match(rootText(path, 'heald.yaml', 1000), /You are not root.*: sudo heald config check heald\.yaml\n/)
  assert.equal(rootText(path, 'heald.yaml', 0), '')
  assert.equal(rootText(`${path}.gone`, 'heald.yaml', 1000), '')
})

test('colours are added, never instead of words', async t => {
  const path = writeConfig(t, 'hots: a\n')
  const plain = paperContext()
  const coloured = paperContext({ colour: true })
  await run(plain.context, ['check', path], {})
  await run(coloured.context, ['check', path], {})
  assert.match(coloured.out(), /\x1b\[31m/)
  assert.equal(coloured.out().replaceAll(/\x1b\[\d+m/g, ''), plain.out())
})

test('who is not root is told that units are only watched', async t => {
  const told = async (text: string, isRoot: boolean) => {
    const checked = await checkConfig(writeConfig(t, text), { facts: { ...ABLE, isRoot }, warn: true })
    assert.ok(checked.problems === undefined)
    return checked.warnings.map(({ path, message, hint }) => `${path}: ${message}; ${hint}`)
  }
  const words = /: only root may start units.*; run it as root, or allow it by polkit/
  const one = 'services: { a: { unit: a.service }, b: { unit: b.service } }\n'
  const [first = '', ...more] = await told(one, false)
  assert.match(first, new RegExp(`^services\\.a\\.unit${words.source}`))
  assert.deepEqual([more, await told(one, true)], [[], []])
  const patterns = 'services: { a: { run: sh } }\nunits: ["b*.service"]\n'
  assert.match((await told(patterns, false)).join(), new RegExp(`^units\\[0\\]${words.source}`))
  assert.deepEqual(await told(patterns, true), [])
})

test('a good file is summed up, with warnings above', async t => {
  const path = writeConfig(
    t,
    'host: a\nservices:\n  db: { run: sh, cwd: /no/such/folder }\n  web: { run: [sh, -c, x], dependsOn: [db], health: { http: "http://a/", every: 2s } }\n',
  )
  const { context, out } = paperContext()
  assert.equal(await run(context, ['check'], { config: path }), 0)
  assert.match(
    out(),
    /heald\.yaml:3:23 {2}services\.db\.cwd {2}warning: there is no folder \/no\/such\/folder; make the folder/,
  )
  assert.match(out(), /is good: 2 services on host a, times in UTC\./)
  assert.match(out(), /^web {6}sh -c x {2}http:\/\/a\/ every 2 s {2}db$/m)
})

test('where notices go is summed up too', async t => {
  const channels =
    'channels:\n  telegram: { token: { env: T }, chats: [-1001, 5], quietHours: "22:00-7:00", digest: "8:00" }\n  console: {}\n'
  const routes =
    'routes:\n  - { match: { severity: critical, service: "w*", kind: switch }, to: [telegram, console], grace: 0 }\n  - { match: { kind: silence }, to: [] }\n  - { to: telegram }\n'
  const steps = 'escalation: [{ after: 5m, to: telegram }]\n'
  const path = writeConfig(t, `host: a\n${channels}${routes}${steps}`)
  const { context, out } = paperContext()
  assert.equal(await run(context, ['check', path], {}), 0)
  assert.equal(
    out().split('\n\n').slice(1).join('\n\n'),
    `CHANNEL   CHATS           QUIET
telegram  -1001, 5        22:00–07:00, told at 08:00
console   heald logs bot

NOTICES                       GO TO              SOUND AFTER
critical; of w*; kind switch  telegram, console  at once
kind silence                  nowhere            10 s
all others                    telegram           10 s
after 5 m, unless acked       telegram
`,
  )
  const plain = paperContext()
  assert.equal(await run(plain.context, ['check', writeConfig(t, `host: a\n${channels}`)], {}), 0)
  assert.match(plain.out(), /^all {2,}telegram /m)
  const json = paperContext({ json: true })
  await run(json.context, ['check', path], {})
  const { channels: names, routes: ways } = JSON.parse(json.out())
  assert.deepEqual([names, ways[1].to, ways.length], [['telegram', 'console'], [], 3])
})

test('--json is one document, for good and for bad', async t => {
  const bad = paperContext({ json: true })
  const path = writeConfig(t, BAD)
  assert.equal(await run(bad.context, ['check', path], {}), 1)
  const answer = JSON.parse(bad.out())
  assert.deepEqual([answer.ok, answer.file, answer.services, answer.sha256], [false, path, [], null])
  assert.deepEqual(
    answer.problems.map((problem: { line: number; column: number; path: string }) => [
      problem.line,
      problem.column,
      problem.path,
    ]),
    [
      [4, 29, 'services.agent.env.a…'],
      [5, 36, 'services.agent.health.evry'],
    ],
  )
  const good = paperContext({ json: true })
  assert.equal(await run(good.context, ['check', writeConfig(t, 'services: { a: { run: sh } }')], {}), 0)
  assert.deepEqual(JSON.parse(good.out()).services, ['a'])
})

test('wrong use and a missing file are Faults', async t => {
  const { context } = paperContext()
  for (const words of [[], ['chekc'], ['check', 'a', 'b']]) {
    await assert.rejects(run(context, words, {}), (error: unknown) => codeOf(error) === 'usage.words')
  }
  await assert.rejects(
    run(context, ['check', 'a'], { config: 'b' }),
    (error: unknown) => codeOf(error) === 'usage.words',
  )
  const gone = `${freshFolder(t)}/heald.yaml`
  await assert.rejects(run(context, ['check', gone], {}), (error: unknown) => codeOf(error) === 'config.missing')
})
