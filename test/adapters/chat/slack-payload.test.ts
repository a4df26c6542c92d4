import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fitsSlack, payloadOf } from '../../../adapters/chat/slack-payload.ts'
import type { Block, Button, Message } from '../../../bot/message.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { readableOf } from '../../fakes/slack/readable.ts'
import { contentOf } from '../../fakes/slack/web-api.ts'

/** Whether the fake takes it, by the platform's own rules. */
function isTaken(message: Message): boolean {
  const { text, blocks } = payloadOf(message)
  try {
    contentOf({ text, blocks })
    return true
  } catch {
    return false
  }
}

const shownOf = (message: Message) => readableOf('', payloadOf(message).blocks)

const withBlocks = (blocks: readonly Block[]): Message => ({ ...plainMessage('one'), blocks })
const fact = (name: string, value: string): Block => ({ block: 'facts', facts: [{ name, value }] })
const button = (id: string, label: string): Button => ({ id, label, style: 'plain' })

/** For each limit, a message that has `count` of what is limited. */
const LIMITS: readonly [string, number, (count: number) => Message][] = [
  ['the header, icon and blank included', 150, count => ({ ...plainMessage('t'.repeat(count - 2)), icon: '!' })],
  ['blocks, the header included', 50, count => withBlocks(Array(count - 1).fill({ block: 'text', text: 'one' }))],
  ['a plain field, name and line break included', 2000, count => withBlocks([fact('a_b', 'v'.repeat(count - 4))])],
  ['a field with marks', 2000, count => withBlocks([fact('name', 'v'.repeat(count - 7))])],
  ['facts', 10, count => withBlocks([{ block: 'facts', facts: Array(count).fill({ name: 'n', value: 'v' }) }])],
  ['the footer', 3000, count => ({ ...plainMessage('one'), footer: 'f'.repeat(count) })],
  ['the label of a button', 75, count => ({ ...plainMessage('one'), buttons: [[button('id', 'l'.repeat(count))]] })],
  ['the id of a button', 255, count => ({ ...plainMessage('one'), buttons: [[button('i'.repeat(count), 'Ack')]] })],
  [
    'buttons in a row',
    25,
    count => ({ ...plainMessage('one'), buttons: [Array.from({ length: count }, (_, n) => button(`id${n}`, 'Ack'))] }),
  ],
  [
    'all together',
    13_200,
    count => {
      const empty = JSON.stringify(payloadOf(withBlocks([{ block: 'log', title: '', text: '-' }])).blocks).length - 1
      return withBlocks([{ block: 'log', title: '', text: 'x'.repeat(count - empty) }])
    },
  ],
]

describe('the limits of Slack', () => {
  for (const [what, most, messageOf] of LIMITS) {
    test(`${what}: ${most}, and no more`, () => {
      assert.deepEqual([fitsSlack(messageOf(most)), isTaken(messageOf(most))], [true, true])
      assert.deepEqual([fitsSlack(messageOf(most + 1)), isTaken(messageOf(most + 1))], [false, false])
    })
  }

  test('what is escaped counts as it is sent', () => {
    assert.equal(fitsSlack(plainMessage('&'.repeat(40))), false)
    assert.equal(isTaken(plainMessage('&'.repeat(40))), false)
  })
})

/** Everything that could format, link, ping, or end what it stands in. */
const HOSTILE = [
  ...['<!channel>', '<!here|x>', '<!everyone>', '<@U0HUMAN>', '<#C0ONE>', '<!subteam^S1>', '@channel', '@here'],
  ...[
    '<https://evil.example|click>',
    'https://evil.example/x',
    '*b*',
    '_i_',
    '~s~',
    '`c`',
    '```p```',
    ':boom:',
    ':100:',
    ':+1:',
  ],
  ...['&lt;!channel&gt;', '&amp;', '&', '<', '>', '|', '> quote', '&gt; quote', '<!date^1^{date}|x>', '*', 'a*b*c'],
  ...['snake_case_name', '_', '12:30:45', '😀', '\u202eabc', '"', "'", '\\n', '{}', 'a\n> b\n*c*'],
]

describe('text that comes from elsewhere', () => {
  for (const [place, messageOf] of [
    ['the title', text => plainMessage(text.replace('\n', ' '))],
    ['a paragraph', text => withBlocks([{ block: 'text', text }])],
    ['the name of a fact', text => withBlocks([fact(text, 'value')])],
    ['the value of a fact', text => withBlocks([fact('name', text)])],
    ['a step', text => withBlocks([{ block: 'steps', steps: [{ offset: '+1 ms', words: text }] }])],
    ['an offset', text => withBlocks([{ block: 'steps', steps: [{ offset: text, words: 'one' }] }])],
    ['a step without an offset', text => withBlocks([{ block: 'steps', steps: [{ offset: '', words: text }] }])],
    ['a log', text => withBlocks([{ block: 'log', title: 'Last lines', text }])],
    ['the title of a log', text => withBlocks([{ block: 'log', title: text, text: 'line' }])],
    ['the footer', text => ({ ...plainMessage('one'), footer: text })],
    ['a button', text => ({ ...plainMessage('one'), buttons: [[button('id', text)]] })],
    [
      'the name of a moment',
      text => withBlocks([{ block: 'facts', facts: [{ name: text, value: { atMs: 1e12, text: 'then' } }] }]),
    ],
  ] as readonly [string, (text: string) => Message][]) {
    test(`in ${place} it is shown as it is, and pings nobody and links nowhere`, () => {
      for (const text of HOSTILE) {
        const message = messageOf(text)
        assert.equal(isTaken(message), true, text)
        const shown = shownOf(message)
        const wanted = place === 'the title' ? text.replace('\n', ' ') : text
        assert.ok(shown.text.includes(wanted), `${JSON.stringify(wanted)} in ${JSON.stringify(shown.text)}`)
        assert.deepEqual([shown.pings, shown.links], [[], []], text)
        assert.deepEqual(readableOf(payloadOf(message).text, []).pings, [], text)
      }
    })
  }

  test('in the words of a moment it cannot end the moment', () => {
    for (const text of ['a|b', '<!channel>', '> b', '&gt;']) {
      const shown = shownOf(withBlocks([{ block: 'facts', facts: [{ name: 'Since', value: { atMs: 1e12, text } }] }]))
      assert.ok(
        [text, text.replaceAll('|', '/')].some(one => shown.text.includes(one)),
        shown.text,
      )
      assert.deepEqual([shown.pings, shown.links], [[], []])
    }
  })
})

describe('a card on Slack', () => {
  test('has a header, fields, rich text and a footer; moments are in the reader’s own time', () => {
    const { text, blocks } = payloadOf(fullMessage())
    assert.deepEqual(
      blocks.map(({ type }) => type),
      ['header', 'rich_text', 'section', 'rich_text', 'rich_text', 'context', 'actions'],
    )
    assert.equal(text, '🔴 agent &lt;b&gt;&amp;amp; "co"&lt;/b&gt; crash-loops on web-1')
    const json = JSON.stringify(blocks)
    assert.ok(json.includes('<!date^1795489207^{date_short_pretty} {time_secs}|03:00:07 UTC>'), json)
    assert.ok(json.includes('"action_id":"b1:rollback","value":"b1:rollback"'))
    assert.ok(json.includes('"style":"danger"') && !json.includes('"style":"plain"'))
  })

  test('what is empty leaves no empty block, which Slack would refuse', () => {
    const message: Message = {
      ...plainMessage(''),
      blocks: [
        { block: 'text', text: '' },
        { block: 'facts', facts: [] },
        fact('', ''),
        { block: 'steps', steps: [] },
        { block: 'steps', steps: [{ offset: '', words: '' }] },
        { block: 'log', title: '', text: '' },
        { block: 'log', title: 'Last lines', text: '' },
      ],
      buttons: [[]],
    }
    assert.equal(isTaken(message), true)
    assert.equal(fitsSlack(message), true)
  })
})
