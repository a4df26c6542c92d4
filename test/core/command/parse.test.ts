import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lineOf, parseOptions, parseText } from '../../../core/command/parse.ts'
import { WORDS } from '../../../core/command/words.ts'
import { Fault } from '../../../core/fault.ts'

const read = (text: string) => {
  const { spec, args, code } = parseText(text)
  return code === null ? [spec.word, args] : [spec.word, args, code]
}

function refused(text: string, code: string, message: RegExp, hint?: RegExp): void {
  assert.throws(
    () => parseText(text),
    (error: unknown) => {
      assert.ok(error instanceof Fault, String(error))
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
      assert.match(error.hint ?? '', hint ?? /./)
      return true
    },
    text,
  )
}

test('a line is read with or without a slash, the name of the bot, or heald before it', () => {
  for (const text of [
    '/rollback web',
    'rollback web',
    '/rollback@heald_bot web',
    '/heald rollback web',
    ' Rollback  web ',
  ])
    assert.deepEqual(read(text), ['rollback', { target: 'web' }], text)
})

test('each example of the table is understood, and written again the same', () => {
  for (const spec of WORDS)
    for (const example of spec.examples) {
      const { spec: found, args, code } = parseText(example)
      assert.equal(found.word, spec.word, example)
      // A code is kept out of what is written.
      const line = example.replace(/ 123456$/, '').replace(/#41·[a-z]+/, match => match)
      assert.equal(lineOf(found.word, args), line, example)
      assert.equal(code, example.endsWith('123456') ? '123456' : null)
    }
})

test('flags stand anywhere, also with the long dash of a telephone', () => {
  for (const text of ['rollback web --dry-run', 'rollback --dry-run web', 'rollback —dry-run web'])
    assert.deepEqual(read(text), ['rollback', { target: 'web', 'dry-run': true }], text)
  assert.deepEqual(read('deploy web 7 --force --unchecked'), [
    'deploy',
    { target: 'web', ref: '7', force: true, unchecked: true },
  ])
})

test('the rest of a line is one argument where it is meant so', () => {
  assert.deepEqual(read('silence web-* 2h new disk, --really "soon"'), [
    'silence',
    { service: 'web-*', for: '2h', why: 'new disk, --really "soon"' },
  ])
  assert.deepEqual(read('ledger svc:api “out of memory”'), ['ledger', { filter: 'svc:api "out of memory"' }])
  assert.deepEqual(read('verify #1·aaaaaaaaaaaaaaaaaaaaaaaaaa\n#2·bbbbbbbbbbbbbbbbbbbbbbbbbb'), [
    'verify',
    { receipts: '#1·aaaaaaaaaaaaaaaaaaaaaaaaaa\n#2·bbbbbbbbbbbbbbbbbbbbbbbbbb' },
  ])
})

test('ids are taken in the ways people write them', () => {
  for (const text of ['approve c17 123456', 'approve 17 123456', 'approve #c17 123456', 'approve C17 123456'])
    assert.deepEqual(read(text), ['approve', { id: 'c17' }, '123456'], text)
  for (const text of ['show 41', 'show #41', 'show #41·abcdefghijklmnopqrstuvwxyz'])
    assert.deepEqual(read(text), ['show', { seq: '41' }], text)
})

test('the /start that Telegram sends by itself asks for help, and with a name it is the word', () => {
  assert.deepEqual(read('/start'), ['help', {}])
  assert.deepEqual(read('/start agent'), ['start', { service: 'agent' }])
})

test('a mistyped word gets the nearest one', () => {
  refused('/rolback web', 'usage.word', /no word "rolback"/, /did you mean rollback\?/)
  refused('aprove c17', 'usage.word', /no word/, /approve/)
  refused('xyzzy', 'usage.word', /no word "xyzzy"/, /help/)
  refused('', 'usage.word', /no word that/, /help/)
  refused('help rolback', 'usage.word', /no word/, /rollback/)
})

test('what is missing or too much is said with the usage', () => {
  refused('rollback', 'usage.words', /needs TARGET: name of what/, /write: rollback TARGET \[TO\] \[--dry-run\]/)
  refused('deploy web', 'usage.words', /needs REF/, /deploy TARGET REF/)
  refused('ack a-1 b-2', 'usage.words', /takes no "b-2"/, /write: ack ID/)
  refused('rollback web --now', 'usage.words', /has no "--now"/)
  refused('status\nagent', 'usage.lines', /one line/)
  refused(`silence web 2h ${'x'.repeat(4000)}`, 'usage.long', /4,?015 characters|4015/)
  refused(`silence web 2h ${'x'.repeat(301)}`, 'usage.argument', /can't be the why/)
})

test('names are plain: no quotes, blanks, control characters, or letters that only look plain', () => {
  const cyrillic = '\u0430gent'
  refused(`restart ${cyrillic}`, 'usage.argument', /can't be the service/, /U\+0430/)
  refused('restart "agent"', 'usage.argument', /\\"agent\\"/, /web-1/)
  refused('restart “agent”', 'usage.argument', /service/, /U\+201C/)
  refused('restart agent\u200b', 'usage.argument', /service/, /U\+200B/)
  refused('restart agent\u0000', 'usage.argument', /service/)
  refused('restart AGENT', 'usage.argument', /service/)
  refused('rollback ../web', 'usage.argument', /target/)
  refused('rollback web $(reboot)', 'usage.argument', /to/)
  refused('approve c17 12345', 'usage.argument', /code/, /123456/)
  refused('logs agent 1001', 'usage.argument', /lines/, /50/)
  refused('silence web soon', 'usage.argument', /for/)
  refused('silence web 2h evil \u202etxt.exe', 'usage.argument', /why/, /U\+202E/)
  refused('report a-1 pdf', 'usage.argument', /form/, /html, md/)
})

test('options of a slash command are checked the same, by name', () => {
  const { spec, args, code } = parseOptions('rollback', { target: 'web', to: 4, 'dry-run': true })
  assert.deepEqual([spec.word, args, code], ['rollback', { target: 'web', to: '4', 'dry-run': true }, null])
  assert.deepEqual(parseOptions('approve', { id: 'c17', code: '123456' }).code, '123456')
  assert.deepEqual(parseOptions('rollback', { target: 'web', to: '', 'dry-run': false }).args, { target: 'web' })
  for (const [word, options, code_] of [
    ['rollback', {}, 'usage.words'],
    ['rollback', { target: 'web', tp: '1' }, 'usage.words'],
    ['rollback', { target: ['web'] }, 'usage.words'],
    ['rollback', { target: true }, 'usage.words'],
    ['rollback', { target: 'web two' }, 'usage.argument'],
    ['rolback', { target: 'web' }, 'usage.word'],
    ['constructor', {}, 'usage.word'],
  ] as const)
    assert.throws(() => parseOptions(word, options), { code: code_ }, JSON.stringify([word, options]))
})

test('whatever is typed is understood or refused with a Fault, within bounds', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...WORDS.map(({ word }) => word),
      '/',
      '--force',
      '"',
      '\n',
      '\u202e',
      'c1',
      'web',
      'agent-41',
      '2h',
    ),
    fc.string({ unit: 'binary', maxLength: 20 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      try {
        const { args, spec } = parseText(pieces.join(' '))
        for (const [name, value] of Object.entries(args)) {
          assert.ok(spec.args.some(arg => arg.name === name))
          assert.ok(value === true || value.length <= 4000)
          const { type = 'text' } = spec.args.find(arg => arg.name === name) ?? {}
          if (!['text', 'filter', 'receipts'].includes(type) && value !== true) assert.match(value, /^[\x21-\x7e]+$/)
          if (type !== 'receipts' && value !== true) assert.doesNotMatch(value, /[\p{Cc}\u202a-\u202e]/u)
        }
      } catch (error) {
        assert.ok(error instanceof Fault, String(error))
        assert.match(error.code, /^usage\./)
        assert.doesNotMatch(error.message, /[\p{Cc}\u202a-\u202e]/u)
      }
    }),
    { numRuns: 2000 },
  )
})
