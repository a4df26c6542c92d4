import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { askedIn } from '../../../adapters/chat/discord-asked.ts'
import { bodyOf, escaped, fits } from '../../../adapters/chat/discord-payload.ts'
import type { Button, Message } from '../../../bot/message.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { readable, shownText } from '../../fakes/discord/markdown.ts'
import { faultIn, MESSAGE_FIELDS } from '../../fakes/discord/validate.ts'

const x = (length: number) => 'x'.repeat(length)
const text = (length: number): Message => ({ ...plainMessage('t'), blocks: [{ block: 'text', text: x(length) }] })
const facts = (given: { name: string; value: string }[]): Message => ({
  ...plainMessage('t'),
  blocks: [{ block: 'facts', facts: given }],
})
const buttons = (...rows: number[]): Message => {
  let count = 0
  const button = (): Button => ({ id: `b${++count}`, label: 'ok', style: 'plain' })
  return { ...plainMessage('t'), buttons: rows.map(length => Array.from({ length }, button)) }
}
const oneButton = (change: Partial<Button>): Message => ({
  ...plainMessage('t'),
  buttons: [[{ id: 'b', label: 'ok', style: 'plain', ...change }]],
})
/** Title `i t` (3), name (1) and value (1) of six facts (12): what is left of 6000 is shared out. */
const inAll = (total: number): Message => ({
  ...{ ...plainMessage('t'), icon: 'i', footer: x(1000) },
  blocks: [
    { block: 'text', text: x(4000) },
    { block: 'facts', facts: [{ name: 'n', value: x(total - 3 - 1000 - 4000 - 1) }] },
  ],
})

const AT_LIMIT: readonly (readonly [string, Message, Message])[] = [
  ['title 256', { ...plainMessage(x(254)), icon: 'i' }, { ...plainMessage(x(255)), icon: 'i' }],
  ['description 4096', text(4096), text(4097)],
  ['25 fields', facts(Array(25).fill({ name: 'n', value: 'v' })), facts(Array(26).fill({ name: 'n', value: 'v' }))],
  ['name 256', facts([{ name: x(256), value: 'v' }]), facts([{ name: x(257), value: 'v' }])],
  ['value 1024', facts([{ name: 'n', value: x(1024) }]), facts([{ name: 'n', value: x(1025) }])],
  ['footer 2048', { ...plainMessage('t'), footer: x(2048) }, { ...plainMessage('t'), footer: x(2049) }],
  ['6000 in all', inAll(6000), inAll(6001)],
  ['5 rows', buttons(1, 1, 1, 1, 1), buttons(1, 1, 1, 1, 1, 1)],
  ['5 in a row', buttons(5, 5), buttons(5, 6)],
  ['label 80', oneButton({ label: x(80) }), oneButton({ label: x(81) })],
  ['id 100', oneButton({ id: x(100) }), oneButton({ id: x(101) })],
  ['an id', oneButton({ id: 'b' }), oneButton({ id: '' })],
]

for (const [limit, within, over] of AT_LIMIT) {
  test(`${limit}: what fits is taken, one more does not fit and would be refused`, () => {
    const isTaken = (message: Message) => faultIn(bodyOf(message), MESSAGE_FIELDS).error === null
    assert.deepEqual([fits(within), isTaken(within)], [true, true])
    assert.deepEqual([fits(over), isTaken(over)], [false, false])
  })
}

test('two buttons with one id do not fit', () => {
  const message = {
    ...buttons(2),
    buttons: [[...(oneButton({}).buttons[0] ?? []), ...(oneButton({}).buttons[0] ?? [])]],
  }
  assert.equal(fits(message), false)
  assert.notEqual(faultIn(bodyOf(message), MESSAGE_FIELDS).error, null)
})

test('any text is shown as it is, whatever Markdown is in it', () => {
  const part = fc.oneof(
    fc.constantFrom(...'\\*_~`|<>[]()#-+.:@!1 \n'),
    fc.constantFrom(
      '```',
      '**',
      '__',
      '~~',
      '||',
      '<@1>',
      '<#2>',
      '<t:1:R>',
      '<:a:1>',
      '[a](https://b)',
      '# ',
      '-# ',
      '> ',
    ),
    fc.constantFrom('https://a_b_c/d*e*', 'http://x', '@everyone', '1. ', '2) ', 'word', '😀', 'مرحبا', '>>> '),
  )
  const any = fc.array(part, { maxLength: 20 }).map(parts => parts.join(''))
  fc.assert(
    fc.property(any, given => assert.equal(readable(escaped(given)), given)),
    { numRuns: 2000 },
  )
})

test('a log stays in its block, also with backticks in it', () => {
  for (const log of ['```', 'a```b', '`````', 'x\n```\n**bold**', '`a`', '```js\nb```', 'ends with `']) {
    const shown = shownText({
      ...{ content: '', components: [] },
      embeds: bodyOf({ ...plainMessage('t'), blocks: [{ block: 'log', title: 'Log', text: log }] }).embeds.map(one => ({
        ...one,
      })),
    })
    assert.equal(shown.replaceAll('\u200b', ''), `ℹ️ t\nLog\n${log}`)
  }
})

test('a card is an embed: colour by tone, icon and title in words, facts side by side, moments as moments', () => {
  const [embed] = bodyOf(fullMessage()).embeds
  assert.equal(embed.color, 0xe0393e)
  assert.match(embed.title, /^🔴 agent /)
  assert.deepEqual(embed.fields?.[1], { name: 'Since', value: '<t:1795489207:f> (<t:1795489207:R>)', inline: true })
  assert.match(embed.description ?? '', /\*\*\\\+1\.2 s\*\* ended with code 1/)
  assert.deepEqual(
    bodyOf(fullMessage()).components[0]?.components.map(({ style }) => style),
    [1, 4],
  )
})

test('blank names, values and titles are taken all the same', () => {
  const message = {
    ...facts([{ name: ' ', value: '' }]),
    icon: '',
    title: ' ',
    buttons: [[], oneButton({ label: ' ' }).buttons[0] ?? []],
  }
  assert.equal(faultIn(bodyOf(message), MESSAGE_FIELDS).error, null)
})

test('a command becomes what somebody would type', () => {
  const from = (data: object, more: object = {}) =>
    askedIn({
      id: '1',
      application_id: '2',
      token: 't',
      type: 2,
      channel_id: '3',
      user: { id: '4', username: 'ada' },
      data,
      ...more,
    })
  const command = from({
    name: 'rollback',
    options: [
      { name: 'target', type: 3, value: 'agent' },
      { name: 'n', type: 4, value: 7 },
      { name: 'dry-run', type: 5, value: true },
      { name: 'now', type: 5, value: false },
    ],
  })
  assert.deepEqual([command?.kind, command?.text, command?.name], ['command', '/rollback agent 7 --dry-run', 'ada'])
  assert.deepEqual(command?.options, {
    word: 'rollback',
    args: { target: 'agent', n: 7, 'dry-run': true, now: false },
  })
  const member = from(
    { name: 'x' },
    { user: undefined, member: { nick: 'Ada L.', user: { id: '9', global_name: 'Ada' } } },
  )
  assert.deepEqual([member?.user, member?.name, member?.text], ['9', 'Ada L.', '/x'])
  assert.equal(from({ custom_id: 'b', component_type: 3 }, { type: 3 })?.kind, 'other')
  const half = from({ name: 'x', options: [{ name: 'to', type: 3, value: 're', focused: true }] }, { type: 4 })
  assert.deepEqual([half?.kind, half?.focus], ['guess', { option: 'to', begin: 're' }])
  const form = { custom_id: 'c:b1', components: [{ components: [{ custom_id: 'code', value: ' 123456 ' }] }] }
  const filled = from(form, { type: 5 })
  assert.deepEqual([filled?.kind, filled?.text, filled?.code], ['form', 'b1', '123456'])
  for (const odd of [null, 1, {}, { id: '1' }, { type: 2, data: null }]) assert.equal(askedIn(odd), null)
})
