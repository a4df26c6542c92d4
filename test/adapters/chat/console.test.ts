import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ConsoleOutput, openConsole, streamOutput } from '../../../adapters/chat/console.ts'
import type { PostHow } from '../../../bot/channel.ts'
import { channelConformance } from '../../conformance/channel.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { startConsolePlatform } from '../../fakes/console/platform.ts'
import { recorder } from '../../fakes/console/recorder.ts'

channelConformance('console', startConsolePlatform)

const HOW: PostHow = { key: 'k1', isAgain: false, isSilent: false, replyTo: null }

async function open(output: ConsoleOutput, { chats = ['ops'], deadlineMs = 10_000 } = {}) {
  const states: { isUp: boolean; isFinal: boolean; why: string }[] = []
  const channel = await openConsole(
    { kind: 'console', chats, quietHours: null, digest: null },
    {
      events: { onState: state => void states.push(state), onWord: () => {} },
      readSecret: () => Promise.reject(new Error('a console has no secrets')),
      warn: () => {},
      folder: '/nonexistent',
    },
    output,
    deadlineMs,
  )
  return { channel, states }
}

test('a card is laid out in lines, without a chat name where there is only one', async () => {
  const output = recorder({ onlyChat: 'ops' })
  const { channel } = await open(output)
  await channel.post('ops', fullMessage({ title: 'agent crash-loops' }), HOW)
  const tag = output.printed[0]?.reference
  assert.deepEqual(output.raw().split('\n'), [
    `🔴 agent crash-loops  (${tag})`,
    '   It was killed by the kernel: *out* _of_ `memory` ~now~ ||x|| [a](http://b)',
    '   <script>alert(1)</script>',
    '   Service        agent',
    '   Since          03:00:07 UTC',
    '   Who & <where>  @everyone @here <!channel> <@U01> <#C01>',
    '    +0 ms  agent was killed by SIGKILL',
    '           12 more',
    '   +1.2 s  ended with code 1 😀 مرحبا',
    '   Last lines:',
    '   │ line 1 </pre></code>``` and',
    '   │ line 2 \\`\\` &lt;',
    '   #1042·ABCDEFGHIJKLMNOPQRSTUVWXYZ · web-1',
    '',
  ])
})

test('an edit prints one line, with the last step; an equal one prints nothing', async () => {
  const output = recorder({ onlyChat: 'ops' })
  const { channel } = await open(output)
  await channel.post('ops', plainMessage('agent crashed'), HOW)
  const reference = output.printed[0]?.reference ?? ''
  const healed = fullMessage({ icon: '✅', title: 'agent runs again' })
  for (let n = 0; n < 3; n += 1) await channel.edit('ops', reference, healed)
  assert.equal(
    output.raw().split('\n').slice(1).join('\n'),
    `✅ agent runs again · +1.2 s ended with code 1 😀 مرحبا  (${reference})\n`,
  )
})

test('what another process printed is gone, so that the whole card is printed', async () => {
  const { channel } = await open(recorder())
  assert.equal((await channel.edit('ops', 'beef.1', plainMessage('x'))).verdict, 'gone')
})

test('nothing in a card is obeyed by the terminal', async () => {
  const output = recorder({ onlyChat: 'ops', isTerminal: true })
  const { channel } = await open(output)
  const evil = '\u001b]0;owned\u0007\u009b2J\r\u202Ereversed\u2066'
  const message = fullMessage({ tone: 'info', title: `a\n${evil}`, footer: evil, icon: evil })
  await channel.post('ops', { ...message, blocks: [{ block: 'log', title: evil, text: evil }] }, HOW)
  assert.doesNotMatch(output.raw(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
  assert.match(output.raw(), /owned/)
})

test('the bell rings for a critical card on a terminal that is not silent, and for nothing else', async () => {
  const bells = async (isTerminal: boolean, tone: 'critical' | 'warning', isSilent: boolean) => {
    const output = recorder({ onlyChat: 'ops', isTerminal })
    const { channel } = await open(output)
    await channel.post('ops', fullMessage({ tone }), { ...HOW, isSilent })
    await channel.edit('ops', output.printed[0]?.reference ?? '', fullMessage({ tone, title: 'worse' }))
    return output.raw().split('\u0007').length - 1
  }
  assert.equal(await bells(true, 'critical', false), 1, 'an edit rings no bell')
  assert.equal(await bells(true, 'critical', true), 0)
  assert.equal(await bells(true, 'warning', false), 0)
  assert.equal(await bells(false, 'critical', false), 0)
})

test('colours come in pairs and only where they can be shown; the words are the same without', async () => {
  const colourful = recorder({ onlyChat: 'ops', hasColour: true })
  const plain = recorder({ onlyChat: 'ops' })
  for (const output of [colourful, plain]) await (await open(output)).channel.post('ops', fullMessage(), HOW)
  assert.match(colourful.raw(), /\u001b\[1;31magent/)
  assert.equal(colourful.raw().match(/\u001b\[[0-9;]+m[^\u001b]*\u001b\[0m/g)?.length, 11)
  assert.doesNotMatch(plain.raw(), /\u001b/)
  const words = (output: typeof plain) => output.printed[0]?.text.replace(/\([^()]*\)\n/, '')
  assert.equal(words(colourful), words(plain))
})

test('colour needs a terminal that has it, and an unset NO_COLOR', () => {
  const stream = (isTTY: boolean, has: boolean) =>
    Object.assign(Object.create(process.stdout), { isTTY, hasColors: () => has, on: () => {} })
  assert.equal(streamOutput(stream(true, true), undefined).hasColour, true)
  assert.equal(streamOutput(stream(true, true), '').hasColour, true)
  assert.equal(streamOutput(stream(true, true), '1').hasColour, false)
  assert.equal(streamOutput(stream(true, false), undefined).hasColour, false)
  assert.equal(streamOutput(stream(false, true), undefined).hasColour, false)
})

test('a terminal that takes nothing is given a bounded number of lines', async () => {
  let writes = 0
  const stuck: ConsoleOutput = {
    isTerminal: true,
    hasColour: false,
    write: () => {
      writes += 1
      return new Promise(() => {})
    },
  }
  const { channel, states } = await open(stuck, { deadlineMs: 20 })
  for (let n = 0; n < 12; n += 1) {
    const verdict = await channel.post('ops', plainMessage('x'), HOW)
    assert.ok(verdict.verdict === 'retry' && verdict.isOpen === n < 8, JSON.stringify(verdict))
  }
  assert.equal(writes, 8)
  assert.equal(states.at(-1)?.isUp, false)
})

test('a reader that goes away ends neither the process nor the channel’s answers', async () => {
  const program = `
    const { openConsole } = await import(process.argv[1])
    const events = { onState() {}, onWord() {} }
    const channel = await openConsole({ kind: 'console', chats: ['ops'] }, { events })
    const message = { tone: 'info', icon: 'i', title: 'x'.repeat(9000), blocks: [], footer: '', buttons: [] }
    const verdicts = new Set()
    for (let n = 0; n < 50; n += 1) {
      const { verdict } = await channel.post('ops', message, { key: 'k' + n, isSilent: false, replyTo: null })
      verdicts.add(verdict)
    }
    process.stderr.write([...verdicts].at(-1))`
  const at = join(import.meta.dirname, '../../../adapters/chat/console.ts')
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, at], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text
  })
  child.stdout.once('data', () => child.stdout.destroy())
  assert.deepEqual(await once(child, 'close'), [0, null])
  assert.equal(said, 'refused')
})
