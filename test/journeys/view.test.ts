import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import type { Entry } from '../../core/entry.ts'
import { makeStand } from './stand.ts'

const SERVICES = {
  alpha: {
    run: ['sleep', '100000'],
    restart: { backoff: { base: '1ms', resetAfter: '100ms' } },
    crashLoop: { failures: 100 },
  },
  'a-service-with-a-rather-long-name': { run: ['sleep', '100001'] },
}
// Built from its code, so that no control character stands in the source.
const ESCAPE = String.fromCharCode(27)

test('the exit codes 0 to 4 mean what is promised', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: SERVICES })
  assert.equal((await stand.cli('status')).code, 4)
  assert.equal((await stand.cli('stop', 'alpha')).code, 4)
  assert.equal((await stand.cli('down')).code, 4)
  await stand.up()
  await stand.inState('alpha', 'ready')
  assert.equal((await stand.cli('status')).code, 0)
  assert.equal((await stand.cli('ledger', 'verify')).code, 0)
  assert.equal((await stand.cli('no-such-command')).code, 2)
  assert.equal((await stand.cli('status', '--no-such-option')).code, 2)
  assert.equal((await stand.cli('stop')).code, 2)
  const unknown = await stand.cli('stop', 'alhpa')
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /alpha/, 'it names what there is')
  assert.equal((await stand.cli('up', '--config', stand.configPath)).code, 3)
  const answered = await stand.cli('restart', 'nobody', '--json')
  assert.equal((JSON.parse(answered.stdout) as { error: { code: string } }).error.code, 'service.unknown')
  await stand.must('stop', 'alpha')
  await stand.must('stop', 'alpha')
  await stand.must('start', 'alpha')
  await stand.must('start', 'alpha')
  await stand.onlyProcess('alpha')
})

test('status --json keeps its promised shape', async t => {
  const stand = await makeStand(t)
  stand.configure({ host: 'web-1', services: SERVICES })
  const daemon = await stand.up()
  await stand.inState('alpha', 'ready')
  const status = await stand.json<Status>('status')
  assert.deepEqual(Object.keys(status).sort(), [
    'channels',
    'commands',
    'daemon',
    'host',
    'incidents',
    'ledger',
    'services',
    'targets',
    'time',
    'version',
  ])
  assert.equal(status.host, 'web-1')
  assert.deepEqual([status.daemon.pid, status.daemon.recording], [daemon.pid, 'ok'])
  const head = stand.entries().at(-1)
  assert.deepEqual([status.ledger.size, status.ledger.head], [Number(head?.seq) + 1, head?.h])
  const alpha = status.services.find(each => each.name === 'alpha')
  assert.deepEqual(
    [alpha?.kind, alpha?.state, alpha?.pid, alpha?.restarts],
    ['process', 'ready', stand.processes('alpha')[0], 0],
  )
  assert.ok(!Number.isNaN(Date.parse(String(alpha?.sinceTs))))
})

test('a second ack records nothing, and says who was first and when', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: { broken: { run: ['sh', '-c', 'exit 1'], crashLoop: { failures: 2 } } } })
  await stand.up()
  await stand.inState('broken', 'looping')
  const [incident] = await stand.incidents()
  const id = incident?.id ?? assert.fail('no incident')
  assert.match(await stand.must('ack', id), new RegExp(`^${id} is acknowledged: `))
  const again = await stand.run(stand.heald('ack', id), { env: { SUDO_USER: 'bob' } })
  assert.equal(again.code, 0, again.stderr)
  assert.match(
    again.stdout,
    new RegExp(`^${id} had been acknowledged already by local:admin, .* \\(\\d\\d:\\d\\d:\\d\\d\\): `),
  )
  assert.equal(stand.of('incident.acked').length, 1)
  await stand.must('down')
})

test('no colour to a pipe, nor with NO_COLOR', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: SERVICES })
  await stand.up()
  await stand.inState('alpha', 'ready')
  for (const env of [{}, { NO_COLOR: '1', TERM: 'xterm-256color' }]) {
    const { stdout } = await stand.run(stand.heald('status'), { env })
    assert.ok(!stdout.includes(ESCAPE), JSON.stringify(stdout))
    assert.match(stdout, /alpha/)
  }
})

test('ledger follow --json gives every entry once, in order, and Ctrl-C ends it cleanly', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: SERVICES })
  await stand.up()
  await stand.inState('alpha', 'ready')
  const follower = stand.start(stand.heald('ledger', 'follow', '--from', '0', '--json'))
  let text = ''
  follower.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const seen = () =>
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Entry)
  for (let n = 1; n <= 3; n += 1) {
    const pid = await stand.onlyProcess('alpha')
    process.kill(pid, 'SIGKILL')
    await stand.wait('alpha is back', () => stand.of('service.recovered', 'alpha').length >= n)
  }
  const last = stand.entries().at(-1)?.seq ?? assert.fail()
  await stand.wait('the follower has it', () => seen().some(entry => entry.seq >= last))
  const seqs = seen().map(entry => entry.seq)
  assert.deepEqual(
    seqs,
    seqs.map((_, n) => n),
  )
  assert.equal(seen().filter(entry => entry.kind === 'service.exited').length, 3)
  follower.kill('SIGINT')
  const code = await new Promise(resolve => follower.once('close', resolve))
  assert.equal(code, 0)
})

test('status --watch shows each change to a pipe, and Ctrl-C ends it cleanly', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: SERVICES })
  await stand.up()
  await stand.inState('alpha', 'ready')
  const watcher = stand.start(stand.heald('status', '--watch'))
  let text = ''
  watcher.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await stand.wait('it shows alpha', () => /alpha/.test(text))
  await stand.must('stop', 'alpha')
  await stand.wait('it shows that alpha is stopped', () => /alpha.*stopped/.test(text))
  watcher.kill('SIGINT')
  const code = await new Promise(resolve => watcher.once('close', resolve))
  assert.equal(code, 0, text)
  assert.ok(!text.includes(ESCAPE))
})

test('on a terminal tables line up, also narrow, and --watch gives the screen back', async t => {
  const stand = await makeStand(t)
  const tmux = ['tmux', '-S', join(stand.root, 'tmux'), '-f', '/dev/null']
  try {
    await stand.run(['tmux', '-V'])
  } catch {
    return t.skip('needs tmux')
  }
  stand.configure({ services: SERVICES })
  await stand.up()
  await stand.inState('alpha', 'ready')
  await stand.run([...tmux, 'new-session', '-d', '-x', '100', '-y', '30', 'exec sh'])
  try {
    const type = (text: string) => stand.run([...tmux, 'send-keys', text, 'Enter'])
    const screen = async () => (await stand.run([...tmux, 'capture-pane', '-p'])).stdout
    await type(`PS1=; clear; ${stand.heald('status').join(' ')}; echo done-$?`)
    await stand.wait('status', async () => /done-0/.test(await screen()))
    const rows = (await screen()).split('\n').filter(line => /alpha|rather-long/.test(line) && /ready/.test(line))
    assert.equal(rows.length, 2, await screen())
    assert.equal(rows[0]?.indexOf('ready'), rows[1]?.indexOf('ready'), rows.join('\n'))
    for (const line of (await screen()).split('\n')) assert.ok([...line].length <= 100)

    await type(`clear; ${stand.heald('status', '--watch').join(' ')}; echo over-$?`)
    await stand.wait('the watch', async () => /rather-long-name.*ready/.test(await screen()))
    await stand.must('stop', 'alpha')
    await stand.wait('the change', async () => /alpha.*stopped/.test(await screen()))
    await stand.run([...tmux, 'send-keys', 'C-c'])
    await stand.wait('the prompt again', async () => /over-0/.test(await screen()))

    await stand.run([...tmux, 'resize-window', '-x', '50', '-y', '30'])
    await type(`clear; ${stand.heald('status').join(' ')}; echo narrow-$?`)
    await stand.wait('narrow status', async () => /narrow-\d/.test(await screen()))
    const narrow = await screen()
    assert.match(narrow, /^SERVICE +alpha\nSTATE +○ stopped\n/m, 'a block for each service')
    assert.match(narrow, /^SERVICE +a-service-with-a-rather-long-name\nSTATE +● ready\n/m)
  } finally {
    await stand.run([...tmux, 'kill-server'])
  }
  assert.ok(existsSync(stand.state))
})
