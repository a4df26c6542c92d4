import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '../../../core/cli/command.ts'
import type { Entry } from '../../../core/entry.ts'
import { openPage } from '../../../core/tour/page.ts'

function paper(more: Partial<Context> = {}) {
  let text = ''
  const context = {
    out: (added: string) => {
      text += added
    },
    columns: Number.POSITIVE_INFINITY,
    colour: false,
    json: false,
    tz: 'UTC',
    nowMs: () => Date.parse('2026-08-21T12:00:00Z'),
    ...more,
  } as Context
  return { page: openPage(context), text: () => text, lines: () => text.split('\n') }
}

const LONG = 'a sentence that does not end before it has to '.repeat(6).trim()

test('lines are broken between words at 100 columns, or where the terminal ends', () => {
  for (const [columns, most] of [
    [Number.POSITIVE_INFINITY, 100],
    [200, 100],
    [60, 60],
  ] as const) {
    const { page, lines } = paper({ columns })
    page.say('seen', LONG, 'bad')
    const widest = Math.max(...lines().map(line => line.length))
    assert.ok(widest <= most && widest > most - 12, `${widest} of ${most}`)
    assert.ok(lines().every((line, index) => index === 0 || line === '' || line.startsWith(' '.repeat(13))))
    assert.equal(lines().join(' ').replaceAll(/\s+/g, ' ').trim(), `seen ✗ ${LONG}`)
  }
})

test('colour comes with a sign, and only when it is wanted', () => {
  const plain = paper()
  plain.page.say('healed', 'well', 'good')
  assert.equal(plain.text(), '   healed    ✓ well\n')
  const bright = paper({ colour: true })
  bright.page.say('healed', 'well', 'good')
  assert.match(bright.text(), /\x1b\[32m✓ well\x1b\[39m/)
})

test('what a service wrote cannot steer the terminal', () => {
  const { page, text } = paper()
  page.say('seen', 'its log ends: \x1b[2J\x07 and \u202e')
  page.event({ ...EXIT, data: { diagnosis: '\x1b]0;gone\x07' } })
  assert.doesNotMatch(text(), /[\x1b\x07\u202e]/)
})

test('with --json nothing is said', () => {
  const { page, text } = paper({ json: true })
  page.heading('a', 'b')
  page.scene(1, 'c')
  page.say('d', 'e')
  page.commands('f', [['g', 'h']])
  page.event(EXIT)
  assert.equal(text(), '')
})

test('commands stand under each other with what they do', () => {
  const { page, text } = paper()
  page.commands('try', [['a', 'one'], ['bcd', 'two'], ['no note']])
  assert.equal(text(), `   try       a    one\n${' '.repeat(13)}bcd  two\n${' '.repeat(13)}no note\n`)
})

test('of an incident the telling entries are shown, with the receipt at its end', () => {
  const { page, text } = paper()
  page.event({ ...EXIT, kind: 'service.restarting', data: { attempt: 1, delayMs: 0, cause: 'x' } })
  assert.equal(text(), '')
  page.event(EXIT)
  page.event({ ...EXIT, kind: 'incident.resolved', seq: 9, data: { id: 'agent-7', downMs: 71, how: 'restarted' } })
  assert.match(text(), /^ {3}11:59:59 {2}✗ .*exited with code 1\b.*\n {3}11:59:59 {2}✓ .*\n {13}#9·[a-z2-7]{26}\n$/)
})

test('of a switch its end is shown, with its sign', () => {
  const { page, text } = paper()
  const r2 = { generation: 'r2', path: '/srv/site/releases/r2' }
  page.event({ ...EXIT, kind: 'switch.armed', data: { target: 'site', to: r2 } })
  assert.equal(text(), '')
  page.event({ ...EXIT, kind: 'switch.committed', data: { target: 'site', to: r2 } })
  page.event({ ...EXIT, kind: 'rollback.held', data: { target: 'site', current: r2, why: '' } })
  page.event({ ...EXIT, data: { ...EXIT.data, wanted: true } })
  assert.match(
    text(),
    /^ {3}11:59:59 {2}✓ site is on r2 now, committed\n {3}11:59:59 {2}✗ site is held.*\n {3}11:59:59 {2}· /,
  )
})

const EXIT: Entry = {
  v: 1,
  seq: 8,
  prev: '0'.repeat(64),
  ts: '2026-08-21T11:59:59.000Z',
  mono: 1,
  boot: '00000000',
  kind: 'service.exited',
  svc: 'agent',
  data: { diagnosis: 'exited with code 1' },
  h: 'f'.repeat(64),
}
