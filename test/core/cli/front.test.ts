import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stand, temporaryFolder } from '../api/stand.ts'

const HEALD = join(import.meta.dirname, '../../../heald.js')

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Runs `node heald.js …` as a person would, without anything of this process's own environment but PATH. */
function heald(words: string[], env: Record<string, string> = {}): Promise<Ran> {
  return new Promise(resolve => {
    const options = { env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env }, timeout: 60_000 }
    execFile(process.execPath, [HEALD, ...words], options, (error, out, err) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, out, err }),
    )
  })
}

test('mistyped names and options are answered with the nearest one, exit code 2', async t => {
  const state = temporaryFolder(t)
  const cases: [words: string[], err: RegExp][] = [
    [['statsu'], /no subcommand "statsu"\n {2}Did you mean "heald status"/],
    [['xyzzyplugh'], /no subcommand "xyzzyplugh"\n {2}"heald help" lists all/],
    [['status', '--wacth'], /"heald status" has no option --wacth\n {2}Did you mean --watch\?/],
    [['--jsn', 'status'], /Did you mean --json\?/],
    [['status', '--watch=yes'], /--watch takes no value/],
    [['status', '--state'], /--state needs a value/],
    [['logs', 'agent', '--lines', '--follow'], /--lines needs a value/],
    [['status', 'a', 'b'], /takes one SERVICE, not also "b"/],
    [['stop'], /"heald stop" needs SERVICE\n {2}Usage: heald stop SERVICE/],
    [['stop', 'a', 'b'], /takes one SERVICE, not also "b"/],
    [['incident', 'a-1', '--report', 'pdf'], /--report has to be md or html, not "pdf"/],
    [['status', '--state='], /--state needs a value/],
    [['ledger', 'list', '--svc', ''], /--svc needs a value/],
    [['ledger', 'list', '--svc', 'a', '--svc', 'b'], /--svc is given twice\n {2}Usage: heald ledger/],
    [['ledger', 'list', '--since', '2h', '--until', '1h', '--since=3h'], /--since is given twice/],
    [['ledger', 'list', '-n', '3', '--limit', '4'], /--limit is given twice/],
    [['help', 'statsu'], /Did you mean "heald help status"/],
  ]
  await Promise.all(
    cases.map(async ([words, err]) => {
      const ran = await heald(['--state', state, ...words])
      assert.deepEqual([ran.code, ran.out], [2, ''], words.join(' '))
      assert.match(ran.err, err)
    }),
  )
})

test('a wrong path is wrong use: exit code 2, what is wrong with it and what to do', async t => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const stateful = ['up', 'status', 'stop x', 'logs x', 'incidents', 'ack x-1', 'down', 'ledger list', 'doctor']
  const cases: [words: string[], err: RegExp][] = [
    ...stateful.map((words): [string[], RegExp] => [
      [...words.split(' '), '--state', file],
      /file can't be the state folder: .* is not a folder\n {2}name a folder, .*: --state DIR\n$/,
    ]),
    [['status', '--state', join(file, 'in')], /file\/in can't be the state folder/],
    [['up', '--config', join(folder, 'none')], /there is no configuration at .*none\n {2}run: heald init/],
    [['up', '--config', folder], /is not a file\n {2}give the path of a heald\.yaml/],
    [['config', 'check', join(folder, 'none')], /there is no configuration at .*none\n {2}run: heald init/],
    [['config', 'check', folder], /is not a file\n {2}give the path of a heald\.yaml/],
    [['init', folder], /is a folder, and a configuration is a file\n {2}write: heald init .*\/heald\.yaml\n$/],
    [['init', join(file, 'heald.yaml')], /what it would be in is not a folder\n {2}name a place in a folder/],
    [['ledger', 'verify', join(folder, 'none')], /none does not exist\n {2}name the folder that holds "seg"/],
  ]
  for (const [words, err] of cases) {
    const ran = await heald(['--state', join(folder, 'state'), ...words])
    assert.deepEqual([ran.code, ran.out], [2, ''], words.join(' '))
    assert.match(ran.err, err)
  }
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'state'])
})

test('without a daemon: exit code 4, in words or as one JSON document, and no trace is left', async t => {
  const folder = temporaryFolder(t)
  const state = join(folder, 'not-there')
  const plain = await heald(['status', '--state', state])
  assert.deepEqual([plain.code, plain.out], [4, ''])
  assert.match(
    plain.err,
    /^heald: the daemon can't be reached: nothing listens on .*not-there\/heald\.sock\n {2}start it with "heald up"/,
  )
  for (const words of [
    ['--json', 'status'],
    ['incidents', '--json'],
    ['stop', 'agent', '--json'],
  ]) {
    const json = await heald([...words, '--state', state])
    assert.deepEqual([json.code, json.err], [4, ''], words.join(' '))
    const { error } = JSON.parse(json.out) as { error: Record<string, unknown> }
    assert.deepEqual([Object.keys(error), error.code], [['code', 'message', 'hint', 'retry'], 'daemon.unreachable'])
  }
  assert.equal(existsSync(state), false)
})

test('a socket path that the kernel would cut is said, not cut', async t => {
  const ran = await heald(['status', '--state', join(temporaryFolder(t), 'x'.repeat(110))])
  assert.equal(ran.code, 1)
  assert.match(ran.err, /path of the socket is \d+ bytes long, and Linux allows 107/)
})

test('help and version', async () => {
  const [none, help, one, version, json] = await Promise.all([
    heald([]),
    heald(['help']),
    heald(['logs', '--help']),
    heald(['--version']),
    heald(['--version', '--json']),
  ])
  assert.deepEqual([none.code, help.code, one.code, version.code], [2, 0, 0, 0])
  for (const name of ['up', 'status', 'logs', 'incident', 'ledger', 'doctor'])
    assert.match(help.out, new RegExp(`^ {2}${name} `, 'm'))
  assert.match(one.out, /^Usage: heald logs SERVICE \[LINES\] \[--lines N\] \[--follow\]\n/)
  assert.match(version.out, /^heald \d+\.\d+\.\d+\n$/)
  assert.match(json.out, /^\{"version":"\d+\.\d+\.\d+"\}\n$/)
})

test('orders, answers and exit codes against a daemon', async t => {
  const { state, asked, become, degrade } = await stand(t)
  const at = (...words: string[]) => heald([...words, '--state', state])
  const status = await at('status')
  assert.equal(status.code, 0)
  assert.match(status.out, /^agent +● ready +77 /m)
  assert.doesNotMatch(status.out, /\x1b/)
  const json = await at('status', '--json')
  assert.equal((JSON.parse(json.out) as { host: string }).host, 'web-1')
  become('agent', 'unhealthy')
  const unwell = await at('status')
  assert.equal(unwell.code, 1)
  assert.match(unwell.out, /^agent +▲ unhealthy .*fail: HTTP 500 ␛\[2J/m)

  const [restart, typo, ack] = [await at('restart', 'agent'), await at('stop', 'agnt'), await at('ack', 'agent-4')]
  assert.deepEqual([restart.code, restart.out], [0, 'agent is ready, pid 78, after 12.5 ms\n'])
  assert.deepEqual([typo.code, typo.err], [2, 'heald: there is no service "agnt"\n  Did you mean "agent"?\n'])
  assert.deepEqual([ack.code, ack.err], [2, 'heald: there is no incident "agent-4"\n  Did you mean "agent-41"?\n'])
  assert.equal((await at('ack', 'agent-41')).out, 'agent-41 is acknowledged: agent was killed by SIGKILL\n')
  assert.equal((await at('resolve', 'agent-41')).out, 'agent-41 is resolved: agent was killed by SIGKILL\n')
  assert.match(
    (await at('reload', '--dry-run')).out,
    /Nothing was changed[\s\S]*would start: new\nrestart pending: agent\n/,
  )
  assert.match((await at('incidents')).out, /^agent-41 +○ resolved +critical /m)

  degrade('the disk is full')
  const refused = await at('start', 'db')
  assert.deepEqual([refused.code, refused.err], [3, 'heald: orders are refused: the disk is full\n  free some space\n'])
  const bad = await at('status')
  assert.equal(bad.code, 1)
  assert.match(bad.out, /^NOT RECORDING: the disk is full\./m)

  const down = await at('down')
  assert.deepEqual([down.code, down.out], [0, 'stopped agent; heald has ended\n'])
  assert.equal((await at('status')).code, 4)
  const by = 'local:admin'
  assert.deepEqual(asked, [
    `restart agent ${by}`,
    `ack agent-41 ${by}`,
    `resolve agent-41 ${by}`,
    'reload true false',
    `start db ${by}`,
    `down ${by}`,
  ])
  assert.deepEqual(readdirSync(state), ['cache'])
})

test('the login name behind sudo goes along as a claim', async t => {
  const { state, asked } = await stand(t)
  await heald(['stop', 'agent', '--state', state], { SUDO_USER: 'alice' })
  assert.deepEqual(asked, ['stop agent local:admin/alice'])
})

test('Ctrl-C ends a watch cleanly, and a reader that leaves ends the output without a fuss', async t => {
  const { state, become } = await stand(t)
  const watching = spawn(process.execPath, [HEALD, 'status', '--watch', '--state', state])
  await once(watching.stdout, 'data')
  watching.kill('SIGINT')
  assert.deepEqual(await once(watching, 'close'), [0, null])

  const piped = spawn(process.execPath, [HEALD, 'status', '--watch', '--json', '--state', state])
  const errors: string[] = []
  piped.stderr.on('data', text => errors.push(String(text)))
  await once(piped.stdout, 'data')
  piped.stdout.destroy()
  become('agent', 'backoff')
  assert.deepEqual(await once(piped, 'close'), [0, null])
  assert.deepEqual(errors, [])
})

test('an old Node is told kindly what to do', async t => {
  const old = ['/usr/bin/node', '/usr/local/bin/node'].find(existsSync)
  const version =
    old === undefined
      ? ''
      : await new Promise<string>(resolve => execFile(old, ['--version'], (_, out) => resolve(out)))
  if (old === undefined || !/^v(1\d|20|21)\./.test(version)) return t.skip('needs a Node before 22')
  const ran = await new Promise<Ran>(resolve =>
    execFile(old, [HEALD, 'status'], (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    ),
  )
  assert.equal(ran.code, 2)
  assert.match(ran.err, /^heald: this is Node \d+\.\d+\.\d+, and heald needs Node 22\.18 or newer/)
  assert.match(ran.err, /npm install/)
})
