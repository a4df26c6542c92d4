import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../core/clock.ts'
import { runFallback } from '../../../core/notice/fallback.ts'
import { temporaryFolder } from '../api/stand.ts'

const INPUT = '{"incident":{"id":"agent-41"}}\n'
const script = (text: string, ...more: string[]) => ['/bin/sh', '-c', text, 'sh', ...more]
/** A clock on which 60 s are over in one. */
const hurried = { ...systemClock, after: (ms: number, run: () => void) => systemClock.after(ms / 60, run) }

test('the program gets the input, no shell, and little of heald’s environment', async t => {
  const got = join(temporaryFolder(t), 'got')
  process.env.HEALD_SECRET = 'hunter2'
  const ran = await runFallback(script('cat > "$1"; pwd; env | sort; echo "$2"', got, '$HOME `id`'), INPUT, systemClock)
  delete process.env.HEALD_SECRET
  assert.deepEqual([ran.isOk, ran.why], [true, null])
  assert.equal(readFileSync(got, 'utf8'), INPUT)
  assert.match(ran.output, /^\/\n/)
  assert.match(ran.output, /\$HOME `id`$/)
  const names = [...ran.output.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name)
  assert.deepEqual(
    names.filter(name => !['PWD', 'OLDPWD', '_', 'SHLVL'].includes(name ?? '')),
    ['HOME', 'LANG', 'PATH', 'USER'],
  )
})

test('one that fails, is killed or does not exist is told as such', async () => {
  const failed = await runFallback(script('echo no pager >&2; exit 3'), INPUT, systemClock)
  assert.deepEqual([failed.isOk, failed.why, failed.output], [false, '/bin/sh ended with exit code 3', 'no pager'])
  const killed = await runFallback(script('kill -9 $$'), INPUT, systemClock)
  assert.equal(killed.why, '/bin/sh was killed by SIGKILL')
  const missing = await runFallback(['/nonexistent/page'], INPUT, systemClock)
  assert.equal(missing.why, '/nonexistent/page could not be started (ENOENT)')
  const odd = await runFallback(['/bin/true', 'a\0b'], INPUT, systemClock)
  assert.match(odd.why ?? '', /could not be started \(ERR_INVALID_ARG_VALUE\)/)
})

test('one that hangs is killed with all it started; one that reads nothing and writes for ever is bounded', async t => {
  const left = join(temporaryFolder(t), 'left')
  const hangs = await runFallback(script('(sleep 3; touch "$1") & sleep 100', left), INPUT, hurried)
  assert.equal(hangs.why, '/bin/sh did not end within 60 s')
  assert.ok(hangs.tookMs < 3000, `${hangs.tookMs} ms`)
  const floods = await runFallback(script('yes'), INPUT.repeat(100_000), hurried)
  assert.equal(floods.isOk, false)
  assert.ok(floods.output.length <= 4096)
  await sleep(2500)
  assert.equal(existsSync(left), false)
})

test('what it leaves behind keeps nobody waiting', async () => {
  const ran = await runFallback(script('sleep 5 & echo sent'), INPUT, systemClock)
  assert.deepEqual([ran.isOk, ran.output], [true, 'sent'])
  assert.ok(ran.tookMs < 2000, `${ran.tookMs} ms`)
})
