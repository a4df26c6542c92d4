import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConfig } from '../../../core/config/load.ts'
import { ABLE, writeConfig } from './folder.ts'
import { type Case, testProblems } from './marked.ts'

const WEAK = { isRoot: false, canLimit: { memory: false, pids: false } }

/** A target "app" of which only the keys are written. */
const app = (keys: string) => `targets:\n  app:\n${keys.replaceAll(/^/gm, '    ')}\n`
/** A whole one of releases, with more. */
const releases = (keys: string) => app(`kind: releases\npath: /srv/app\n${keys}`)
const APP = 'targets.app'

const CASES: readonly Case[] = [
  // Shapes
  ['targets in a list', 'targets: ‸[app]\n', [['targets', /must be a map of keys, not a list/, /targets: \{ app/]]],
  ['targets of nothing', '‸targets:\n', [['targets', /nothing in it/, /targets: \{ app.*or remove/]]],
  ['a target of nothing', 'targets:\n  ‸app:\n', [[APP, /nothing in it/, /\{ kind: releases/]]],
  ['a target that is a path', 'targets:\n  app: ‸/srv/app\n', [[APP, /must be a map of keys, not text/, /kind:/]]],
  ['an unknown key', releases('‸keepgood: 3'), [[`${APP}.keepgood`, /unknown key/, /"keepGood"/]]],
  ['a far key', releases('‸flavour: 3'), [[`${APP}.flavour`, /unknown key/, /the keys here are kind, path, profile/]]],
  ['a dangerous target', 'targets:\n  ‸__proto__: {}\n', [['targets.__proto__', /usable name/, /choose/]]],
  ['a dangerous key', releases('‸__proto__: {}'), [[`${APP}.__proto__`, /usable name/, /choose/]]],
  [
    'a name',
    'targets:\n  ‸My_App: { kind: nixos }\n',
    [['targets.My_App', /name for a target/, /small letters.*like app/]],
  ],
  ['switch in a list', 'switch: ‸[2m]\n', [['switch', /must be a map of keys, not a list/, /switch: \{ probation/]]],
  ['an unknown key of switch', 'switch: { ‸deadman: 5m }\n', [['switch.deadman', /unknown key/, /"deadMan"/]]],
  ['a budget', 'switch: { budget: ‸4 }\n', [['switch.budget', /must be a map of keys, not a number/, /perHour: 2/]]],
  [
    'an unknown key of budget',
    'switch: { budget: { ‸perWeek: 4 } }\n',
    [['switch.budget.perWeek', /unknown key/, /perDay|perHour/]],
  ],
  // Kinds and the keys that belong to them
  ['no kind', 'targets:\n  ‸app: { path: /srv/app }\n', [[APP, /has no key "kind"/, /releases, nix-profile, nixos/]]],
  ['a near kind', app('kind: ‸release'), [[`${APP}.kind`, /not a kind of target/, /did you mean releases\?/]]],
  ['a far kind', app('kind: ‸docker'), [[`${APP}.kind`, /not a kind/, /one of releases, nix-profile, nixos/]]],
  ['a kind that is no text', app('kind: ‸[nixos]'), [[`${APP}.kind`, /a kind of target, not a list/, /one of/]]],
  ['a kind of nothing', app('‸kind:'), [[`${APP}.kind`, /a kind of target, not nothing/, /one of/]]],
  ['no path', 'targets:\n  ‸app: { kind: releases }\n', [[APP, /has no key "path"/, /path: \/srv\/app/]]],
  ['no profile', 'targets:\n  ‸app: { kind: nix-profile }\n', [[APP, /has no key "profile"/, /profile: \/nix/]]],
  [
    'a profile of releases',
    app('kind: releases\n‸profile: /p\n‸running: /r'),
    [
      [`${APP}.profile`, /not belong to a target of kind releases/, /write path, like path:/],
      [`${APP}.running`, /not belong to a target of kind releases/, /remove it/],
    ],
  ],
  [
    'a path of a profile',
    app('kind: nix-profile\n‸path: /p\n‸user: app\n‸running: /r'),
    [
      [`${APP}.path`, /not belong to a target of kind nix-profile/, /write profile, like profile:/],
      [`${APP}.user`, /not belong to a target of kind nix-profile/, /remove it/],
      [`${APP}.running`, /not belong to a target of kind nix-profile/, /remove it/],
    ],
  ],
  [
    'what a system has not',
    app('kind: nixos\n‸path: /p\n‸user: app\n‸activate: x'),
    [
      [`${APP}.path`, /not belong to a target of kind nixos/, /write profile/],
      [`${APP}.user`, /not belong to a target of kind nixos/, /remove it/],
      [`${APP}.activate`, /not belong to a target of kind nixos/, /switch-to-configuration/],
    ],
  ],
  ['both places', releases('‸profile: /p'), [[`${APP}.profile`, /not belong/, /remove it; the target has a path/]]],
  // Places
  ['a path of nothing', app('kind: releases\n‸path:'), [[`${APP}.path`, /must be text, not nothing/, /\/srv\/app/]]],
  ['a path of a number', app('kind: releases\npath: ‸7'), [[`${APP}.path`, /must be text/, /quotes/]]],
  ['an empty path', app('kind: releases\npath: ‸""'), [[`${APP}.path`, /is empty/, /\/srv\/app/]]],
  ['a path up', app('kind: releases\npath: ‸a/../b'), [[`${APP}.path`, /has a "\.\." in it/, /path that is meant/]]],
  ['a profile up', app('kind: nixos\nprofile: ‸../p'), [[`${APP}.profile`, /has a "\.\."/, /path that is meant/]]],
  ['what runs up', app('kind: nixos\nrunning: ‸../r'), [[`${APP}.running`, /has a "\.\."/, /path that is meant/]]],
  ['the root', app('kind: releases\npath: ‸//./'), [[`${APP}.path`, /root folder/, /\/srv\/app/]]],
  [
    'one place twice',
    'targets:\n  a: { kind: releases, path: /srv/app }\n  b: { kind: releases, path: ‸/srv//app/ }\n',
    [['targets.b.path', /place of target "a" already/, /keep one/]],
  ],
  [
    'one place of two kinds',
    'targets:\n  a: { kind: nix-profile, profile: /p }\n  b: { kind: releases, path: ‸/p }\n',
    [['targets.b.path', /place of target "a" already/, /keep one/]],
  ],
  [
    'two systems',
    'targets:\n  a: { kind: nixos }\n  ‸b: { kind: nixos }\n',
    [['targets.b', /profile of target "a"/, /keep one/]],
  ],
  // Values
  ['a pipe', releases('activate: ‸a | b'), [[`${APP}.activate`, /has a \|/, /sh, -c/]]],
  ['an empty command', releases('activate: ‸[]'), [[`${APP}.activate`, /no program/, /node, agent.js/]]],
  ['a variable', releases('activate: ‸PORT=1 x'), [[`${APP}.activate`, /begins with a variable/, /program env in/]]],
  ['a word that is none', releases('activate: [a, ‸[b]]'), [[`${APP}.activate[1]`, /must be text/, /quotes/]]],
  ['a user’s number', releases('user: ‸1000'), [[`${APP}.user`, /name of a user/, /www-data/]]],
  ['a short deadline', releases('activationDeadline: ‸999ms'), [[`${APP}.activationDeadline`, /too short/, /1 s/]]],
  ['a long deadline', releases('activationDeadline: ‸61m'), [[`${APP}.activationDeadline`, /too long/, /1 h/]]],
  ['a bare window', releases('blameWindow: ‸24'), [[`${APP}.blameWindow`, /no unit/, /24s/]]],
  ['a count of none', releases('keepGood: ‸0'), [[`${APP}.keepGood`, /out of range: 0/, /from 1 to 10/]]],
  ['a count of many', releases('keepGood: ‸11'), [[`${APP}.keepGood`, /out of range: 11/, /from 1 to 10/]]],
  ['irreversible text', releases('irreversible: ‸v7'), [[`${APP}.irreversible`, /true, false or a list/, /\[2026/]]],
  ['an irreversible path', releases('irreversible: [a, ‸b/c]'), [[`${APP}.irreversible[1]`, /not the name/, /alone/]]],
  ['an irreversible map', releases('irreversible: [‸{ a: 1 }]'), [[`${APP}.irreversible[0]`, /be text/, /"v7"/]]],
  ['an irreversible dot', releases('irreversible: [‸..]'), [[`${APP}.irreversible[0]`, /not the name/, /alone/]]],
  // Checks
  [
    'checks in a map',
    releases('checks: ‸{ tcp: "a:1" }'),
    [[`${APP}.checks`, /must be a list, not a map/, /\[\{ http/]],
  ],
  ['checks of nothing', releases('‸checks:'), [[`${APP}.checks`, /nothing in it/, /checks: \[\{ http/]]],
  ['a check of text', releases('checks: [‸a]'), [[`${APP}.checks[0]`, /a map of keys, not text/, /\{ http/]]],
  [
    'no check',
    releases('checks: [{ tcp: "a:1" }, ‸{ every: 5s }]'),
    [[`${APP}.checks[1]`, /not say what/, /http, tcp/]],
  ],
  [
    'two checks in one',
    releases('checks: [{ tcp: "a:1", ‸http: "http://a/" }]'),
    [[`${APP}.checks[0].http`, /second check beside tcp/, /keep one; write the other as a check of its own/]],
  ],
  ['a slow check', releases('checks: [{ tcp: "a:1", timeout: ‸6s }]'), [[`${APP}.checks[0].timeout`, /longer/, /at/]]],
  ['a check’s key', releases('checks: [{ tcp: "a:1", ‸evry: 5s }]'), [[`${APP}.checks[0].evry`, /unknown/, /"every"/]]],
  ['a unit’s check', releases('checks: [{ unit: ‸a }]'), [[`${APP}.checks[0].unit`, /not the name/, /add/]]],
  ['a port alone', releases('checks: [{ tcp: ‸80 }]'), [[`${APP}.checks[0].tcp`, /host too/, /127\.0\.0\.1:80/]]],
  // Services
  [
    'a near target',
    'services: { web: { run: x, target: ‸ap } }\ntargets: { app: { kind: nixos } }\n',
    [['services.web.target', /not a target of this file/, /did you mean "app"\?/]],
  ],
  [
    'a far target',
    'services: { web: { run: x, target: ‸toString } }\ntargets: { app: { kind: nixos } }\n',
    [['services.web.target', /not a target of this file/, /write the name of a target/]],
  ],
  [
    'a target without targets',
    'services: { web: { run: x, target: ‸app } }\n',
    [['services.web.target', /not a target of this file/, /add it, like targets: \{ app: \{ kind/]],
  ],
  ['a target of a number', 'services: { web: { run: x, target: ‸7 } }\n', [['services.web.target', /text/, /quotes/]]],
  [
    'a target among targets that are none',
    'services: { web: { run: x, target: app } }\ntargets: ‸app\n',
    [['targets', /must be a map of keys/, /targets:/]],
  ],
  // Users
  ['a user without root', releases('user: ‸app'), [[`${APP}.user`, /heald to run as root/, /remove the key/]], WEAK],
  [
    'users that differ',
    `services:\n  a: { run: x, user: web, target: app }\n  b: { run: x, user: job, target: app }\n${releases('').replace('app:', '‸app:')}`,
    [[APP, /services of different users: a as web, b as job/, /add the user.*like user: web/]],
  ],
  [
    'a user and heald’s own',
    `services:\n  a: { run: x, target: app }\n  b: { run: x, user: job, target: app }\n${releases('').replace('app:', '‸app:')}`,
    [[APP, /different users: a as whoever runs heald, b as job/, /like user: job/]],
  ],
  [
    'a user that is none',
    `services:\n  a: { run: x, user: web, target: app }\n  b: { run: x, user: ‸"a b", target: app }\n${releases('')}`,
    [['services.b.user', /not the name of a user/, /www-data/]],
  ],
  // switch
  ['a short probation', 'switch: { probation: ‸99ms }\n', [['switch.probation', /too short/, /100 ms/]]],
  ['a long probation', 'switch: { probation: ‸8d, deadMan: 1s }\n', [['switch.probation', /too long/, /7 d/]]],
  ['no passes', 'switch: { passes: ‸0 }\n', [['switch.passes', /out of range/, /1 to 1000/]]],
  ['a dead-man of text', 'switch: { deadMan: ‸soon }\n', [['switch.deadMan', /not a duration/, /5/]]],
  ['a long dead-man', 'switch: { deadMan: ‸25d }\n', [['switch.deadMan', /too long/, /24 d/]]],
  [
    'a dead-man without targets',
    'switch: { deadMan: ‸2m59.9s }\n',
    [['switch.deadMan', /a switch that goes well/, /at least 3 m \(probation \+ 60 s\)/]],
  ],
  [
    'a dead-man of zero',
    'switch: { probation: 100ms, deadMan: ‸0 }\n',
    [['switch.deadMan', /a switch that goes well/, /at least 1 m 100 ms /]],
  ],
  [
    'a dead-man and two targets',
    'targets:\n  a: { kind: nixos, activationDeadline: 10m }\n  b: { kind: nix-profile, profile: /p }\nswitch: { probation: 1.5s, deadMan: ‸11m }\n',
    [['switch.deadMan', /a switch that goes well/, /11 m 1 s 500 ms \(the longest activationDeadline \+ probation/]],
  ],
  [
    'a dead-man beside a deadline that is none',
    'targets:\n  a: { kind: nixos, activationDeadline: ‸2h }\nswitch: { deadMan: 3m }\n',
    [['targets.a.activationDeadline', /too long/, /1 h/]],
  ],
  [
    'more an hour than a day',
    'switch: { budget: { perHour: ‸3, perDay: 2 } }\n',
    [['switch.budget.perHour', /more than perDay$/, /at most 2, or perDay: 3/]],
  ],
  [
    'more an hour than a day has',
    'switch: { budget: { perHour: ‸5 } }\n',
    [['switch.budget.perHour', /more than perDay, which is 4 when left out/, /at most 4, or perDay: 5/]],
  ],
  [
    'a budget beyond',
    'switch: { budget: { perHour: ‸1001, perDay: ‸-1 } }\n',
    [
      ['switch.budget.perHour', /out of range/, /0 to 1000/],
      ['switch.budget.perDay', /out of range/, /0 to 1000/],
    ],
  ],
  [
    'all of it at once',
    `services:
  web: { run: x, user: ‸app, target: ‸nap }
targets:
  ‸App: { kind: ‸nixes, keepGood: ‸0 }
  ‸b: { kind: nix-profile, ‸running: /r, user: u, checks: [‸{}, ‸7] }
  c: { kind: releases, path: ‸/, ‸oops: 1 }
switch: { passes: ‸x, deadMan: ‸1s, budget: { perHour: ‸9 } }
`.replace('user: u', '‸user: u'),
    [
      ['services.web.user', /as root/, /remove/],
      ['services.web.target', /not a target/, /write the name/],
      ['targets.App', /usable name/, /small/],
      ['targets.App.kind', /not a kind/, /nixos\?/],
      ['targets.App.keepGood', /range/, /10/],
      ['targets.b', /no key "profile"/, /add/],
      ['targets.b.running', /belong/, /remove/],
      ['targets.b.user', /belong/, /remove/],
      ['targets.b.checks[0]', /what to check/, /tcp/],
      ['targets.b.checks[1]', /map of keys/, /http/],
      ['targets.c.path', /root folder/, /srv/],
      ['targets.c.oops', /unknown/, /keys here/],
      ['switch.passes', /must be a number/, /1 to 1000/],
      ['switch.deadMan', /goes well/, /4 m/],
      ['switch.budget.perHour', /more than/, /4/],
    ],
    WEAK,
  ],
]

testProblems(CASES)

test('a relative path in a file at the root leads to the root', async t => {
  // The folder of a file is what "." means.
  const text = 'targets:\n  a: { kind: releases, path: . }\n  b: { kind: releases, path: ./ }\n'
  const { problems = [] } = await checkConfig(writeConfig(t, text), { facts: ABLE })
  assert.deepEqual(
    problems.map(({ path, message }) => `${path} ${message}`),
    ['targets.b.path is the place of target "a" already'],
  )
})

test('the least that is named for the dead-man is enough, and a millisecond less is not', async t => {
  for (const probation of ['100ms', '2m', '59.7s', '6d', '3h59m59s999ms']) {
    const file = (deadMan: string) =>
      `targets: { a: { kind: nixos, activationDeadline: 7m } }\nswitch: { probation: ${probation}, deadMan: ${deadMan} }\n`
    const told = await checkConfig(writeConfig(t, file('1ms')), { facts: ABLE })
    const [, least = ''] = /at least ([^(]+) \(/.exec(told.problems?.[0]?.hint ?? '') ?? []
    const { config } = await checkConfig(writeConfig(t, file(least)), { facts: ABLE })
    assert.ok(config !== undefined, `${probation}: ${least}`)
    const less = await checkConfig(writeConfig(t, file(`${config.switch.deadManMs - 1}ms`)), { facts: ABLE })
    assert.equal(less.problems?.length, 1)
  }
})

test('a name that is none, and may be a secret, is not repeated in words about another key', async t => {
  const secret = 'hunter2hunter2'
  const texts = [
    `targets:\n  "TOKEN=${secret}": { kind: nixos }\n  two: { kind: nixos }\n`,
    `services:\n  "TOKEN=${secret}": { run: x, target: app }\n  b: { run: x, user: b, target: app }\n${releases('')}`,
  ]
  for (const text of texts) {
    const { problems = [] } = await checkConfig(writeConfig(t, text), { facts: ABLE })
    assert.ok(problems.length > 0)
    const told = problems.map(({ path, message, hint }) => ({ path, message, hint }))
    assert.ok(!JSON.stringify(told).includes(secret), JSON.stringify(told, null, 1))
  }
})
