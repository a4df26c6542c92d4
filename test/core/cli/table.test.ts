import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nearest } from '../../../core/cli/suggest.ts'
import { type Column, table } from '../../../core/cli/table.ts'
import { cleanLine, cleanLines, columnsOf, cutTo, wrapLines, wrapTo } from '../../../core/cli/text.ts'
import { ago, agoAt, clockTime, fullTime } from '../../../core/cli/time.ts'

const HEAD = [
  { title: 'SERVICE' },
  { title: 'PID', align: 'right' },
  { title: 'EMPTY' },
  { title: 'WHY', shrinks: true },
] as const

test('columns line up whatever is in them, and empty ones are left out', () => {
  const rows = [
    ['agent', '7', '', 'ok'],
    ['日本語', '12345', '', 'a 😀 face'],
    ['e\u0301te\u0301', '1', '', '👩‍👩‍👧 one grapheme'],
  ]
  assert.equal(
    table(HEAD, rows, Number.POSITIVE_INFINITY, false),
    [
      'SERVICE    PID  WHY',
      'agent        7  ok',
      '日本語   12345  a 😀 face',
      'e\u0301te\u0301          1  👩‍👩‍👧 one grapheme',
      '',
    ].join('\n'),
  )
})

test('a table fits the terminal by cutting what may be cut', () => {
  const text = table(HEAD, [['agent', '7', '', 'x'.repeat(200)]], 40, false)
  assert.ok(text.split('\n').every(line => columnsOf(line) <= 40))
  assert.match(text, /^agent +7 {2}x+…$/m)
})

const TOLD: readonly Column[] = [
  { title: 'ID' },
  { title: 'WHEN' },
  { title: 'CHECK', shrinks: true },
  { title: 'WHY', wraps: true },
]
const ROWS = [
  [
    'api-41',
    { text: '3 min ago (14:02:11)', short: '3 min ago' },
    'pass',
    'it ended three times, with code 1 each time',
  ],
  ['db-7', { text: 'just now (14:05:11)', short: 'just now' }, '', ''],
]

test('what a terminal is too narrow for goes step by step: long times, much of a sentence, then columns', () => {
  const at = (columns: number) => table(TOLD, ROWS, columns, false).split('\n')
  assert.match(
    at(100)[1] ?? '',
    /^api-41 {2}3 min ago \(14:02:11\) {2}pass {3}it ended three times, with code 1 each time$/,
  )
  assert.deepEqual(at(60).slice(1, 3), [
    'api-41  3 min ago  pass   it ended three times, with code 1',
    '                          each time',
  ])
  const cut = table(TOLD.with(3, { title: 'WHY', wraps: true, shrinks: true }), ROWS, 60, false)
  assert.match(cut, /^api-41 {2}3 min ago {2}pass {3}it ended three times, with code 1…\ndb-7 /m)
  assert.deepEqual(at(40), [
    'ID      WHEN       CHECK',
    'api-41  3 min ago  pass',
    '    it ended three times, with code 1',
    '    each time',
    'db-7    just now',
    '',
  ])
  assert.deepEqual(at(23), [
    ...['ID     api-41', 'WHEN   3 min ago', 'CHECK  pass'],
    ...['WHY    it ended three', '       times, with code', '       1 each time', ''],
    ...['ID     db-7', 'WHEN   just now', ''],
  ])
  assert.deepEqual(at(14).slice(0, 4), ['ID', '  api-41', 'WHEN', '  3 min ago'])
})

test('of several columns that may be cut the widest is', () => {
  const head = [
    { title: 'RUNS', shrinks: true },
    { title: 'CHECK', shrinks: true },
  ] as const
  assert.match(table(head, [['r'.repeat(50), 'its process']], 30, false), /^r{16}… {2}its process$/m)
})

test('prose is wrapped line by line, with its indent', () => {
  assert.equal(
    wrapLines('heald: no such thing\n  write: heald help\n', 14),
    'heald: no such\nthing\n  write: heald\n  help\n',
  )
  assert.equal(wrapLines('as it is', Number.POSITIVE_INFINITY), 'as it is')
})

test('no line is wider than the terminal, and what may not be cut stays whole', () => {
  const someText = fc.string({ unit: fc.constantFrom('a', 'b', '日', '😀', 'e\u0301', ' ', '-') })
  const someRows = fc.array(fc.tuple(someText, someText, someText, someText), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(someRows, fc.integer({ min: 2, max: 90 }), (rows, columns) => {
      const lines = table(TOLD, rows, columns, false).split('\n')
      const packed = lines.join('').replaceAll(' ', '')
      return (
        lines.every(line => columnsOf(line) <= columns) &&
        rows.every(([id]) => columnsOf(id) > columns - 12 || packed.includes(id.replaceAll(' ', '')))
      )
    }),
  )
})

test('wrapped lines break at spaces, or in words that are longer than a line, and are cut at last', () => {
  assert.deepEqual(wrapTo('one two  three', 7), ['one two', 'three'])
  assert.deepEqual(wrapTo('see /a/very/long/path', 8), ['see', '/a/very/', 'long/pat', 'h'])
  assert.deepEqual(wrapTo('日本語です', 5), ['日本', '語で', 'す'])
  assert.deepEqual(wrapTo('a b c d e f', 3, 2), ['a b', 'c …'])
  assert.deepEqual(wrapTo(' ', 3), [])
})

test('colours never change what stands where', () => {
  const rows = [['agent', { text: '7', colour: 'red' as const }, '', 'why']]
  const painted = table(HEAD, rows, 80, true)
  assert.match(painted, /\x1b\[31m7\x1b\[39m/)
  for (const columns of [80, 12, 5])
    assert.equal(table(HEAD, rows, columns, true).replace(/\x1b\[\d+m/g, ''), table(HEAD, rows, columns, false))
})

test('nothing that a terminal would obey gets through', () => {
  assert.equal(cleanLine('a\x1b[2Jb\u202ec\x9b1md\r\ne\tf\x7f\u200bg'), 'a␛[2Jb<202e>c<9b>1md e f␡<200b>g')
  assert.equal(cleanLines('one\r\ntwo\x07\n'), 'one\ntwo␇\n')
  assert.equal(cleanLine('naïve 日本 👩‍👩‍👧 ❤️'), 'naïve 日本 👩‍👩‍👧 ❤️')
  const anyText = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(
      anyText,
      text => !/[\p{Cc}\u2028-\u202e\u2066-\u2069]/u.test(cleanLine(text)) && cleanLine(text).isWellFormed(),
    ),
  )
  fc.assert(fc.property(anyText, text => !/[^\P{Cc}\n]/u.test(cleanLines(text))))
})

test('a cut text is never wider than asked', () => {
  const someText = fc.string({ unit: fc.constantFrom('a', '日', '😀', 'e\u0301', ' ', '👩‍👩‍👧') })
  fc.assert(fc.property(someText, fc.nat(20), (text, columns) => columnsOf(cutTo(text, columns)) <= columns))
  assert.equal(cutTo('日本語', 4), '日…')
})

test('times are relative and absolute, in the zone of the reader', () => {
  const now = Date.parse('2026-08-21T12:05:30.000Z')
  assert.deepEqual(
    [0, 42_000, 185_000, 7_300_000, 400_000_000].map(ms => ago(now - ms, now)),
    ['just now', '42 s ago', '3 min ago', '2 h ago', '4 d ago'],
  )
  assert.equal(ago(now + 90_000, now), 'in 1 min')
  assert.equal(agoAt('2026-08-21T12:02:11.000Z', now, 'Europe/Berlin'), '3 min ago (14:02:11)')
  assert.equal(clockTime('2026-08-20T23:30:00.000Z', now, 'UTC'), '2026-08-20 23:30:00')
  assert.equal(clockTime('2026-08-20T23:30:00.000Z', now, 'Asia/Tokyo'), '08:30:00')
  assert.equal(fullTime('2026-08-21T12:02:11.007Z', 'UTC'), '2026-08-21 12:02:11.007')
  assert.equal(agoAt('nonsense', now, 'UTC'), '')
})

test('the nearest name is the one that was meant, or none', () => {
  const names = ['status', 'start', 'stop', 'restart', 'reload', 'incident', 'incidents']
  const meant = {
    statsu: 'status',
    stat: 'start',
    Stop: 'stop',
    relaod: 'reload',
    incidnt: 'incident',
    frobnicate: undefined,
    '': undefined,
  }
  for (const [word, name] of Object.entries(meant)) assert.equal(nearest(word, names), name, word)
})
