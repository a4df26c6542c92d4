import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { LinesFound } from '../../../core/api/ledger-query.ts'
import { filterOf } from '../../../core/cli/ledger-filter.ts'
import { fullTime } from '../../../core/cli/time.ts'
import { type AnswersOptions, createAnswers } from '../../../core/command/answers.ts'
import { type CliRun, cliApart } from '../../../core/command/cli-apart.ts'
import { parseText } from '../../../core/command/parse.ts'
import type { Filter } from '../../../core/ledger/filter.ts'
import { written } from '../ledger/stand.ts'

const NOW_MS = Date.parse('2026-11-29T12:00:00Z')
/** Two hours ahead of UTC in summer, one in winter. */
const TZ = 'Europe/Berlin'
const by = { nowMs: () => NOW_MS, tz: TZ }

/** What is asked of the subcommand when somebody types `ledger …` in a chat, and the zone in which it is asked. */
async function askedInChat(typed: string): Promise<CliRun> {
  let asked: CliRun | undefined
  const cli = async (run: CliRun): Promise<string> => {
    asked = run
    return '{"lines":[],"next":null,"bad":[]}'
  }
  const { args } = parseText(`ledger ${typed}`)
  const read = createAnswers({ cli, config: () => ({ tz: TZ }) } as unknown as AnswersOptions)
  const from = { platform: 'slack', user: 'T01/U01', chat: 'C01' } as const
  await read({ word: 'ledger', args, who: null, from })
  assert.ok(asked !== undefined)
  return asked
}

/** The filter; or what is said instead, with what to write. */
function filterOr(words: readonly string[]): Filter | string {
  try {
    return filterOf({}, words, by)
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string }
    return `${code} ${message} ${hint}`
  }
}

const EXITED_OR_STARTED = { kinds: ['service.exited', 'service.started'] }

type Row = readonly [typed: string, argv: readonly string[], wanted: Filter | RegExp]

/** What is typed in a chat, what a shell makes of the same, and what it has to mean in both. */
const SAME: readonly Row[] = [
  ['svc:api kind:service', ['svc:api', 'kind:service'], { svc: 'api', kinds: ['service'] }],
  ['svc:api oom', ['svc:api', 'oom'], { svc: 'api', text: 'oom' }],
  ['out of memory', ['out', 'of', 'memory'], { text: 'out of memory' }],
  ['"out of memory"', ['out of memory'], { text: '"out of memory"' }],
  [
    'svc:api "out of  memory" exit*',
    ['svc:api', 'out of memory', 'exit*'],
    { svc: 'api', text: '"out of memory" exit*' },
  ],
  ['svc:"api"', ['svc:api'], { svc: 'api' }],
  ['actor:"telegram:1001"', ['actor:telegram:1001'], { actor: 'telegram:1001' }],
  ['SVC:api Kind:EXITED', ['SVC:api', 'Kind:EXITED'], { svc: 'api', kinds: ['service.exited'] }],
  [
    'kind:Service.Exited severity:Warning',
    ['kind:Service.Exited', 'severity:Warning'],
    { kinds: ['service.exited'], severity: 'warning' },
  ],
  ['', [], {}],
  ['seq:1..9 to:5', ['seq:1..9', 'to:5'], { fromSeq: 1, toSeq: 5 }],
  // Without what is looked for, a blank after the colon, and the same as text.
  ['svc:', ['svc:'], /^usage\.filter "svc:": a value is missing .* like svc:api\. .*quotes: "svc: …"/],
  ['svc:""', ['svc:""'], /^usage\.filter "svc:": a value is missing /],
  ['kind:', ['kind:'], /^usage\.filter "kind:": a value is missing .* like kind:exited\./],
  ['kind:,', ['kind:,'], /^usage\.filter "kind:,": a value is missing /],
  ['kind:exited, started', ['kind:exited,', 'started'], /^usage\.filter "kind:exited,": a value is missing /],
  ['svc: api', ['svc:', 'api'], /^usage\.filter "svc:": a value is missing /],
  ['since: 2h', ['since:', '2h'], /^usage\.filter "since:": a value is missing .* like since:2h\./],
  ['"svc: api"', ['"svc: api"'], { text: '"svc: api"' }],
  ['sevice:api', ['sevice:api'], /^usage\.filter .*Did you mean service:api\?/],
  ['panic: there', ['panic:', 'there'], { text: 'panic: there' }],
  ['"boom', ['"boom'], /^usage\.filter "boom: a quote is not closed /],
  ['svc:"api', ['svc:"api'], /^usage\.filter "api: a quote is not closed /],
  // Times, by the clock that people read.
  ['since:2h', ['since:2h'], { sinceMs: NOW_MS - 7_200_000 }],
  ['since:1h 30m oom', ['since:1h', '30m', 'oom'], { sinceMs: NOW_MS - 5_400_000, text: 'oom' }],
  ['since:2h 404', ['since:2h', '404'], { sinceMs: NOW_MS - 7_200_000, text: '404' }],
  ['since:2026-11-29', ['since:2026-11-29'], { sinceMs: Date.parse('2026-11-28T23:00:00Z') }],
  ['since:2026-08-21T11:00', ['since:2026-08-21T11:00'], { sinceMs: Date.parse('2026-08-21T09:00:00Z') }],
  ['until:2026-11-29T10:00Z', ['until:2026-11-29T10:00Z'], { untilMs: Date.parse('2026-11-29T10:00:00Z') }],
  [
    'until:2026-11-29T10:00:01.123Z',
    ['until:2026-11-29T10:00:01.123Z'],
    { untilMs: Date.parse('2026-11-29T10:00:01.123Z') },
  ],
  [
    'since:2026-11-29 10:00 oom',
    ['since:2026-11-29', '10:00', 'oom'],
    { sinceMs: Date.parse('2026-11-29T09:00:00Z'), text: 'oom' },
  ],
  ['since:"2026-11-29 10:00"', ['since:2026-11-29 10:00'], { sinceMs: Date.parse('2026-11-29T09:00:00Z') }],
  ['since:2026-02-31', ['since:2026-02-31'], /^usage\.time since 2026-02-31: that is a moment that no calendar has /],
  ['since:2026-11-29(x)', ['since:2026-11-29(x)'], /^usage\.time since 2026-11-29\(x\): that is not a moment /],
  ['since:2h 10:00', ['since:2h', '10:00'], /^usage\.time since 2h 10:00: that is neither a span nor a time /],
  [
    'since:2026-08-21 11:00 Z oom',
    ['since:2026-08-21', '11:00', 'Z', 'oom'],
    { sinceMs: Date.parse('2026-08-21T11:00:00Z'), text: 'oom' },
  ],
  [
    'until:2026-08-21 11:00:30 +0200',
    ['until:2026-08-21', '11:00:30', '+0200'],
    { untilMs: Date.parse('2026-08-21T09:00:30Z') },
  ],
  ['since:2026-08-21T11:00 -03:30', ['since:2026-08-21T11:00', '-03:30'], { sinceMs: Date.parse('2026-08-21T14:30Z') }],
  ['since:2h z', ['since:2h', 'z'], { sinceMs: NOW_MS - 7_200_000, text: 'z' }],
  // The last one would win, in silence.
  ['svc:web svc:api', ['svc:web', 'svc:api'], /^usage\.filter "svc:api": there is another svc: before it /],
  ['service:web svc:api', ['service:web', 'svc:api'], /^usage\.filter "svc:api": there is another svc: before it /],
  ['severity:info severity:critical', ['severity:info', 'severity:critical'], /^usage\.filter "severity:critical": /],
  ['since:2h since:1h', ['since:2h', 'since:1h'], /^usage\.filter "since:1h": there is another since: before it /],
  ['seq:1..9 seq:2', ['seq:1..9', 'seq:2'], /^usage\.filter "seq:2": there is another seq: before it /],
  ['to:9 to:5', ['to:9', 'to:5'], { toSeq: 5 }],
  ['kind:exited kind:service.started', ['kind:exited', 'kind:service.started'], EXITED_OR_STARTED],
  // Nothing can be in these.
  ['seq:5..3', ['seq:5..3'], /^usage\.seq from #5 to #3: no entry is in that range .*the smaller number first/],
  ['from:9 to:3', ['from:9', 'to:3'], /^usage\.seq from #9 to #3: /],
  ['seq:5..5', ['seq:5..5'], { fromSeq: 5, toSeq: 5 }],
  ['since:1h until:2h', ['since:1h', 'until:2h'], /^usage\.time since .* comes after until: .*like since:2h until:1h/],
  ['svc:api,web', ['svc:api,web'], /^usage\.filter "svc:api,web": svc: takes one alone /],
  ['inc:api-1,api-2', ['inc:api-1,api-2'], /^usage\.filter "inc:api-1,api-2": inc: takes one alone /],
  // A text without a word would find everything.
  ['!!!', ['!!!'], /^usage\.filter !!!: there is no word in that .*a letter or a digit/],
  ['""', ['""'], /^usage\.filter "": there is no word in that /],
  ['svc:api *', ['svc:api', '*'], /^usage\.filter \*: there is no word in that /],
  ['oom !!!', ['oom', '!!!'], { text: 'oom !!!' }],
  // As phones write quotes.
  ['“out of memory”', ['“out', 'of', 'memory”'], { text: '"out of memory"' }],
  ['„out of memory“ svc:“api”', ['„out of memory“', 'svc:“api”'], { text: '"out of memory"', svc: 'api' }],
]

for (const [typed, argv, wanted] of SAME)
  test(`in a chat, in a shell and in one word of a shell the same: ${typed}`, async () => {
    const { said = [] } = await askedInChat(typed)
    const inOne = ['out of memory', 'panic: there', 'oom !!!'].includes(typed) ? argv : [typed]
    for (const [where, words] of Object.entries({ chat: said, shell: argv, 'one word of a shell': inOne })) {
      const filter = filterOr(words)
      if (wanted instanceof RegExp) assert.match(String(filter), wanted, where)
      else assert.deepEqual(filter, wanted, where)
    }
  })

test('times in a chat are meant as it shows them', async () => {
  assert.equal((await askedInChat('since:2026-11-29')).tz, TZ)
})

test('the zone that is asked for reaches the subcommand', async t => {
  const state = dirname(await written(t, 3))
  const cli = cliApart({ state, socket: join(state, 'heald.sock') })
  const zone = 'Pacific/Kiritimati'
  const anHourAgo = fullTime(Date.now() - 3_600_000, zone).replace(' ', 'T')
  const found = async (tz: string): Promise<number> => {
    const run = { words: ['ledger', 'list', '--page'], said: [`since:${anHourAgo}`], tz }
    return (JSON.parse(await cli(run)) as LinesFound).lines.length
  }
  assert.equal(await found(zone), 4)
  assert.equal(await found('UTC'), 0, 'there it is 13 hours ahead')
})

test('what is said in flags is as strict', () => {
  assert.deepEqual(filterOf({ kind: ['exited, Service.Started'], severity: 'CRITICAL' }, [], by), {
    kinds: ['service.exited', 'service.started'],
    severity: 'critical',
  })
  assert.deepEqual(filterOf({ since: '2026-11-29 10:00' }, [], by), { sinceMs: Date.parse('2026-11-29T09:00:00Z') })
  assert.throws(() => filterOf({ svc: '' }, [], by), { code: 'usage.filter' })
  assert.throws(() => filterOf({ svc: 'a', service: 'b' }, [], by), { code: 'usage.filter' })
  assert.throws(() => filterOf({ svc: 'a' }, ['svc:b'], by), { code: 'usage.filter' })
  assert.throws(() => filterOf({ text: '!!!' }, [], by), { code: 'usage.filter' })
  assert.throws(() => filterOf({ until: '2026-02-31' }, [], by), { code: 'usage.time' })
})
