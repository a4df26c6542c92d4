import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostFacts } from '../../../core/config/facts.ts'
import { checkConfig } from '../../../core/config/load.ts'
import { writeConfig } from './folder.ts'
import { type Case, testProblems } from './marked.ts'

const WEAK: HostFacts = { isRoot: false, canLimit: { memory: false, pids: false } }
const service = (lines: string) => `services:\n  web:\n    run: x\n${lines.replaceAll(/^/gm, '    ')}\n`
const unit = (lines: string) => `services:\n  web:\n    ${lines}\n`

const CASES: readonly Case[] = [
  // The file as a whole
  ['nothing in it', '‸', [['', /is empty/, /heald init/]]],
  ['only comments', '‸# nothing\n', [['', /is empty/, /heald init/]]],
  ['a list', '‸- a\n', [['', /must be a map of keys, not a list/, /key: value/]]],
  ['a word', '‸services\n', [['', /must be a map of keys, not text/, /key: value/]]],
  ['a tab', 'services:\n‸\tweb: 1\n', [['', /tab/, /use spaces/]]],
  ['an open quote', 'host: ‸"web\nservices: {}\n', [['', /lacks a quote/, /quotes, brackets/]]],
  ['an open bracket', 'services: { web: { run: x }\n‸', [['', /bracket is not closed/, /spaces/]]],
  ['two colons', 'host: ‸a: b\n', [['', /second ": "/, /quotes/]]],
  ['a reserved sign', 'host: ‸@x\n', [['', /begins with @/, /quotes/]]],
  ['two documents', 'host: a\n‸---\nhost: b\n', [['', /second document/, /one configuration/]]],
  ['an unknown tag', 'host: ‸!!js/function x\n', [['', /tag/, /remove it/]]],
  ['a bad escape', 'host: "‸\\q"\n', [['', /backslash/, /\\\\/]]],
  ['a key of brackets', '? ‸[a]\n: 1\n', [['', /not a usable key/, /plain text/]]],
  ['an alias of nothing', 'host: ‸*x\n', [['host', /alias/, /write the value out/]]],
  ['an alias of itself', 'services: &s { web: ‸*s }\n', [['services.web', /alias of itself/, /write/]]],
  ['a key written twice', 'host: a\n‸host: b\n', [['host', /written twice/, /keep one/]]],
  ['a service written twice', `${service('')}  ‸web: { run: y }\n`, [['services.web', /written twice/, /keep one/]]],
  ['a dangerous key', service('env:\n  ‸__proto__: x'), [['services.web.env.__proto__', /usable name/, /choose/]]],
  ['JSON', '{\n  "host": "a",\n  ‸"hots": 1\n}\n', [['hots', /unknown key/, /"host"/]]],
  // Keys
  ['an unknown key', '‸hsot: a\n', [['hsot', /unknown key/, /did you mean "host"\?/]]],
  [
    'a far key',
    '‸flavour: a\n',
    [['flavour', /unknown key/, /the keys here are host, tz, services, units, targets, switch, ledger/]],
  ],
  ['a key in other capitals', service('‸depends-on: []'), [['services.web.depends-on', /unknown key/, /"dependsOn"/]]],
  ['a merge', service('‸<<: { run: y }'), [['services.web.<<', /unknown key/, /not supported/]]],
  [
    'a probe’s key',
    service('health: { tcp: "a:1", ‸evry: 5s }'),
    [['services.web.health.evry', /unknown key/, /"every"/]],
  ],
  [
    'a key deep down',
    service('restart: { backoff: { ‸bse: 1s } }'),
    [['services.web.restart.backoff.bse', /unknown/, /"base"/]],
  ],
  ['a key of later', '‸metrics:\n  a: 1\n', [['metrics', /not supported by this version/, /remove it/]]],
  ['a unit without its type', unit('unit: ‸a'), [['services.web.unit', /not the name of a unit/, /add \.service/]]],
  ['a unit that is no service', unit('unit: ‸a.timer'), [['services.web.unit', /not a service/, /agent\.service/]]],
  ['a template', unit('unit: ‸a@.service'), [['services.web.unit', /template/, /worker@1/]]],
  ['a path for a unit', unit('unit: ‸/etc/a.service'), [['services.web.unit', /not the name/, /systemctl/]]],
  ['a unit’s number', unit('unit: ‸1'), [['services.web.unit', /must be text/, /quotes/]]],
  ['heald’s own unit', unit('unit: ‸heald.service'), [['services.web.unit', /heald’s own/, /remove this service/]]],
  [
    'one of its others',
    unit('unit: ‸heald-bot.service'),
    [['services.web.unit', /heald’s own/, /remove this service/]],
  ],
  [
    'a unit and a command',
    'services:\n  web:\n    ‸run: x\n    unit: a.service\n',
    [['services.web.run', /does not belong/, /remove one/]],
  ],
  ['a unit’s user', unit('unit: a.service\n    ‸user: x'), [['services.web.user', /does not belong/, /User=/]]],
  [
    'a unit’s limits',
    unit('unit: a.service\n    ‸limits: { pids: 3 }'),
    [['services.web.limits', /not belong/, /TasksMax/]],
  ],
  [
    'a unit twice',
    'services:\n  a: { unit: x.service }\n  b: { unit: ‸x.service }\n',
    [['services.b.unit', /unit of a already/, /keep one/]],
  ],
  ['a unit’s check', service('health: { unit: ‸a }'), [['services.web.health.unit', /not the name/, /add \.service/]]],
  ['patterns that are none', 'units: ‸a\n', [['units', /must be a list/, /agent-\*/]]],
  ['a pattern for everything', 'units: [‸"*"]\n', [['units[0]', /not a pattern/, /add \.service/]]],
  ['entries kept for an hour', 'ledger: { keep: ‸1h }\n', [['ledger.keep', /too short/, /at least 1 d/]]],
  ['an archive for nothing', 'ledger: { ‸archive: /mnt/a }\n', [['ledger.archive', /nothing says when/, /keep: 365d/]]],
  // Names
  ['a host', 'host: ‸Web_1\n', [['host', /usable name/, /small letters/]]],
  ['a host that is no text', 'host: ‸1\n', [['host', /must be text, not a number/, /quotes/]]],
  ['a host of nothing', '‸host:\n', [['host', /must be text, not nothing/, /web-1/]]],
  ['a time zone', 'tz: ‸Europe/Berln\n', [['tz', /not a time zone/, /Europe\/Berlin\?/]]],
  [
    'a service’s name',
    'services:\n  ‸Web_1: { run: x }\n',
    [['services.Web_1', /name for a service/, /small letters/]],
  ],
  ['a service of nothing', 'services:\n  ‸web:\n', [['services.web', /nothing in it/, /run:/]]],
  ['services in a list', 'services: ‸[web]\n', [['services', /must be a map of keys, not a list/, /services: \{/]]],
  // Commands
  ['no command', 'services:\n  ‸web: { cwd: / }\n', [['services.web', /no key "run"/, /run: \[node/]]],
  ['an empty command', 'services: { web: { run: ‸[] } }\n', [['services.web.run', /no program/, /node, agent.js/]]],
  ['a pipe', 'services: { web: { run: ‸a | b } }\n', [['services.web.run', /has a \|/, /sh, -c/]]],
  [
    'a word that is none',
    'services: { web: { run: [a, ‸[b]] } }\n',
    [['services.web.run[1]', /must be text/, /quotes/]],
  ],
  ['a folder', service('cwd: ‸7'), [['services.web.cwd', /must be text/, /"?7|quotes/]]],
  ['a critical', service('critical: ‸"yes"'), [['services.web.critical', /true or false, not text/, /true or false/]]],
  // env names the key, never the value
  ['env in a list', service('env: ‸[A=1]'), [['services.web.env', /must be a map of keys, not a list/, /PORT/]]],
  ['a variable’s name', service('env: { ‸"A B": x }'), [['services.web.env.A…', /name for a variable/, /LOG_LEVEL/]]],
  ['a variable of nothing', service('env:\n  ‸A:'), [['services.web.env.A', /no value/, /""/]]],
  ['a variable of a list', service('env: { ‸A: [x] }'), [['services.web.env.A', /must be text, not a list/, /quotes/]]],
  // Durations and sizes
  ['a bare number', service('stop: { timeout: ‸5 }'), [['services.web.stop.timeout', /no unit: 5/, /5s/]]],
  ['too long', service('stop: { timeout: ‸90d }'), [['services.web.stop.timeout', /too long/, /24 d/]]],
  ['too short', service('crashLoop: { within: ‸1ms }'), [['services.web.crashLoop.within', /too short/, /1 s/]]],
  ['a size', service('limits: { memory: ‸lots }'), [['services.web.limits.memory', /not a size/, /512MiB/]]],
  ['a small size', service('limits: { memory: ‸512 }'), [['services.web.limits.memory', /too small/, /1 MiB/]]],
  ['a count', service('limits: { pids: ‸0 }'), [['services.web.limits.pids', /out of range: 0/, /from 1/]]],
  ['a fraction', service('logs: { keep: ‸1.5 }'), [['services.web.logs.keep', /whole number/, /from 0/]]],
  [
    'base beyond cap',
    service('restart: { backoff: { base: ‸1m } }'),
    [['services.web.restart.backoff.base', /longer than cap/, /shorter/]],
  ],
  [
    'a signal',
    service('stop: { signal: ‸TERM }'),
    [['services.web.stop.signal', /not a signal/, /did you mean SIGTERM\?/]],
  ],
  [
    'a far signal',
    service('stop: { signal: ‸POLITELY }'),
    [['services.web.stop.signal', /not a signal/, /one of SIGTERM/]],
  ],
  // Probes
  ['no check', service('‸health: { every: 5s }'), [['services.web.health', /does not say what to check/, /http, tcp/]]],
  [
    'two checks',
    service('health: { tcp: "a:1", ‸http: "http://a/" }'),
    [['services.web.health.http|services.web.health.tcp', /second check/, /keep one/]],
  ],
  [
    'slow',
    service('health: { tcp: "a:1", every: 1s, timeout: ‸2s }'),
    [['services.web.health.timeout', /longer than every/, /at most every/]],
  ],
  [
    'often',
    service('health: { tcp: "a:1", every: ‸500ms }'),
    [['services.web.health.every', /shorter than the timeout/, /timeout: 500ms/]],
  ],
  [
    'ftp',
    service('health: { http: ‸"ftp://a/" }'),
    [['services.web.health.http', /not an http or https URL but ftp/, /http:/]],
  ],
  ['no URL', service('health: { http: ‸localhost }'), [['services.web.health.http', /not a URL/, /http:/]]],
  [
    'a port alone',
    service('health: { http: ‸8080 }'),
    [['services.web.health.http', /must be a URL/, /127.0.0.1:8080/]],
  ],
  ['a password', service('health: { http: ‸"http://u:p@a/" }'), [['services.web.health.http', /password/, /remove/]]],
  ['a tcp port', service('health: { tcp: ‸8080 }'), [['services.web.health.tcp', /host too/, /"127.0.0.1:8080"/]]],
  ['no host', service('health: { tcp: ‸":80" }'), [['services.web.health.tcp', /not host:port/, /127/]]],
  [
    'a port beyond',
    service('health: { tcp: ‸"a:70000" }'),
    [['services.web.health.tcp', /out of range: 70000/, /65535/]],
  ],
  [
    'another’s key',
    service('health: { tcp: "a:1", ‸maxAge: 5s }'),
    [['services.web.health.maxAge', /belongs to a check of kind file/, /remove/]],
  ],
  [
    'a status',
    service('health: { http: "http://a/", status: ‸7 }'),
    [['services.web.health.status', /out of range/, /100 to 599/]],
  ],
  [
    'both ways',
    service('‸health: { tcp: "a:1" }\nliveness: { tcp: "a:1" }'),
    [['services.web.health', /beside liveness/, /either/]],
  ],
  // Dependencies
  [
    'nobody',
    `${service('dependsOn: [‸wbe]')}  wbx: { run: x }\n`,
    [['services.web.dependsOn[0]', /not a service/, /"wbx"/]],
  ],
  ['itself', service('dependsOn: [‸web]'), [['services.web.dependsOn[0]', /circle: web → web/, /remove/]]],
  [
    'a circle',
    'services:\n  a: { run: x, dependsOn: [b] }\n  b: { run: x, dependsOn: [c] }\n  c: { run: x, dependsOn: [‸a] }\n',
    [['services.c.dependsOn[0]', /circle: a → b → c → a/, /remove one/]],
  ],
  ['no list', service('dependsOn: ‸web'), [['services.web.dependsOn', /must be a list, not text/, /\[database\]/]]],
  // What the host can't do
  ['a user', service('user: ‸app'), [['services.web.user', /heald to run as root/, /remove/]], WEAK],
  ['a user’s name', service('user: ‸"a b"'), [['services.web.user', /not the name of a user/, /www-data/]]],
  [
    'limits',
    service('limits: { memory: ‸1GiB, pids: ‸9 }'),
    [
      ['services.web.limits.memory', /can't limit memory/, /doctor/],
      ['services.web.limits.pids', /can't limit the number of processes/, /doctor/],
    ],
    WEAK,
  ],
  ['a short secret', 'ledger: { redact: [‸abc] }\n', [['ledger.redact[0]', /shorter than 4/, /whole secret/]]],
]

testProblems(CASES)

test('every problem is told at once, in the order of the file', async t => {
  // Those that are one service each, with nothing beside it.
  const texts = CASES.map(([, marked]) => marked).filter(marked =>
    /^services:\n {2}web:\n {4}run: x\n( {4}.*\n)+$/.test(marked),
  )
  assert.ok(texts.length > 30)
  const bodies = texts.map((marked, index) =>
    marked.replaceAll('‸', '').replace(/^services:\n {2}web:/, `  web-${index}:`),
  )
  const path = writeConfig(t, `services:\n${bodies.join('')}`)
  const { problems = [] } = await checkConfig(path, { facts: WEAK })
  for (const [index] of texts.entries()) {
    const prefix = `services.web-${index}`
    assert.ok(
      problems.some(problem => problem.path.startsWith(`${prefix}.`)),
      `no problem for:\n${bodies[index]}`,
    )
  }
  const lines = problems.map(problem => problem.line)
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  )
})
