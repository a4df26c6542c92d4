import assert from 'node:assert/strict'
import { accessSync, constants } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RECENT_MS } from '../../../adapters/host/kernel-log.ts'
import { makeSeatStand, read, type SeatStand, signal, specOf } from './seat-stand.ts'

/** Takes memory until the kernel kills it. */
const HOG = `python3 -c "x = []
while True: x.append(bytearray(b'1' * (1 << 22)))"`
/** The same in a child: its parent, a shell, is much smaller and so never the one. */
const CHILD_HOG = `${HOG} & wait $!; echo "child ended with $?"`

const hogSeat = (stand: SeatStand, script: string) =>
  stand.seat(stand.host(), specOf('s', ['sh', '-c', script], { limits: { memoryBytes: 48 << 20 } }))

function missing(stand: SeatStand): string | null {
  if (stand.groups.length === 0) return 'needs writable control groups'
  try {
    accessSync('/dev/kmsg', constants.R_OK)
    return null
  } catch {
    return 'needs a readable /dev/kmsg'
  }
}

test('out of memory: the main process gives up because the kernel killed its child', async t => {
  const stand = makeSeatStand(t)
  const why = missing(stand)
  if (why !== null) return t.skip(why)
  const { seat, end } = await hogSeat(stand, `${CHILD_HOG}; exit 3`)
  seat.start()
  const ended = await end()
  assert.match(stand.log('s'), /child ended with 137\n$/)
  assert.deepEqual([ended.exit, ended.exitCode, ended.oom], ['code', 3, true])
})

test('not out of memory: killed long after the kernel had killed a child', async t => {
  const stand = makeSeatStand(t)
  const why = missing(stand)
  if (why !== null) return t.skip(why)
  const { seat, end } = await hogSeat(stand, `${CHILD_HOG}; exec sleep 1000`)
  const { pid } = seat.start()
  await stand.wait('the child is killed', () => stand.log('s').includes('child ended with 137'))
  // The log's clock may differ from ours: the looks at it, every two seconds, place the kill.
  await sleep(RECENT_MS + 2500)
  signal(pid, 'SIGKILL')
  const ended = await end()
  assert.deepEqual([ended.pid, ended.exit, ended.signal, ended.oom], [pid, 'signal', 'SIGKILL', false])
})

test('out of memory is the end of one instance, not of those that have its groups after it', async t => {
  const stand = makeSeatStand(t)
  const why = missing(stand)
  if (why !== null) return t.skip(why)
  const { seat, end } = await hogSeat(stand, `[ -e ${stand.root}/well ] || exec ${HOG}; exec sleep 1000`)
  seat.start()
  const first = await end()
  assert.deepEqual([first.signal, first.oom], ['SIGKILL', true])
  stand.program('well', '')
  // The first and the third are in the same slot.
  for (const n of [1, 2]) {
    await stand.wait('nothing is left', () => seat.isEmpty())
    const { pid } = seat.start()
    await stand.wait('it runs', () => read(`/proc/${pid}/comm`) === 'sleep\n')
    signal(pid, 'SIGKILL')
    const ended = await end(n)
    assert.deepEqual([ended.signal, ended.oom], ['SIGKILL', false], `instance ${n}`)
  }
})
