import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bootId, systemClock } from '../../../core/clock.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { temporaryFolder } from '../api/stand.ts'

const HEALD = join(import.meta.dirname, '../../../heald.js')

/** More than the pipe and the socket buffers in between take. */
const ENTRIES = 1500
/** An argument may have 128 KiB; a pipe takes 64. */
const LONG = 'x'.repeat(100_000)

/** Reads the beginning and no more, until it is released. Not the last command: that one would be the shell itself. */
const STUCK = 'head -c 1; cat <&4 >/dev/null; true'

/**
 * A real pipe with `reader`, a line of shell, at its end: what Node gives a child are sockets, which take more. On
 * standard error stand heald's pid and exit code; the reader's descriptor 4 ends with `release`.
 */
function pipedTo(reader: string, words: readonly string[], redirect = '') {
  const heald = `sh -c 'echo pid $$ >&3; exec "$@"' sh "$@" ${redirect}`
  const script = `{ ${heald}; echo "code $?" >&3; } 3>&2 4<&- | { ${reader}; }`
  const argv = ['-c', script, 'sh', process.execPath, HEALD, ...words]
  const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent' }
  const child = spawn('sh', argv, { env, stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe'] })
  const [, stdout, stderr, , four] = child.stdio
  if (stdout === null || stderr === null || !(four instanceof Writable)) throw new Error('these are pipes')
  return { stdout, stderr, closed: once(child, 'close'), release: () => four.end() }
}

async function readAll(child: ReturnType<typeof pipedTo>): Promise<{ out: string; err: string }> {
  const text = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', chunk => {
    text.out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', chunk => {
    text.err += chunk
  })
  await child.closed
  return text
}

test('a reader gets everything, slow or fast', async t => {
  const state = temporaryFolder(t)
  const ledger = await openLedger({
    ...{ dir: join(state, 'ledger'), host: 'web-1', version: '0.1.0', clock: systemClock, bootId: bootId() },
    ...{ redact: [], fsync: false },
  })
  for (let count = 0; count < ENTRIES; count++) {
    ledger.append({ kind: 'service.restarting', svc: 'agent', data: { attempt: count, delayMs: 0 } })
  }
  await ledger.close(10_000)
  const list = ['ledger', 'list', '--json', '--limit', String(ENTRIES), '--state', state]
  for (const reader of ['sleep 1; cat', 'cat']) {
    const { out, err } = await readAll(pipedTo(reader, list))
    assert.ok(out.length > 2 * 65_536, `${reader}: only ${out.length} bytes`)
    assert.match(err, /code 0\n$/)
    const rows = out.trimEnd().split('\n')
    assert.doesNotThrow(() => rows.map(row => JSON.parse(row)), `${reader}: ${rows.length} rows, cut`)
  }
})

test('errors are delivered whole too, in words and as JSON', async () => {
  const json = await readAll(pipedTo('sleep 1; cat', [LONG, '--json']))
  assert.ok(json.out.length > LONG.length, `only ${json.out.length} bytes`)
  assert.equal((JSON.parse(json.out) as { error: { code: string } }).error.code, 'usage.command')
  assert.match(json.err, /code 2\n$/)
  const words = await readAll(pipedTo('sleep 1; cat', [LONG], '2>&1 >&3'))
  assert.ok(words.out.length > LONG.length, `only ${words.out.length} bytes`)
  assert.match(words.out, /lists all subcommands\.\n$/)
})

test('a reader that leaves ends the wait, and so does Ctrl-C', { timeout: 60_000 }, async t => {
  const left = await readAll(pipedTo('sleep 1', [LONG, '--json']))
  assert.match(left.err, /code 0\n$/)

  const stuck = pipedTo(STUCK, [LONG, '--json'])
  t.after(stuck.release)
  let err = ''
  stuck.stderr.setEncoding('utf8').on('data', chunk => {
    err += chunk
  })
  await once(stuck.stdout, 'data')
  const pid = Number(/pid (\d+)\n/.exec(err)?.[1])
  // Long enough for whoever gave up after a while.
  await sleep(1500)
  assert.doesNotMatch(err, /code/)
  process.kill(pid, 'SIGINT')
  while (!/code/.test(err)) await once(stuck.stderr, 'data')
  assert.match(err, /code 130\n$/)
})

test('"up" waits for no reader longer than a moment', { timeout: 60_000 }, async t => {
  const stuck = pipedTo(STUCK, ['up', '--config', LONG], '2>&1 >&3')
  t.after(stuck.release)
  let err = ''
  stuck.stderr.setEncoding('utf8').on('data', chunk => {
    err += chunk
  })
  while (!/code/.test(err)) await once(stuck.stderr, 'data')
  assert.match(err, /code 2\n$/)
})

test('what a full disk does not take is an error', async () => {
  const { err } = await readAll(pipedTo('cat', ['help'], '>/dev/full'))
  assert.match(err, /output can't be written: .*ENOSPC.*\ncode 1\n$/)
})
