import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { entriesIn, ROOT, written } from '../ledger/stand.ts'

const HEALD = [process.execPath, join(ROOT, 'heald.js')]

/** A state folder with a ledger, and a receipt of it. */
async function site(t: TestContext): Promise<{ state: string; receipt: string }> {
  const dir = await written(t, 3)
  const { seq, h } = entriesIn(dir).at(-1) ?? assert.fail()
  return { state: dirname(dir), receipt: receiptOf(seq, h) }
}

test('on a terminal the receipts are asked for; Ctrl-D ends them, and Ctrl-C all of it', async t => {
  const { state, receipt } = await site(t)
  const onTerminal = async (typed: string) => {
    const words = ['Ctrl-D', typed, ...HEALD, 'ledger', 'check', '--state', state]
    const child = spawn('python3', [resolve(ROOT, 'test/fixtures/types-on-terminal.py'), ...words], { timeout: 30_000 })
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    return { said, code }
  }
  const checked = await onTerminal(`${receipt.replace('·', ':')}\\r\\x04`)
  assert.match(checked.said, /^Paste receipts or checkpoints, then Ctrl-D\.\r\n[\s\S]*✓ fits/)
  assert.equal(checked.code, 0)
  const ended = await onTerminal('\\x03')
  assert.match(ended.said, /heald: interrupted before it was done/)
  assert.equal(ended.code, 130)
})

test('a pipe in which nothing comes holds nobody up who was told to end; an endless one is not read to its end', async t => {
  const { state } = await site(t)
  const [command = '', ...args] = [...HEALD, 'ledger', 'check', '--state', state]
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const child = spawn(command, args, { timeout: 30_000, killSignal: 'SIGKILL' })
    child.stdin.write('#1')
    const said = text(child.stderr)
    // It is listening for signals long before it reads.
    const strike = setInterval(() => child.kill(signal), 1500)
    assert.deepEqual(await once(child, 'close'), [code, null])
    clearInterval(strike)
    assert.match(await said, /^heald: interrupted before it was done\n/)
  }
  const zeros = openSync('/dev/zero', 'r')
  t.after(() => closeSync(zeros))
  const child = spawn(command, args, { stdio: [zeros, 'ignore', 'pipe'], timeout: 30_000, killSignal: 'SIGKILL' })
  const [said, [code]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), once(child, 'close')])
  assert.deepEqual([code, said.split('\n')[0]], [2, 'heald: standard input is too long to be receipts'])
})

test('a folder as standard input is told as one', async t => {
  const { state } = await site(t)
  const [command = '', ...args] = [...HEALD, 'ledger', 'check', '--state', state]
  const itself = openSync(state, 'r')
  t.after(() => closeSync(itself))
  const child = spawn(command, args, { stdio: [itself, 'ignore', 'pipe'], timeout: 30_000 })
  const [said, [code]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), once(child, 'close')])
  assert.deepEqual([code, said.split('\n')[0]], [2, 'heald: standard input is a folder'])
})
