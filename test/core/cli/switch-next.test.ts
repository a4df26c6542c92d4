import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Switched } from '../../../core/api/switch-control.ts'
import { askStatus } from '../../../core/cli/ask.ts'
import type { Context } from '../../../core/cli/command.ts'
import { deploy, rollback } from '../../../core/cli/switch.ts'
import { endInNext } from '../../../core/cli/switch-next.ts'
import type { Kind } from '../../../core/entry.ts'
import { Fault } from '../../../core/fault.ts'
import { stand } from '../api/stand.ts'
import { switchStand } from '../api/switch-stand.ts'
import { paperContext, stepsIn } from './context.ts'

const GONE_MS = 700

/**
 * A heald that ends once `kind` is durable, and the next one at its socket a little later, if one comes; the switch goes on
 * meanwhile.
 */
async function replaced(t: TestContext, kind: Kind, how: { readonly isLast?: boolean; readonly twice?: Kind } = {}) {
  const gone = new Set<Kind>([kind, ...(how.twice === undefined ? [] : [how.twice])])
  const switches = await switchStand(t, {
    async onStep(step) {
      if (!gone.delete(step)) return
      await first.server.close(1)
      await sleep(GONE_MS)
      if (how.isLast !== true) first = await stand(t, { switches, state: first.state })
    },
  })
  let first = await stand(t, { switches })
  return {
    switches,
    async run(words: readonly string[], changes: Partial<Context> = {}) {
      const { context, out, err } = paperContext({ socket: first.socket, ...changes })
      const [verb, ...rest] = words
      const code = await (verb === 'deploy' ? deploy : rollback).run(context, rest, {})
      return { code, out: out(), err: err() }
    },
  }
}

const last = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .at(-1)
    ?.replace(/after [\d.]+ m?s/, 'after a while')
const WAITING = 'heald: it has ended in the middle of the switch of web; waiting for the next one, 60 s at most\n'

for (const kind of ['switch.armed', 'switch.activating', 'switch.probation', 'switch.committed'] as const)
  test(`a heald that ends at ${kind}: the next one is asked, and no step is shown twice or left out`, async t => {
    const { run } = await replaced(t, kind)
    const { code, out, err } = await run(['deploy', 'web', 'release-7'])
    assert.deepEqual([code, err], [0, WAITING])
    assert.deepEqual(stepsIn(out), [
      'web is about to be switched from release-6 to release-7',
      'web: release-7 is being activated, at most 1 m',
      'agent is ready after 30 ms',
      'web: release-7 runs and is on probation for 500 ms',
      'web: release-7 is being committed; from here on only forward',
      'web is on release-7 now, committed after 2.1 s',
    ])
    assert.equal(last(out), 'web is on release-7 now, known to be good, after a while')
  })

test('each end that the next heald comes to has its sentence and its exit code', async t => {
  for (const [words, at, code, sentence] of [
    [
      ['deploy', 'web', 'release-8'],
      'switch.probation',
      1,
      'rolled back to release-6, after a while: agent fails its check',
    ],
    [
      ['deploy', 'web', 'release-4'],
      'switch.armed',
      1,
      'failed, after a while: its folder is not whole; release-6 runs',
    ],
    [
      ['deploy', 'web', 'release-9'],
      'switch.probation',
      1,
      'held with release-9, after a while: its activation failed twice',
    ],
    [['rollback', 'web'], 'rollback.activated', 0, 'web was led back to release-4, after a while'],
  ] as const) {
    const { run } = await replaced(t, at)
    const ran = await run(words)
    assert.equal(ran.code, code)
    assert.ok(last(ran.out)?.includes(sentence), ran.out)
  }
})

test('two that end, one after the other: the third one is asked', async t => {
  const { run } = await replaced(t, 'switch.armed', { twice: 'switch.probation' })
  const { code, out } = await run(['deploy', 'web', 'release-7'])
  assert.equal(code, 0)
  assert.equal(stepsIn(out).length, 6, out)
})

test('with --json there is the document that the first heald would have answered, and nothing else', async t => {
  const { run } = await replaced(t, 'switch.probation')
  const { code, out, err } = await run(['deploy', 'web', 'release-8'], { json: true })
  assert.deepEqual([code, err, out.split('\n').length], [1, '', 2])
  const { tookMs, ...done } = JSON.parse(out) as Switched
  assert.ok(tookMs >= GONE_MS)
  assert.deepEqual([done.target, done.outcome, done.why], ['web', 'rolled back', 'agent fails its check'])
  assert.deepEqual(
    [done.from, done.to, done.current].map(each => each?.generation),
    ['release-6', 'release-8', 'release-6'],
  )
})

test('what was not begun is told, so that it can be ordered again', async t => {
  const { run, switches } = await replaced(t, 'channel.up')
  const deploying = switches.control.deploy
  Object.assign(switches.control, {
    async deploy() {
      await switches.record('channel.up', {})
      throw new Fault('daemon.stopping', 'heald is ending')
    },
  })
  await assert.rejects(run(['deploy', 'web', 'release-7']), {
    code: 'daemon.unreachable',
    message: 'heald ended before the switch of web began: nothing was changed',
    hint: 'give the order again: the next heald runs',
  })
  Object.assign(switches.control, { deploy: deploying })
  assert.equal((await run(['deploy', 'web', 'release-7'])).code, 0)
})

test('no other heald: it is waited for as long as is said, by no clock that people set, and then told', async t => {
  const { socket } = await stand(t, { switches: await switchStand(t) })
  let sets = 0
  const { context, err } = paperContext({ socket, nowMs: () => Date.now() + 3_600_000 * sets++ })
  const before = await askStatus(context)
  const order = { verb: 'deploy', target: 'web', before, shown: 0, startedMs: performance.now() } as const
  const nobody = { ...context, socket: join(tmpdir(), 'heald-nobody.sock') }
  const startedMs = performance.now()
  await assert.rejects(endInNext(nobody, { ...order, deadlineMs: 60_000, noHealdMs: 1500 }), {
    code: 'daemon.unreachable',
    message: 'heald ended, and no other came within 1.5 s',
  })
  assert.ok(performance.now() - startedMs >= 1500)
  assert.match(err(), /waiting for the next one, 1\.5 s at most/)
})

test('Ctrl-C ends the waiting only', async t => {
  const other = await replaced(t, 'switch.probation', { isLast: true })
  const ending = new AbortController()
  const abort = (text: string) => {
    if (text.includes('waiting')) setTimeout(() => ending.abort('SIGINT'), GONE_MS)
  }
  await assert.rejects(other.run(['deploy', 'web', 'release-7'], { signal: ending.signal, err: abort }), {
    code: 'interrupted',
    message: 'interrupted here only: heald goes on with the switch of web',
  })
})
