import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leftDown, mayRestart, newsOf, restsBecause, type Told } from '../../../adapters/host/unit-news.ts'
import { isDown, isUp, NO_UNIT, startedMonoMs, type UnitView, viewWith } from '../../../adapters/host/unit-view.ts'

const START: Told = { run: 'a', lastRun: 'a', restarts: 0, stops: false }
const unit = (more: Partial<UnitView>): UnitView => ({ ...NO_UNIT, load: 'loaded', run: 'a', ...more })
const runs = (run: string, restarts = 0) => unit({ active: 'active', sub: 'running', mainPid: 7, run, restarts })
const failed = (run = 'a', restarts = 0) =>
  unit({ active: 'failed', sub: 'failed', result: 'signal', exitKind: 2, exitStatus: 9, run, restarts })
const waits = (run = 'a', restarts = 0, job = 0) =>
  unit({ active: 'activating', sub: 'auto-restart', result: 'signal', exitKind: 2, exitStatus: 9, run, restarts, job })

/** What is told of these pictures, one after the other: `ended?` where it can't be known how. */
function tale(pictures: readonly UnitView[], told: Told = START): string[] {
  const words: string[] = []
  for (const picture of pictures) {
    const answer = newsOf(told, picture)
    told = answer.told
    for (const news of answer.news) words.push(news.kind === 'ended' && news.view === null ? 'ended?' : news.kind)
  }
  return words
}

test('killed and restarted by systemd, in all its steps', () => {
  const begun = unit({ active: 'inactive', sub: 'dead', mainPid: 8, job: 5, run: 'b', restarts: 1 })
  const all = [failed(), waits(), waits('a', 1), waits('a', 1, 5), begun, runs('b', 1), runs('b', 1)]
  assert.deepEqual(tale(all), ['ended', 'runs'])
  // With any of the steps left out in between, the tale is the same; without all of them, how it ended is not known.
  for (let from = 1; from < 6; from += 1) assert.deepEqual(tale([failed(), ...all.slice(from)]), ['ended', 'runs'])
  assert.deepEqual(tale([runs('b', 1)]), ['ended?', 'runs'])
  assert.deepEqual(tale([begun, runs('b', 1)]), ['ended?', 'runs'])
})

test('systemd’s count tells of ends between two pictures', () => {
  assert.deepEqual(tale([runs('d', 3)]), ['ended?', 'runs', 'ended?', 'runs', 'ended?', 'runs'])
  assert.deepEqual(tale([failed(), runs('d', 3)]), ['ended', 'runs', 'ended?', 'runs', 'ended?', 'runs'])
  assert.deepEqual(tale([failed('c', 2)]), ['ended?', 'runs', 'ended?', 'runs', 'ended'])
  assert.deepEqual(tale([waits('b', 2, 9), runs('c', 2)]), ['ended?', 'runs', 'ended', 'runs'])
  // Somebody else's start sets the count back; and it is not believed after a re-execution.
  assert.deepEqual(tale([runs('b', 0)], { ...START, restarts: 4 }), ['ended?', 'runs'])
  assert.deepEqual(tale([failed(), runs('b', 2)], { ...START, restarts: null }), ['ended', 'runs'])
  assert.equal(tale([runs('z', 1_000_000)]).length, 202, 'a nonsense count has an end')
})

test('a stop that was asked for is no crash, whichever picture is missing', () => {
  const asked = unit({ active: 'active', sub: 'running', mainPid: 7, job: 3 })
  const going = unit({ active: 'deactivating', sub: 'stop-sigterm', mainPid: 7, job: 3 })
  const gone = unit({ active: 'inactive', sub: 'dead', job: 3, exitKind: 2, exitStatus: 15 })
  const over = { ...gone, job: 0 }
  assert.deepEqual(tale([asked, going, gone, over]), ['stops', 'ended'])
  assert.deepEqual(tale([going, over]), ['stops', 'ended'])
  assert.deepEqual(tale([gone]), ['stops', 'ended'])
  // A restart by hand: the same, and then it runs.
  assert.deepEqual(tale([going, runs('b')]), ['stops', 'ended?', 'runs'])
  // It does not end as it should, but it was asked to.
  assert.deepEqual(tale([going, failed()]), ['stops', 'ended'])
  // A kill that leaves processes behind makes systemd stop the rest: no wish.
  const rest = unit({ active: 'deactivating', sub: 'stop-sigterm', result: 'signal', exitKind: 2, exitStatus: 9 })
  assert.deepEqual(tale([rest]), ['ended'], 'told at once, while systemd ends the rest')
  assert.deepEqual(tale([rest, failed(), waits(), runs('b', 1)]), ['ended', 'runs'])
  // The same where its last command runs, after a clean end too, and where a watchdog has it ended.
  const post = unit({ active: 'deactivating', sub: 'stop-post', controlPid: 9, exitKind: 1 })
  assert.deepEqual(tale([post, over]), ['ended'])
  assert.deepEqual(tale([unit({ active: 'deactivating', sub: 'stop-watchdog', result: 'watchdog', mainPid: 7 })]), [
    'ended',
  ])
  assert.deepEqual(tale([going, { ...post, job: 3 }, over]), ['stops', 'ended'])
})

test('a stop that is asked for while systemd ends the rest of a fallen unit is a wish, told once', () => {
  for (const result of ['signal', 'success']) {
    const rest = unit({ active: 'deactivating', sub: 'stop-sigterm', result, exitKind: 2, exitStatus: 9 })
    const asked = { ...rest, job: 4 }
    const gone = { ...failed(), result }
    assert.deepEqual(tale([rest, asked, asked, { ...gone, job: 4 }, gone]), ['ended', 'stops'])
    assert.deepEqual(tale([rest, asked, runs('b')]), ['ended', 'stops', 'runs'])
  }
  assert.deepEqual(tale([failed(), waits(), waits('a', 1, 5), runs('b', 1)]), ['ended', 'runs'], 'systemd’s own job')
})

test('a unit that systemd has forgotten since, run and all, was stopped while nobody could look', () => {
  const forgotten = unit({ run: '' })
  assert.deepEqual(tale([forgotten, forgotten, runs('b')]), ['stops', 'ended?', 'runs'])
  const going = unit({ active: 'deactivating', sub: 'stop-sigterm', mainPid: 7, job: 3 })
  assert.deepEqual(tale([going, forgotten]), ['stops', 'ended?'])
  assert.deepEqual(tale([failed(), forgotten]), ['ended'], 'its end was told')
  // A failed one is not forgotten: it could not even be started again.
  assert.deepEqual(tale([{ ...forgotten, active: 'failed', result: 'resources' }]), ['ended?'])
})

test('one that is started by others, reloads, and one that comes to nothing', () => {
  const none: Told = { run: null, lastRun: '', restarts: 0, stops: false }
  assert.deepEqual(tale([runs('a')], none), ['runs'])
  assert.deepEqual(tale([runs('a'), unit({ active: 'reloading', sub: 'reload', mainPid: 7, job: 4 })], none), ['runs'])
  assert.deepEqual(tale([failed('a')], none), ['runs', 'ended'])
  const pre = unit({ active: 'activating', sub: 'start-pre', controlPid: 9, job: 4, run: 'a' })
  assert.deepEqual(tale([pre, failed('a')], none), ['runs', 'ended'])
  assert.ok(!isDown(pre) && !isUp(pre))
})

test('what is left down, and what is left to systemd', () => {
  const clean = unit({ active: 'inactive', exitKind: 1, exitStatus: 0 })
  assert.equal(leftDown(clean), null, 'Restart=no says nothing: it was to keep running')
  assert.match(leftDown({ ...clean, policy: 'on-failure' })?.why ?? '', /code 0, and Restart=on-failure/)
  assert.match(leftDown({ ...clean, type: 'oneshot' })?.why ?? '', /is done/)
  const triggered = leftDown({ ...clean, triggeredBy: ['a.timer'] })
  const why = 'it exited with code 0: it is done until it is started again, as a.timer does while that is active'
  assert.deepEqual(triggered, { why, isTrouble: false })
  assert.equal(leftDown({ ...failed(), triggeredBy: ['a.timer'] }), null)
  assert.equal(leftDown({ ...failed(), policy: 'on-failure' }), null)
  assert.equal(leftDown({ ...failed(), load: 'masked' })?.isTrouble, true)
  assert.equal(mayRestart(failed()), false)
  assert.equal(mayRestart({ ...failed(), policy: 'always' }), true)
  assert.equal(mayRestart({ ...failed(), policy: 'always', result: 'start-limit-hit' }), false)
  assert.equal(restsBecause(failed(), 'a.service'), null)
  assert.match(restsBecause(clean, 'a.service') ?? '', /inactive/)
  assert.match(restsBecause({ ...clean, result: 'signal' }, 'a.service') ?? '', /inactive/)
  assert.match(restsBecause(NO_UNIT, 'a.service') ?? '', /no unit a\.service/)
})

test('what asks to be left down, or may not be restarted, is left down unless systemd restarts it all the same', () => {
  const asks = unit({ active: 'failed', result: 'exit-code', exitKind: 1, exitStatus: 125 })
  assert.deepEqual(leftDown(asks), { why: 'it exited with code 125, which asks to be left down', isTrouble: false })
  assert.equal(leftDown({ ...asks, active: 'activating', sub: 'auto-restart', policy: 'always' }), null)
  const prevented = viewWith(unit({ active: 'failed', result: 'exit-code', exitKind: 1, exitStatus: 23 }), {
    ...{ Restart: 'always', RestartPreventExitStatus: [[78, 23], [10]] },
  })
  assert.equal(leftDown(prevented)?.isTrouble, true)
  assert.match(leftDown(prevented)?.why ?? '', /code 23, and RestartPreventExitStatus=/)
  assert.equal(leftDown({ ...prevented, exitStatus: 10 }), null, 'that is a signal')
  assert.match(leftDown({ ...prevented, exitKind: 2, exitStatus: 10 })?.why ?? '', /signal 10/)
  assert.equal(leftDown({ ...prevented, result: 'success' })?.isTrouble, false)
  const post = { ...asks, active: 'deactivating', sub: 'stop-post', controlPid: 9 }
  assert.equal(leftDown({ ...post, policy: 'on-failure' }), null, 'systemd is going to restart it')
  assert.match(leftDown({ ...post, policy: 'on-abort' })?.why ?? '', /code 125/)
})

test('properties become a picture; what is not told stays', () => {
  const whole = viewWith(NO_UNIT, {
    ...{ LoadState: 'loaded', ActiveState: 'active', SubState: 'running', MainPID: 12, NRestarts: 2 },
    ...{ Restart: 'always', RestartUSec: 250_000, TimeoutStartUSec: 18_446_744_073_709_552_000, Job: [0, '/'] },
    ...{ InvocationID: Buffer.from('0a0b', 'hex'), ExecMainStartTimestampMonotonic: 5_000_000 },
  })
  assert.deepEqual(
    [whole.mainPid, whole.restarts, whole.restartMs, whole.startMs, whole.run, startedMonoMs(whole), whole.job],
    [12, 2, 250, Number.POSITIVE_INFINITY, '0a0b', 5000, 0],
  )
  const later = viewWith(whole, { ActiveState: 'failed', MainPID: 0, Result: 'signal' })
  assert.deepEqual([later.active, later.mainPid, later.policy, later.restarts], ['failed', 0, 'always', 2])
})

test('when a unit without a main process was started is when it became active, of this run', () => {
  const runs = { ActiveState: 'active', SubState: 'running' }
  let view = viewWith(NO_UNIT, {
    ...runs,
    ExecMainStartTimestampMonotonic: 0,
    ActiveEnterTimestampMonotonic: 5_000_000,
  })
  assert.equal(startedMonoMs(view), 5000)
  // As systemd sends it: one signal for each interface.
  view = viewWith(view, { MainPID: 0, ExecMainStartTimestampMonotonic: 0 })
  view = viewWith(view, { ActiveState: 'failed', SubState: 'failed', ActiveEnterTimestampMonotonic: 5_000_000 })
  assert.equal(startedMonoMs(view), 0, 'of a start that came to nothing it is not known')
  view = viewWith(view, { MainPID: 0, ExecMainStartTimestampMonotonic: 0 })
  view = viewWith(view, { ...runs, ActiveEnterTimestampMonotonic: 9_000_000 })
  assert.equal(startedMonoMs(view), 9000)
})
