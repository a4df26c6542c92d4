import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { approve, deny } from '../../../core/cli/decide.ts'
import { stand } from '../api/stand.ts'
import { paperContext } from './context.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const HEALD = [process.execPath, resolve(ROOT, 'heald.ts')]

/** Runs a program to its end; `input`: what comes on its standard input, left out: nothing does. */
async function ran([file = '', ...args]: readonly string[], input = '') {
  const child = spawn(file, args, { stdio: 'pipe', env: { ...process.env, SUDO_USER: '' } })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { out, err, code: code as number }
}

test('the host approves and denies without a code, and without being asked for one', async t => {
  const { socket, asked } = await stand(t)
  const { context, out } = paperContext({ socket, env: {} })
  await approve.run(context, ['17'], {})
  await deny.run(context, ['c17'], {})
  assert.deepEqual(asked, [
    'approve c17 local:admin as null without a code',
    'deny c17 local:admin as null without a code',
  ])
  assert.match(out(), /^c17 \(/)
})

test('an operator at the host: the code is the first line of standard input', async t => {
  const { state, asked } = await stand(t)
  const as = [...HEALD, 'approve', 'c17', '--as', 'bob', '--state', state]
  const { code, err, out } = await ran(as, ' 123456 \n654321\n')
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /^c17 \(/)
  const bare = await ran(as, '123456')
  assert.equal(bare.code, 0, 'also without an end of the line')
  assert.deepEqual(asked, Array(2).fill('approve c17 local:admin as bob with 123456'))
  for (const nothing of ['', '\n', '  \n123456\n']) {
    const none = await ran(as, nothing)
    assert.equal(none.code, 2)
    assert.match(none.err, /no code of bob came, and nothing was approved/)
  }
  assert.equal(asked.length, 2)
})

test('on a terminal it is asked for, and not shown while it is typed', async t => {
  const { state, asked } = await stand(t)
  const onTerminal = (typed: string) =>
    ran([
      ...['python3', resolve(ROOT, 'test/fixtures/types-on-terminal.py'), 'One-time code of bob: ', typed],
      ...[...HEALD, 'approve', 'c17', '--as', 'bob', '--state', state],
    ])
  const { out, code } = await onTerminal('12346\\x7f56')
  assert.equal(code, 0, out)
  assert.match(out, /^One-time code of bob: \r\nc17 \(/)
  assert.doesNotMatch(out, /12346|123456/)
  assert.deepEqual(asked, ['approve c17 local:admin as bob with 123456'])
  const ended = await onTerminal('12\\x03')
  assert.equal(ended.code, 130)
  assert.match(ended.out, /interrupted before anything was done/)
  assert.equal((await onTerminal('\\x04')).code, 2)
  assert.equal(asked.length, 1)
})

test('a code as an argument is refused and not repeated, and nothing is done', async t => {
  const { socket, asked } = await stand(t)
  const { context } = paperContext({ socket, env: { SUDO_USER: 'bob' } })
  for (const run of [
    () => approve.run(context, ['c17', '123456'], {}),
    () => approve.run(context, ['c17', '123456'], { as: 'bob' }),
    () => approve.run(context, ['123456', 'c17'], { as: 'bob' }),
    () => deny.run(context, ['c17', '123456'], {}),
  ])
    await assert.rejects(run(), (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, 'usage.code')
      assert.match(error.message, /takes ID only; .*every user of this host can read those/)
      assert.match(String(error.hint), /leave it away/)
      assert.doesNotMatch(`${error.message}${error.hint}`, /123456/)
      return true
    })
  assert.deepEqual(asked, [])
})
