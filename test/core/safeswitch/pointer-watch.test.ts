import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../../core/clock.ts'
import { watchPointers } from '../../../core/safeswitch/pointer-watch.ts'

const DEADLINE_MS = 20_000

/** A watch of one folder, with a clock that is moved by hand. */
function make(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'heald-watch-'))
  const folder = join(root, 'app')
  mkdirSync(folder)
  const due: { run: () => void; delayMs: number }[] = []
  const clock: Clock = {
    wallMs: () => 0,
    monoMs: () => 0,
    after(delayMs, run) {
      const one = { run, delayMs }
      due.push(one)
      return () => void (due.includes(one) && due.splice(due.indexOf(one), 1))
    },
  }
  const state = { news: 0, isTrouble: false }
  const watch = watchPointers({
    ...{ folders: [folder, folder], clock, isTrouble: () => state.isTrouble },
    onNews() {
      state.news += 1
    },
  })
  t.after(() => {
    watch.stop()
    rmSync(root, { recursive: true, force: true })
  })
  const until = async (what: string, isSo: () => boolean) => {
    const deadline = performance.now() + DEADLINE_MS
    while (!isSo()) {
      assert.ok(performance.now() < deadline, `waited for: ${what}`)
      await sleep(2)
    }
  }
  const polls = () => due.filter(({ delayMs }) => delayMs === 5000)
  /** The next poll, to its end. */
  async function poll(): Promise<void> {
    const [next] = polls()
    assert.ok(next)
    due.splice(due.indexOf(next), 1)
    next.run()
    await until('the next poll', () => polls().length === 1)
  }
  /** Drops what the kernel said, as where it says nothing. */
  const ignoreKernel = () => due.splice(0, due.length, ...polls())
  const point = (to: string) => {
    symlinkSync(to, join(folder, 'new'))
    renameSync(join(folder, 'new'), join(folder, 'current'))
  }
  return { folder, due, state, watch, until, poll, polls, ignoreKernel, point }
}

test('what the kernel says is news a moment after the last of it', async t => {
  const { due, state, until, point, polls } = make(t)
  point('a')
  await until('a word of the kernel', () => due.some(({ delayMs }) => delayMs === 100))
  assert.equal(state.news, 0)
  await sleep(50)
  const quiet = due.filter(one => !polls().includes(one))
  assert.equal(quiet.length, 1, 'several changes are one piece of news')
  quiet[0]?.run()
  assert.equal(state.news, 1)
})

test('where the kernel says nothing a move is found by the next poll; where nothing has moved nobody looks', async t => {
  const { folder, state, poll, point, ignoreKernel } = make(t)
  await poll()
  assert.equal(state.news, 1, 'the first one has nothing to compare with')
  for (let n = 0; n < 5; n += 1) await poll()
  assert.equal(state.news, 1)
  point('a')
  await sleep(20)
  ignoreKernel()
  await poll()
  assert.equal(state.news, 2)
  await poll()
  assert.equal(state.news, 2)
  rmSync(folder, { recursive: true })
  await sleep(20)
  ignoreKernel()
  await poll()
  assert.equal(state.news, 3, 'gone')
  mkdirSync(folder)
  writeFileSync(join(folder, 'x'), '')
  await poll()
  assert.equal(state.news, 4, 'back')
})

test('in trouble every poll looks, and else every twelfth', async t => {
  const { state, poll } = make(t)
  state.isTrouble = true
  for (let n = 1; n <= 3; n += 1) await poll()
  assert.equal(state.news, 3)
  state.isTrouble = false
  for (let n = 4; n <= 11; n += 1) await poll()
  assert.equal(state.news, 3)
  await poll()
  assert.equal(state.news, 4)
})

test('stopped, it says nothing more', async t => {
  const { state, watch, due, polls } = make(t)
  const [pending] = polls()
  pending?.run()
  watch.stop()
  await sleep(50)
  assert.deepEqual([state.news, due.filter(one => one !== pending)], [0, []])
})
