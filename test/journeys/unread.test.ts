import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { FIXTURES, makeStand } from './stand.ts'

/** A terminal takes some 10 KB, and what waits behind it 64 KiB: so many restarts of such a name print 200 KB. */
const RESTARTS = 1500
const LOUD = `loud-${'o'.repeat(40)}`

test('a terminal that nobody reads holds up nothing, and says later what it missed', async t => {
  const stand = await makeStand(t)
  stand.configure({
    services: {
      // Its words are long, so that the terminal is full soon.
      [LOUD]: { run: ['sh', '-c', `echo ${'x'.repeat(100)}; exit 1`], crashLoop: { failures: 1000 }, ...QUICK },
      calm: { run: ['sleep', '1000'] },
    },
  })
  const terminal = spawn(
    'python3',
    [join(FIXTURES, 'reads-nothing.py'), ...stand.heald('up', '--config', stand.configPath)],
    {
      cwd: stand.root,
      env: stand.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  t.after(() => terminal.kill('SIGKILL'))
  const ended = new Promise<number | null>(resolve => terminal.once('exit', resolve))
  let shown = ''
  terminal.stdout.setEncoding('utf8').on('data', chunk => {
    shown += chunk
  })
  await stand.wait('more news than a terminal takes', () => stand.of('service.exited', LOUD).length > RESTARTS, 60_000)
  assert.equal(shown, '')

  const calm = await stand.onlyProcess('calm')
  process.kill(calm, 'SIGKILL')
  await stand.wait('calm is healed', () => stand.processes('calm').some(pid => pid !== calm))
  await stand.must('stop', LOUD)

  terminal.stdin.write('now\n')
  await stand.wait('what was missed is told', () => / lines are left out here/.test(shown))
  await stand.must('down')
  assert.equal(await ended, 0)
  await stand.verified()
})

const QUICK = { restart: { backoff: { base: '1ms', cap: '1ms' } } }
