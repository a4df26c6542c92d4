import { type Case, testProblems } from './marked.ts'

/** A file with all channels and two services, and more. */
const file = (more: string) => `services: { web: { run: x }, job-a: { run: x } }
channels:
  telegram: { token: { env: T }, chats: [1] }
  slack: { botToken: { env: B }, appToken: { env: A }, channels: [C01] }
  whatsapp: { chats: ["12345@c.us"] }
${more}
`

const CASES: readonly Case[] = [
  // Routes
  ['routes in a map', file('routes: ‸{ to: slack }'), [['routes', /must be a list, not a map/, /routes: \[\{ match/]]],
  ['routes of nothing', file('‸routes:'), [['routes', /nothing in it/, /or remove/]]],
  ['a route of text', file('routes: [‸slack]'), [['routes[0]', /map of keys, not text/, /to: \[telegram/]]],
  ['a route’s near key', file('routes: [{ to: slack, ‸graces: 1s }]'), [['routes[0].graces', /unknown/, /"grace"/]]],
  [
    'a match’s near key',
    file('routes: [{ to: slack, match: { ‸severty: info } }]'),
    [['routes[0].match.severty', /unknown/, /"severity"/]],
  ],
  [
    'a route to nowhere said',
    file('routes: [‸{ grace: 1s }]'),
    [['routes[0]', /no key "to"/, /add the channels, like \{ match/]],
  ],
  [
    'a near place',
    file('routes: [{ to: [slack, ‸telegramm] }]'),
    [['routes[0].to[1]', /not a channel of this file/, /did you mean "telegram"\?/]],
  ],
  [
    'a place alone',
    file('routes: [{ to: ‸discord }]'),
    [['routes[0].to', /not a channel of this file/, /one of telegram, slack, whatsapp|did you mean/]],
  ],
  [
    'a place without channels',
    'routes: [{ to: ‸slack }]\n',
    [['routes[0].to', /not a channel/, /add it, like channels: \{/]],
  ],
  [
    'a place among channels that are none',
    'routes: [{ to: slack }]\nchannels: ‸slack\n',
    [['channels', /map of keys/, /channels:/]],
  ],
  ['a place of a number', file('routes: [{ to: ‸7 }]'), [['routes[0].to', /must be text/, /telegram/]]],
  [
    'a place in a map',
    file('routes: [{ to: ‸{ a: 1 } }]'),
    [['routes[0].to', /must be a list, not a map/, /\[telegram/]],
  ],
  ['WhatsApp alone', file('routes: [{ to: ‸[whatsapp] }]'), [['routes[0].to', /only channel of this route/, /banned/]]],
  [
    'WhatsApp alone, twice',
    file('routes: [{ to: ‸[whatsapp, whatsapp] }]'),
    [['routes[0].to', /only channel/, /banned/]],
  ],
  ['a long grace', file('routes: [{ to: slack, grace: ‸11m }]'), [['routes[0].grace', /too long/, /at most 10 m/]]],
  ['a bare grace', file('routes: [{ to: slack, grace: ‸10 }]'), [['routes[0].grace', /no unit/, /10s/]]],
  [
    'a near severity',
    file('routes: [{ to: slack, match: { severity: ‸critcal } }]'),
    [['routes[0].match.severity', /not a severity/, /did you mean critical\?/]],
  ],
  [
    'a far severity',
    file('routes: [{ to: slack, match: { severity: [info, ‸page] } }]'),
    [['routes[0].match.severity[1]', /not a severity/, /one of info, warning, critical/]],
  ],
  [
    'no severity',
    file('routes: [{ to: slack, match: { severity: ‸[] } }]'),
    [['routes[0].match.severity', /nothing fits/, /remove the key/]],
  ],
  [
    'a kind that is none',
    file('routes: [{ to: slack, match: { kind: ‸incidents } }]'),
    [['routes[0].match.kind', /not a kind of notice/, /incident\?/]],
  ],
  [
    'a near service',
    file('routes: [{ to: slack, match: { service: ‸wep } }]'),
    [['routes[0].match.service', /not a service of this file/, /did you mean "web"\?/]],
  ],
  [
    'a far service',
    file('routes: [{ to: slack, match: { service: [web, "job-*", ‸database] } }]'),
    [['routes[0].match.service[2]', /not a service/, /or one with \*/]],
  ],
  [
    'a pattern that is none',
    file('routes: [{ to: slack, match: { service: ‸"We?" } }]'),
    [['routes[0].match.service', /not the name of a service/, /"web-\*"/]],
  ],
  [
    'a route behind all',
    file('routes: [{ to: telegram }, ‸{ to: slack, match: { kind: switch } }]'),
    [['routes[1]', /never reached/, /move it up/]],
  ],
  [
    'a route behind an empty match',
    file('routes: [{ to: telegram, match: {} }, ‸{ to: slack }]'),
    [['routes[1]', /never reached/, /move it up/]],
  ],
  // Noise
  ['notify in a list', file('notify: ‸[logs]'), [['notify', /map of keys/, /notify: \{ logs/]]],
  ['notify’s near key', file('notify: { ‸log: true }'), [['notify.log', /unknown/, /"logs"/]]],
  ['logs of text', file('notify: { logs: ‸"yes" }'), [['notify.logs', /true or false, not text/, /without quotes/]]],
  ['flap of one', file('notify: { flap: { changes: ‸1 } }'), [['notify.flap.changes', /out of range/, /from 2/]]],
  ['flap’s near key', file('notify: { flap: { ‸witin: 1m } }'), [['notify.flap.witin', /unknown/, /"within"/]]],
  ['a long flap', file('notify: { flap: { within: ‸2d } }'), [['notify.flap.within', /too long/, /1 d/]]],
  // Escalation
  ['escalation in a map', file('escalation: ‸{ after: 5m }'), [['escalation', /must be a list/, /after: 5m/]]],
  [
    'a step’s near key',
    file('escalation: [{ after: 5m, to: slack, ‸unles: acked }]'),
    [['escalation[0].unles', /unknown/, /"unless"/]],
  ],
  ['a step without a time', file('escalation: [‸{ to: slack }]'), [['escalation[0]', /no key "after"/, /after: 5m/]]],
  ['a step to nobody said', file('escalation: [‸{ after: 5m }]'), [['escalation[0]', /no key "to"/, /after: 5m/]]],
  [
    'a step to nobody',
    file('escalation: [{ after: 5m, to: ‸[] }]'),
    [['escalation[0].to', /calls nobody/, /\[telegram, slack\]/]],
  ],
  [
    'a step to WhatsApp alone',
    file('escalation: [{ after: 5m, to: ‸whatsapp }]'),
    [['escalation[0].to', /only channel of this step/, /banned/]],
  ],
  [
    'a step to a near place',
    file('escalation: [{ after: 5m, to: [‸slac] }]'),
    [['escalation[0].to[0]', /not a channel/, /"slack"/]],
  ],
  [
    'a step out of order',
    file('escalation: [{ after: 5m, to: slack }, { after: ‸300s, to: slack }]'),
    [['escalation[1].after', /not later than the step before/, /in order/]],
  ],
  ['a short step', file('escalation: [{ after: ‸0, to: slack }]'), [['escalation[0].after', /too short/, /1 s/]]],
  [
    'another unless',
    file('escalation: [{ after: 5m, to: slack, unless: ‸ack }]'),
    [['escalation[0].unless', /not what ends an escalation/, /acked or resolved/]],
  ],
  ['a fallback through a shell', file('fallback: ‸mail ops | cat'), [['fallback', /has a \|/, /sh, -c/]]],
  ['a fallback of nothing', file('fallback: ‸[]'), [['fallback', /no program/, /node/]]],
  // Maintenance
  ['maintenance in a map', file('maintenance: ‸{ cron: a }'), [['maintenance', /must be a list/, /cron:/]]],
  [
    'a window’s near key',
    file('maintenance: [{ cron: "0 3 * * *", for: 1h, ‸way: a }]'),
    [['maintenance[0].way', /unknown/, /"why"/]],
  ],
  [
    'a window without a time',
    file('maintenance: [‸{ why: a }]'),
    [['maintenance[0]', /not say when/, /from and to, or cron and for/]],
  ],
  [
    'a window of both forms',
    file('maintenance: [{ from: 2026-01-01, to: 2026-01-02, ‸cron: "0 3 * * *", ‸for: 1h }]'),
    [
      ['maintenance[0].cron', /beside from and to/, /or cron and for/],
      ['maintenance[0].for', /beside from and to/, /or cron and for/],
    ],
  ],
  [
    'a window without an end',
    file('maintenance: [‸{ from: 2026-01-01 }]'),
    [['maintenance[0]', /no key "to"/, /from and to/]],
  ],
  [
    'a window of no length',
    file('maintenance: [‸{ cron: "0 3 * * *" }]'),
    [['maintenance[0]', /no key "for"/, /cron and for/]],
  ],
  [
    'an end before',
    file('maintenance: [{ from: 2026-01-01T12:00Z, to: ‸2026-01-01T13:00+02:00 }]'),
    [['maintenance[0].to', /not after from/, /when it ends/]],
  ],
  [
    'a moment of text',
    file('maintenance: [{ from: ‸tomorrow, to: 2026-01-02 }]'),
    [['maintenance[0].from', /not a moment/, /2026-11-30T22:00/]],
  ],
  [
    'a moment of a number',
    file('maintenance: [{ from: ‸2026, to: 2026-01-02 }]'),
    [['maintenance[0].from', /a moment, not a number/, /2026-11/]],
  ],
  [
    'a day that is none',
    file('maintenance: [{ from: ‸2026-02-30, to: 2026-03-02 }]'),
    [['maintenance[0].from', /no calendar has/, /mend/]],
  ],
  [
    'an hour that is none',
    file('maintenance: [{ from: ‸"2026-02-20T25:00", to: 2026-03-02 }]'),
    [['maintenance[0].from', /no calendar has/, /mend/]],
  ],
  [
    'a zone that is none',
    file('maintenance: [{ from: ‸"2026-02-20T20:00+25:00", to: 2026-03-02 }]'),
    [['maintenance[0].from', /nowhere/, /2026-11/]],
  ],
  [
    'a cron of four',
    file('maintenance: [{ cron: ‸"0 3 * *", for: 1h }]'),
    [['maintenance[0].cron', /4 fields instead of five/, /minute, hour/]],
  ],
  [
    'a cron with seconds',
    file('maintenance: [{ cron: ‸"0 0 3 * * *", for: 1h }]'),
    [['maintenance[0].cron', /6 fields/, /minute, hour/]],
  ],
  [
    'a cron of a word',
    file('maintenance: [{ cron: ‸nightly, for: 1h }]'),
    [['maintenance[0].cron', /one field/, /minute, hour/]],
  ],
  [
    'a field out of range',
    file('maintenance: [{ cron: ‸"61 3 * * *", for: 1h }]'),
    [['maintenance[0].cron', /can not be read/, /minute 0-59/]],
  ],
  [
    'a cron that never comes',
    file('maintenance: [{ cron: ‸"0 3 30 2 *", for: 1h }]'),
    [['maintenance[0].cron', /never comes/, /no calendar/]],
  ],
  [
    'a cron of a number',
    file('maintenance: [{ cron: ‸5, for: 1h }]'),
    [['maintenance[0].cron', /must be text/, /0 3/]],
  ],
  [
    'a short window',
    file('maintenance: [{ cron: "@daily", for: ‸59s }]'),
    [['maintenance[0].for', /too short/, /1 m/]],
  ],
  [
    'a window of a service that is none',
    file('maintenance: [{ cron: "@daily", for: 1h, match: { service: ‸wep } }]'),
    [['maintenance[0].match.service', /not a service/, /"web"/]],
  ],
  [
    'a zone and moments',
    `${file('maintenance: [{ from: 2026-01-02, to: 2026-01-01 }]')}tz: ‸Europe/Berlinn\n`,
    [['tz', /not a time zone/, /Europe\/Berlin/]],
  ],
]

testProblems(CASES)
