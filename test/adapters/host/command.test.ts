import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../../../adapters/host/command.ts'

const run = (argv: readonly string[], deadlineMs = 10_000) =>
  runCommand(argv, { env: { PATH: process.env.PATH ?? '' }, deadlineMs })

test('a command ends in one of few ways, each in words, and never by throwing', async () => {
  assert.deepEqual(await run(['echo', '$HOME']), { exitCode: 0, out: '$HOME', why: '' })
  const failed = await run(['sh', '-c', 'echo first >&2; printf "\\033[31merror: no\\a\\n\\n" >&2; exit 7'])
  assert.deepEqual([failed.exitCode, failed.why], [7, 'sh ended with exit code 7: error: no'])
  assert.match((await run(['no-such-program'])).why, /is not installed, or not on PATH/)
  assert.match((await run(['sh', '-c', 'kill -9 $$'])).why, /was ended by SIGKILL/)
  const slow = await run(['sleep', '60'], 100)
  assert.deepEqual([slow.exitCode, slow.why], [null, 'sleep did not end within 100 ms'])
  const deaf = await run(['sh', '-c', 'trap "" TERM; while :; do :; done'], 100)
  assert.equal(deaf.exitCode, null)
  const flood = await run(['yes'])
  assert.match(flood.why, /printed more than is read/)
  assert.equal(flood.exitCode, null, 'it would have gone on')
  assert.ok(flood.out.length <= 4 << 20)
})

test('a command gets no input, none of the environment that is not given, and leaves the signals alone', async () => {
  process.env.HEALD_TEST_SECRET = 'secret'
  const { out } = await run(['sh', '-c', 'cat; env'])
  delete process.env.HEALD_TEST_SECRET
  assert.doesNotMatch(out, /HEALD_TEST_SECRET/)
  assert.equal(process.listenerCount('SIGTERM'), 0)
})

test('what runs commands is loaded when the first one runs', t => {
  const adapter = join(import.meta.dirname, '../../../adapters/host/nix-profile.ts')
  const traced = spawnSync('strace', ['-f', '-e', 'trace=openat', process.execPath, adapter], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  if (traced.error !== undefined) return t.skip('needs strace')
  assert.match(traced.stderr, /nix-pointer\.ts/)
  assert.doesNotMatch(traced.stderr, /node_modules\/execa/)
})
