import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fitsIn, MOST_LENGTH, plain, textOf } from '../../../adapters/chat/whatsapp-text.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { boldIn, readable } from '../../fakes/whatsapp/format.ts'

test('the title is bold, and nothing else', () => {
  assert.deepEqual(boldIn(textOf(fullMessage())), ['agent <b>&amp; "co"</b> crash-loops on web-1'])
  assert.deepEqual(boldIn(textOf(plainMessage(' '))), ['…'])
  for (const title of ['a *b* c', '*a*', '**', '_', '~ ~', '* x', 'a_b_c'])
    assert.deepEqual(boldIn(textOf(plainMessage(title))).map(readable), [title], 'marks in the title end nothing')
})

test('facts and steps are lines, a log stands in one width', () => {
  const text = textOf(fullMessage({ title: 'agent crash-loops' }))
  assert.deepEqual(readable(text).split('\n').slice(0, 1), ['🔴 agent crash-loops'])
  assert.match(text, /\n\nService: agent\nSince: 03:00:07 UTC\nWho & <where>: @everyone/)
  assert.match(text, /\n\n\+0 ms agent was killed by SIGKILL\n… 12 more\n\+1\.2 s ended with code 1/)
  const log = /\n\nLast lines\n```\n([\s\S]*?)\n```\n\n#1042/.exec(text)?.[1] ?? ''
  assert.equal(readable(`\`\`\`${log}\`\`\``), 'line 1 </pre></code>``` and\nline 2 \\`\\` &lt;')
  assert.doesNotMatch(log, /```/, 'it can’t end the block')
})

test('names with underscores can be copied', () => {
  assert.equal(plain('state_file of web_1'), 'state_file of web_1')
})

test('whatever the text is, it is read as it was, and nothing in it formats', () => {
  const marks = fc.array(fc.constantFrom(...'ab1*_~`>-+.)) \n'), { maxLength: 30 }).map(parts => parts.join(''))
  fc.assert(
    fc.property(marks, text => {
      assert.equal(readable(plain(text)), text)
      assert.deepEqual(boldIn(plain(text)), [])
      const title = text.replaceAll(/\s*\n\s*/g, ' ').trim()
      assert.equal(readable(textOf(plainMessage(text))), `ℹ️ ${title === '' ? '…' : title}`)
    }),
    { numRuns: 3000 },
  )
})

test('a message fits up to the length that a person reads', () => {
  assert.equal(fitsIn(fullMessage()), true)
  const room = MOST_LENGTH - textOf(plainMessage('')).length + 1
  assert.equal(fitsIn(plainMessage('x'.repeat(room))), true)
  assert.equal(fitsIn(plainMessage('x'.repeat(room + 1))), false)
  assert.equal(fitsIn(plainMessage('*'.repeat(room / 2 + 1))), false, 'what is put in counts')
})
