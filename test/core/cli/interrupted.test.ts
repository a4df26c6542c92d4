import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { exitOf } from '../../../core/cli/exit.ts'
import { manySegments } from '../ledger/many-segments.ts'

const HEALD = join(import.meta.dirname, '../../../heald.js')

interface Ran {
  readonly code: unknown
  readonly out: string
  readonly err: string
}

/** Runs `heald ledger …`, and sends it a signal as soon as it listens for some. */
function struck(signal: string, words: readonly string[]): Promise<Ran> {
  const strike = `process.on('newListener', name => name === 'SIGTERM' && setImmediate(() => process.emit('${signal}')))`
  const env = { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(strike)}` }
  return new Promise(resolve =>
    execFile(process.execPath, [HEALD, 'ledger', ...words], { env, timeout: 60_000 }, (error, out, err) =>
      resolve({ code: error?.code ?? 0, out, err }),
    ).stdin?.end(),
  )
}

test('what a signal breaks off is no mistake of heald: it is said, with the exit code that shells have for it', async t => {
  const dir = await manySegments(t, 2)
  const state = dirname(dir)
  const note = join(dir, 'checkpoint')
  for (const words of [
    ['verify'],
    ['list'],
    ['archive', join(state, 'to')],
    ['export', join(state, 'tiles')],
    ['check', note],
  ])
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)
      assert.deepEqual(
        await struck(signal, [...words, '--state', state]),
        { code, out: '', err: 'heald: interrupted before it was done\n' },
        `${words[0]} ${signal}`,
      )
  const { code, out } = await struck('SIGTERM', ['verify', '--json', '--state', state])
  assert.deepEqual([code, JSON.parse(out).error.code], [143, 'interrupted'])
})

test('a mistake of heald is no wrong use', () => {
  assert.deepEqual([exitOf('internal.unknown'), exitOf('service.unknown')], [1, 2])
})
