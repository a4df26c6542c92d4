import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { watchForEarlyEnd } from '../../../adapters/host/early-end.ts'
import { isAlive, makeSeatStand, read, signal, specOf } from './seat-stand.ts'

const LEADERLESS = new URL('../../fixtures/leaderless.c', import.meta.url).pathname

interface Watched {
  readonly child: ChildProcess
  /** What the hint said, if it said anything. */
  readonly heard: [code: number | null, signal: string | null][]
  readonly texts: string[]
  readonly exited: Promise<void>
}

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'heald-early-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

let fifos = 0

/** A child that holds a FIFO as descriptor 3 and nothing else of ours, and the hint about it. */
function watched(t: TestContext, folder: string, argv: readonly string[]): Watched {
  const fifo = join(folder, `fifo-${fifos++}`)
  execFileSync('mkfifo', [fifo])
  const held = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
  const [file = '', ...args] = argv
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore', held] })
  t.after(() => child.kill('SIGKILL'))
  const heard: Watched['heard'] = []
  const texts: string[] = []
  const stop = watchForEarlyEnd(child.pid ?? 0, fifo, {
    onEnd: (code, name) => heard.push([code, name]),
    onText: text => texts.push(text),
  })
  closeSync(held)
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()))
  t.after(stop)
  return { child, heard, texts, exited }
}

/** On a busy machine Node may be first now and then; what is said has to be true always. */
const TRIES = 20

for (const [name, script, number, told] of [
  ['a signal', 'exec sleep 1000', 9, [null, 'SIGKILL']],
  ['a real-time signal', 'exec sleep 1000', 40, [null, 'SIGRTMIN+6']],
  ['an exit code', 'sleep 0.05; exit 7', 0, [7, null]],
  ['the wish to be left down', 'sleep 0.05; exit 125', 0, [125, null]],
] as const) {
  test(`an end by ${name} is told before it is reaped, and truly`, async t => {
    const folder = makeFolder(t)
    let early = 0
    for (let n = 0; n < TRIES && early < 3; n += 1) {
      const { child, heard, exited } = watched(t, folder, ['sh', '-c', script])
      await sleep(20)
      if (number !== 0) execFileSync('sh', ['-c', `kill -${number} ${child.pid}`])
      await exited
      await sleep(5)
      if (heard.length > 0) assert.deepEqual(heard, [told])
      early += heard.length
    }
    assert.ok(early >= 3, `${early} of ${TRIES} ends were told early`)
  })
}

test('nothing is said of an end with code 0, nor of a child that closed what it inherited', async t => {
  const folder = makeFolder(t)
  const zero = watched(t, folder, ['sh', '-c', 'sleep 0.05; exit 0'])
  await zero.exited
  await sleep(20)
  assert.deepEqual(zero.heard, [])
  const closing = watched(t, folder, ['sh', '-c', 'sleep 0.05; exec 3>&-; exec sleep 1000'])
  await sleep(300)
  assert.ok(isAlive(closing.child.pid ?? 0))
  assert.deepEqual(closing.heard, [])
  closing.child.kill('SIGKILL')
  await closing.exited
  assert.deepEqual(closing.heard, [], 'its end is told by Node alone')
})

test('a process whose main thread has ended lives; it is not declared dead, and killTree ends it', async t => {
  const folder = makeFolder(t)
  const program = join(folder, 'leaderless')
  try {
    execFileSync('gcc', ['-O2', '-pthread', '-Wall', '-Werror', LEADERLESS, '-o', program])
  } catch {
    return t.skip('needs gcc')
  }
  const closing = watched(t, folder, [program, 'close'])
  await sleep(600)
  assert.match(read(`/proc/${closing.child.pid}/status`), /^State:\tZ[\s\S]*^Threads:\t2$/m)
  assert.deepEqual(closing.heard, [])

  const stand = makeSeatStand(t)
  if (stand.groups.length === 0) return t.skip('needs writable control groups')
  const { seat, end } = await stand.seat(stand.host(), specOf('s', ['sh', '-c', `${program} stay & exec sleep 1000`]))
  const { pid } = seat.start()
  await stand.wait('both', () => stand.processes().length === 1 && read(`/proc/${pid}/comm`) === 'sleep\n')
  await sleep(100)
  signal(pid, 'SIGKILL')
  await end()
  assert.ok(!seat.isEmpty(), 'a thread of the other process lives')
  await seat.killTree(5000)
  assert.ok(seat.isEmpty())
})

test('what a launching shell says is handed on; who says too much is not listened to any more', async t => {
  const folder = makeFolder(t)
  const short = watched(t, folder, ['sh', '-c', 'echo "program 127" >&3; exit 1'])
  await short.exited
  await sleep(20)
  assert.equal(short.texts.join(''), 'program 127\n')
  const flood = watched(t, folder, ['sh', '-c', 'exec yes "too much to say" >&3'])
  await sleep(500)
  const bytes = flood.texts.join('').length
  assert.ok(bytes > 0 && bytes < 200_000, `${bytes} bytes were read`)
  assert.deepEqual(flood.heard, [])
})
