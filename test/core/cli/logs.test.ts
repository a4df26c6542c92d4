import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../core/cli/logs.ts'
import { temporaryFolder } from '../api/stand.ts'
import { paperContext } from './context.ts'

function logFile(state: string): string {
  mkdirSync(join(state, 'logs'), { recursive: true })
  return join(state, 'logs', 'agent.log')
}

test('the last lines come from the file and, if they are too few, from the rotated one', async t => {
  const state = temporaryFolder(t)
  const path = logFile(state)
  writeFileSync(`${path}.1`, Array.from({ length: 50_000 }, (_, n) => `old ${n}\n`).join(''))
  writeFileSync(path, 'new 1\nnew 2\nunfinished')
  const last = async (lines: string) => {
    const { context, out } = paperContext({ state })
    assert.equal(await run(context, ['agent'], { lines }), 0)
    return out()
  }
  assert.equal(await last('2'), 'new 2\nunfinished')
  assert.equal(await last('4'), 'old 49999\nnew 1\nnew 2\nunfinished')
  assert.equal(await last('0'), '')
  const many = (await last('20003')).split('\n')
  assert.deepEqual([many.length, many[0], many.at(-1)], [20_003, 'old 30000', 'unfinished'])
  await assert.rejects(last('-1'), { code: 'usage.value' })
})

test('to a pipe every byte goes as it is; on a terminal none is obeyed', async t => {
  const state = temporaryFolder(t)
  const bytes = Buffer.from([0, 255, 0x1b, 0x5b, 0x32, 0x4a, 0xe6, 0x97, 0xa5, 10])
  writeFileSync(logFile(state), bytes)
  const pieces: Uint8Array[] = []
  await run(paperContext({ state, outBytes: piece => void pieces.push(piece) }).context, ['agent'], {})
  assert.deepEqual(Buffer.concat(pieces), bytes)
  const terminal = paperContext({ state, tty: true })
  await run(terminal.context, ['agent'], {})
  assert.equal(terminal.out(), '␀\ufffd␛[2J日\n')
  const json = paperContext({ state, json: true })
  await run(json.context, ['agent'], {})
  assert.deepEqual(JSON.parse(json.out()), { line: '\u0000\ufffd\u001b[2J日' })
})

test('following goes on across copy-truncate without losing or repeating a line', async t => {
  const state = temporaryFolder(t)
  const path = logFile(state)
  writeFileSync(path, 'a\nb\n')
  const ending = new AbortController()
  let seen = ''
  let changed = Promise.withResolvers<void>()
  const until = async (text: string) => {
    while (!seen.endsWith(text)) await changed.promise
  }
  const { context } = paperContext({
    state,
    signal: ending.signal,
    outBytes: bytes => {
      seen += Buffer.from(bytes).toString()
      changed.resolve()
      changed = Promise.withResolvers()
    },
  })
  const done = run(context, ['agent'], { lines: '1', follow: true })
  await until('b\n')
  appendFileSync(path, 'c\n')
  await until('c\n')
  // Written just before the rotation, seen only in the copy.
  appendFileSync(path, 'd\ne\n')
  copyFileSync(path, `${path}.1`)
  truncateSync(path, 0)
  appendFileSync(path, 'f\n')
  await until('f\n')
  ending.abort()
  assert.equal(await done, 0)
  assert.equal(seen, 'b\nc\nd\ne\nf\n')
})

test('a name that has no log is answered with the nearest one, and never leaves the folder', async t => {
  const state = temporaryFolder(t)
  writeFileSync(logFile(state), '')
  writeFileSync(join(state, 'secret.log'), 'secret')
  const { context } = paperContext({ state })
  await assert.rejects(run(context, ['agnt'], {}), { code: 'service.unknown', hint: 'Did you mean "agent"?' })
  await assert.rejects(run(context, ['../secret'], {}), { code: 'service.unknown' })
  await assert.rejects(run(paperContext().context, ['agent'], {}), { code: 'service.unknown' })
})
