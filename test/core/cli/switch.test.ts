import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Switched } from '../../../core/api/switch-control.ts'
import type { Context, Values } from '../../../core/cli/command.ts'
import { exitOf } from '../../../core/cli/exit.ts'
import { deploy, rollback } from '../../../core/cli/switch.ts'
import { type StandOptions, stand } from '../api/stand.ts'
import { type SwitchStandOptions, switchStand } from '../api/switch-stand.ts'
import { paperContext, stepsIn } from './context.ts'

const HEALD = join(import.meta.dirname, '../../../heald.js')

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A daemon with targets, and the two subcommands run against it in this process. */
async function withTargets(t: TestContext, options: SwitchStandOptions = {}, more: StandOptions = {}) {
  const switches = await switchStand(t, options)
  const stood = await stand(t, { ...more, switches })
  const run = async (words: readonly string[], values: Values = {}, changes: Partial<Context> = {}): Promise<Ran> => {
    const { context, out, err } = paperContext({ socket: stood.socket, ...changes })
    const [verb, ...rest] = words
    const code = await (verb === 'deploy' ? deploy : rollback).run(context, rest, values)
    return { code, out: out(), err: err() }
  }
  return { ...stood, switches, run }
}

test('a deploy shows each step of its target and its services, a line each, and ends in one sentence', async t => {
  const { run, switches } = await withTargets(t)
  await switches.record('switch.committed', { target: 'web', to: null })
  const { code, out, err } = await run(['deploy', 'web', 'release-7'])
  assert.deepEqual([code, err], [0, ''])
  assert.deepEqual(stepsIn(out), [
    'web is about to be switched from release-6 to release-7',
    'web: release-7 is being activated, at most 1 m',
    'agent is ready after 30 ms',
    'web: release-7 runs and is on probation for 500 ms',
    'web: release-7 is being committed; from here on only forward',
    'web is on release-7 now, committed after 2.1 s',
  ])
  assert.match(out, /\nweb is on release-7 now, known to be good, after 2\.1 s\n$/)
  assert.doesNotMatch(out, /\x1b/)
})

test('each end of an order has its sentence and its exit code', async t => {
  const { run } = await withTargets(t)
  const last = ({ code, out }: Ran) => [code, out.trimEnd().split('\n').at(-1)]
  assert.deepEqual(last(await run(['deploy', 'web', 'release-6'])), [0, 'nothing to do: web is on release-6 already'])
  assert.deepEqual(last(await run(['deploy', 'web', 'release-8'])), [
    1,
    'web was rolled back to release-6, after 2.1 s: agent fails its check',
  ])
  assert.deepEqual(last(await run(['deploy', 'web', 'release-4'])), [
    1,
    'the switch of web to release-4 failed, after 2.1 s: its folder is not whole; release-6 runs',
  ])
  const planned = await run(['rollback', 'web'], { 'dry-run': true })
  assert.deepEqual(
    [planned.code, planned.out],
    [0, 'web would be led from release-6 to release-4 (/srv/web/releases/release-4); nothing was changed\n'],
  )
  const back = await run(['rollback', 'web'])
  assert.deepEqual(last(back), [0, 'web was led back to release-4, after 2.1 s'])
  assert.deepEqual(stepsIn(back.out), [
    'web is being rolled back to release-4 (by an operator): asked for',
    'web: release-4 was activated after 40 ms',
    'web was led back to release-4 after 90 ms, and that works',
  ])
  assert.deepEqual(last(await run(['rollback', 'web'], { to: 'release-6' })), [
    0,
    'web was led back to release-6, after 2.1 s',
  ])
  assert.deepEqual(last(await run(['rollback', 'web'], { to: 'release-6' })), [
    0,
    'nothing to do: web is on release-6 already',
  ])
  assert.deepEqual(last(await run(['deploy', 'web', 'release-9'])), [
    1,
    'web is held with release-9, after 2.1 s: its activation failed twice. Nothing is changed there automatically any more',
  ])
})

test('with --json there is the final document alone, whatever the end', async t => {
  const { run } = await withTargets(t)
  for (const [ref, code, outcome] of [
    ['release-7', 0, 'committed'],
    ['release-8', 1, 'rolled back'],
  ] as const) {
    const ran = await run(['deploy', 'web', ref], {}, { json: true })
    assert.deepEqual([ran.code, ran.err, ran.out.split('\n').length], [code, '', 2])
    const done = JSON.parse(ran.out) as Switched
    assert.deepEqual(Object.keys(done), ['target', 'outcome', 'from', 'to', 'current', 'why', 'tookMs'])
    assert.equal(done.outcome, outcome)
  }
})

test('what is refused is an error with a hint, and leaves no trace', async t => {
  const { run, switches, asked } = await withTargets(t)
  const before = switches.size()
  await assert.rejects(run(['deploy', 'web', 'release-5']), {
    code: 'switch.quarantined',
    hint: 'deploy it again with --force',
  })
  await assert.rejects(run(['deploy', 'wbe', 'release-7']), { code: 'target.unknown', hint: 'Did you mean "web"?' })
  await assert.rejects(run(['rollback', 'nothing-like-it']), { hint: 'There are: web, tools.' })
  await assert.rejects(run(['deploy', 'web', 'release-70']), {
    message: 'web has no generation release-70',
    hint: 'the newest are release-9, release-8',
  })
  assert.equal(switches.size(), before)
  assert.equal((await run(['deploy', 'web', 'release-5'], { force: true, unchecked: true })).code, 0)
  assert.equal(asked.at(-1), 'deploy web {"ref":"release-5","force":true,"unchecked":true} local:admin')
  const codes = ['switch.quarantined', 'switch.busy', 'target.busy', 'target.unknown', 'targets.x', 'my.switch.x']
  assert.deepEqual(codes.map(exitOf), [3, 3, 3, 2, 1, 1])
})

test('words are counted before anything is asked', async () => {
  const { context } = paperContext()
  for (const [words, message] of [
    [[], /needs TARGET REF/],
    [['web'], /needs TARGET REF/],
    [['web', 'release-7', 'now'], /takes TARGET REF, not also "now"/],
    [['web', ''], /needs TARGET REF, and one of them is empty/],
    [['', 'release-7'], /needs TARGET REF, and one of them is empty/],
  ] as const)
    assert.throws(() => deploy.run(context, words, {}), { code: 'usage.words', message })
  assert.throws(() => rollback.run(context, [], {}), { code: 'usage.words', message: /needs TARGET/ })
  assert.throws(() => rollback.run(context, [''], {}), {
    code: 'usage.words',
    message: /needs TARGET, and it is empty/,
  })
})

test('on a terminal a probation has a bar, which gives way to lines and to the end', async t => {
  const { run } = await withTargets(t, {
    probationMs: 900,
    onStep: async kind => {
      if (kind === 'switch.probation') await sleep(1500)
    },
  })
  const { code, out, err } = await run(['deploy', 'web', 'release-7'], {}, { tty: true, colour: true, columns: 80 })
  assert.equal(code, 0)
  assert.match(err, /^\r\x1b\[Kon probation █+░+ \d\d %, 1 s left/)
  assert.ok(err.endsWith('\r\x1b[K'), 'it is taken away')
  assert.match(out, /\x1b\[32mweb is on release-7 now, known to be good, after 2\.1 s\x1b\[39m\n$/)
  const plain = await run(['deploy', 'web', 'release-6'], {}, { tty: true, columns: 40 })
  assert.doesNotMatch(plain.out, /\x1b/)
  assert.ok(plain.out.split('\n').every(line => line.length <= 40))
})

test('a line is never written onto the bar', async t => {
  const { run } = await withTargets(t, {
    probationMs: 900,
    onStep: async kind => {
      if (kind === 'switch.probation') await sleep(1000)
    },
  })
  let screen = ''
  const write = (text: string) => {
    screen += text
  }
  await run(['deploy', 'web', 'release-7'], {}, { tty: true, out: write, err: write })
  assert.match(screen, /on probation █/)
  for (const line of screen.split('\n').filter(line => line.includes('on probation █')))
    assert.match(line, /\r\x1b\[K {2}\d\d:\d\d:\d\d {2}web: release-7 is being committed/)
})

test('steps that arrive after the answer are shown before the end', async t => {
  const switches = await switchStand(t)
  const { socket } = await stand(t, {
    switches,
    follow: async function* (from, signal) {
      for await (const line of switches.follow(from, signal)) {
        await sleep(50)
        yield line
      }
    },
  })
  const { context, out } = paperContext({ socket })
  await deploy.run(context, ['web', 'release-7'], {})
  assert.match(out(), /committed after 2\.1 s\nweb is on release-7 now, known to be good, after 2\.1 s\n$/)
})

test('Ctrl-C ends the showing and not the switch, and says so', async t => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { run, switches } = await withTargets(t, {
    onStep: kind => (kind === 'switch.probation' ? released : undefined),
  })
  const ending = new AbortController()
  const out = (text: string) => {
    if (text.includes('on probation')) ending.abort('SIGINT')
  }
  await assert.rejects(run(['deploy', 'web', 'release-7'], {}, { signal: ending.signal, out }), {
    code: 'interrupted',
    message: 'interrupted here only: heald goes on with the switch of web',
    hint: '"heald status --watch" shows how it goes; "heald rollback web" leads back',
  })
  assert.equal(exitOf('interrupted'), 130)
  assert.equal(switches.targets()[0]?.state, 'probation')
  release()
  while (switches.targets()[0]?.state !== 'idle') await sleep(10)
  assert.equal(switches.targets()[0]?.current?.generation, 'release-7')
})

test('steps that can not be followed, or mean nothing, do not change the end', async t => {
  const noise = ['no json', '7', 'null', '{"seq":"x"}', '{"seq":1,"ts":"never","kind":"switch.armed","data":{}}', '[]']
  const { run } = await withTargets(
    t,
    {},
    {
      follow: async function* () {
        yield* noise
        throw new Error('no more descriptors')
      },
    },
  )
  const { code, out, err } = await run(['deploy', 'web', 'release-7'])
  assert.deepEqual([code, out], [0, 'web is on release-7 now, known to be good, after 2.1 s\n'])
  assert.match(err, /^heald: the steps can't be shown: .*\n$/)
})

test('as a person runs it: exit codes of a commit, a rollback, a refusal, wrong use and Ctrl-C', async t => {
  const hanging = Promise.withResolvers<void>()
  const { state, asked } = await withTargets(t, {
    onStep: kind => (kind === 'rollback.activated' ? hanging.promise : undefined),
  })
  const heald = async (words: string[]) => {
    const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', SUDO_USER: 'alice' }
    const child = spawn(process.execPath, [HEALD, ...words, '--state', state], { env })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      if (text.includes('rolled back')) child.kill('SIGINT')
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    const [code] = (await once(child, 'close')) as [number]
    return { code, out, err }
  }
  assert.equal((await heald(['deploy', 'web', 'release-7'])).code, 0)
  assert.equal(asked[0], 'deploy web {"ref":"release-7","force":false,"unchecked":false} local:admin/alice')
  const refused = await heald(['deploy', 'web', 'release-5'])
  assert.deepEqual(
    [refused.code, refused.out, refused.err],
    [3, '', 'heald: release-5 has failed before\n  deploy it again with --force\n'],
  )
  const json = await heald(['deploy', 'web', 'release-5', '--json'])
  assert.deepEqual([json.code, json.err], [3, ''])
  assert.equal((JSON.parse(json.out) as { error: { code: string } }).error.code, 'switch.quarantined')
  const unknown = await heald(['rollback', 'wbe', '--dry-run'])
  assert.deepEqual([unknown.code, unknown.err], [2, 'heald: there is no target "wbe"\n  Did you mean "web"?\n'])
  assert.match((await heald(['deploy', 'web', 'release-7', '--frce'])).err, /Did you mean --force\?/)
  assert.equal((await heald(['deploy', 'web'])).code, 2)
  const interrupted = await heald(['rollback', 'web'])
  assert.equal(interrupted.code, 130)
  assert.match(interrupted.err, /^heald: interrupted here only: heald goes on with the switch of web\n/)
  hanging.resolve()
})
