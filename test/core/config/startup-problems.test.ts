import { type Case, testProblems } from './marked.ts'

/** A target of releases, with more. */
const releases = (keys: string) => `targets:\n  app:\n    kind: releases\n    path: /srv/app\n    ${keys}\n`

const CASES: readonly Case[] = [
  [
    'a start that outlasts a probation',
    `services: { web: { run: x, target: app, health: { tcp: "a:1", startup: ‸150001ms } } }\n${releases('')}`,
    [
      [
        'services.web.health.startup',
        /a start may take longer than a new generation is waited for \(probation \+ 30 s\)/,
        /at most 2 m 30 s, or switch: \{ probation: "2 m 1 ms" \}/,
      ],
    ],
  ],
  [
    'starts that outlast a short probation',
    `services:
  a: { run: x, target: app, startup: { tcp: "a:1", startup: ‸32s }, liveness: { tcp: "a:1", startup: 9m } }
  b: { run: x, target: app, liveness: { tcp: "a:1", startup: ‸31.1s } }
  c: { run: x, target: app, readiness: { tcp: "a:1", startup: 31s } }
  d: { run: x, health: { tcp: "a:1", startup: 9m } }
${releases('checks: [{ tcp: "a:1" }, { tcp: "a:1", startup: ‸9d }]')}switch: { probation: 1s }
`,
    [
      ['services.a.startup.startup', /a start may take longer/, /at most 31 s, or switch: \{ probation: "2 s" \}/],
      ['services.b.liveness.startup', /a start may take longer/, /probation: "1 s 100 ms"/],
      ['targets.app.checks[1].startup', /longer than a new generation is waited for/, /write at most 31 s$/],
    ],
  ],
  [
    'a start beside a probation that is none',
    `services: { web: { run: x, target: app, health: { tcp: "a:1", startup: 9m } } }\n${releases('')}switch: { probation: ‸9d }\n`,
    [['switch.probation', /too long/, /7 d/]],
  ],
]

testProblems(CASES)
