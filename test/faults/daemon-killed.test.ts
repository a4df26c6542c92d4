import assert from 'node:assert/strict'
import { request } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry } from '../../core/entry.ts'
import { killQuietly } from '../journeys/leftovers.ts'
import { type Daemon, makeStand, type Stand, soak } from '../journeys/stand.ts'

/*
 * heald is killed at random moments while services are being killed and people start and stop some. Judged afterwards:
 * no service restarted because of it or runs twice, every acknowledged entry is there, the chain holds, and what was
 * adopted is still healed.
 */
const QUICK = {
  restart: { backoff: { base: '5ms', cap: '20ms', resetAfter: '50ms' } },
  crashLoop: { failures: 1000, within: '1s' },
}
const CALM = ['calm-1', 'calm-2', 'calm-3', 'calm-4']
const STRUCK = ['struck-1', 'struck-2', 'struck-3']
const ORDERED = ['ordered-1', 'ordered-2']

test('kill -9 of heald at any moment: nothing restarts, doubles or is lost', async t => {
  const rounds = soak(5, 100)
  const stand = await makeStand(t)
  const all = [...CALM, ...STRUCK, ...ORDERED]
  stand.configure({
    services: Object.fromEntries(
      all.map((name, n) => [name, { run: ['sleep', String(200_000 + n)], stop: { timeout: '2s' }, ...QUICK }]),
    ),
  })
  let daemon = await stand.up()
  for (const name of all) await stand.wait(`${name} is ready`, () => stand.of('service.ready', name)[0])
  const calm = new Map<string, number>()
  for (const name of CALM) calm.set(name, await stand.onlyProcess(name))

  const follower = followForEver(stand)
  const load = makeLoad(stand)
  /** Daemons that answered, and lived for a flush longer: their first entry has to be there. */
  let settled = 0
  for (let round = 0; round < rounds; round += 1) {
    const waitMs = Math.random() * (round % 2 === 0 ? 60 : 900)
    if (waitMs > 50) settled += 1
    await sleep(waitMs)
    await daemon.kill()
    daemon = await stand.up()
    for (const [name, pid] of calm) assert.deepEqual(stand.processes(name), [pid], `round ${round}: ${name}`)
  }
  await load.end()
  for (const name of ORDERED) await stand.must('start', name)

  // Everybody is there exactly once, and the daemon knows them by their pids.
  for (const name of all) await stand.inState(name, 'ready')
  for (const name of all) assert.equal((await stand.service(name)).pid, await stand.onlyProcess(name), name)
  for (const [name, pid] of calm) {
    assert.deepEqual(stand.processes(name), [pid])
    assert.equal(stand.of('service.exited', name).length, 0, `${name} never ended`)
    assert.equal(stand.of('service.started', name).length, 1, `${name} was started once`)
  }

  // What was acknowledged is there, byte for byte in its place.
  const bySeq = new Map(stand.entries().map(entry => [entry.seq, entry]))
  const acknowledged = await follower.end()
  assert.ok(acknowledged.length > rounds, `the follower saw ${acknowledged.length} entries`)
  for (const entry of acknowledged) {
    assert.equal(bySeq.get(entry.seq)?.h, entry.h, `entry ${entry.seq} (${entry.kind}) was shown and is gone`)
  }
  const starts = stand.of('daemon.started').length
  assert.ok(
    starts > settled && starts <= rounds + 1,
    `${starts} starts in the ledger, ${settled} of ${rounds} at least`,
  )
  assert.equal(stand.of('integrity.alert').length, 0)
  await stand.verified()

  // Adopted services are still healed.
  await daemon.kill()
  await stand.up()
  for (const [name, pid] of calm) {
    process.kill(pid, 'SIGKILL')
    await stand.wait(`${name} is healed`, () => stand.of('service.recovered', name)[0])
    assert.notEqual(await stand.onlyProcess(name), pid)
  }
  await stand.must('down')
  await stand.nothingLeft()
  await stand.verified()
})

test('kill -9 of heald right after a service was killed never leaves two of it', async t => {
  const rounds = soak(6, 100)
  const stand = await makeStand(t)
  stand.configure({ services: { racer: { run: ['sleep', '100000'], ...QUICK } } })
  let daemon: Daemon = await stand.up()
  let most = 0
  for (let round = 0; round < rounds; round += 1) {
    const pid = await stand.onlyProcess('racer')
    process.kill(pid, 'SIGKILL')
    // Anywhere from before heald hears of it to after the replacement runs.
    const untilMs = performance.now() + Math.random() * 6
    while (performance.now() < untilMs) most = Math.max(most, stand.processes('racer').length)
    await daemon.kill()
    daemon = await stand.up()
    await stand.wait('one racer', () => {
      const found = stand.processes('racer')
      most = Math.max(most, found.length)
      return found.length === 1 && found[0] !== pid
    })
  }
  assert.equal(most, 1, 'never two at once')
  await stand.inState('racer', 'ready')
  await stand.verified()
})

test('an order that was answered holds, however soon after the answer heald is killed', async t => {
  const rounds = soak(3, 50)
  const stand = await makeStand(t)
  stand.configure({ services: { order: { run: ['sleep', '100000'], ...QUICK } } })
  let daemon = await stand.up()
  await stand.inState('order', 'ready')
  for (let round = 0; round < rounds; round += 1) {
    const isStop = round % 2 === 0
    await post(join(stand.state, 'heald.sock'), `/v1/services/order/${isStop ? 'stop' : 'start'}`, () => {
      daemon.child.kill('SIGKILL')
    })
    await daemon.ended
    daemon = await stand.up()
    if (isStop) assert.equal((await stand.service('order')).state, 'stopped', `round ${round}`)
    else await stand.inState('order', 'ready')
    assert.equal(stand.processes('order').length, isStop ? 0 : 1)
  }
  await stand.verified()
})

/** Sends an order to the socket and calls `answered` in the very turn in which the answer is here. */
function post(socketPath: string, path: string, answered: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const asked = request({ socketPath, path, method: 'POST', headers }, answer => {
      answered()
      answer.resume()
      answer.on('error', () => {})
      if (answer.statusCode === 200) resolve()
      else reject(new Error(`${path}: HTTP ${answer.statusCode}`))
    })
    asked.once('error', reject)
    asked.end('{}')
  })
}

/** Follows the ledger by the command line, again whenever the daemon goes away; keeps all that it was shown. */
function followForEver(stand: Stand) {
  const shown: Entry[] = []
  let over = false
  let child = launch()
  function launch() {
    const follower = stand.start(stand.heald('ledger', 'follow', '--json'))
    let rest = ''
    follower.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const value = JSON.parse(line) as Entry
        if (typeof value.seq === 'number') shown.push(value)
      }
    })
    follower.once('close', () => {
      if (!over) child = launch()
    })
    return follower
  }
  return {
    async end() {
      over = true
      child.kill('SIGINT')
      return shown
    },
  }
}

/** Kills services and gives orders until told to end. A command that succeeded must be in the ledger. */
function makeLoad(stand: Stand) {
  let over = false
  const kills = (async () => {
    while (!over) {
      const name = STRUCK[Math.floor(Math.random() * STRUCK.length)] ?? ''
      for (const pid of stand.processes(name)) killQuietly(pid)
      await sleep(20 + Math.random() * 200)
    }
  })()
  const orders = (async () => {
    while (!over) {
      const name = ORDERED[Math.floor(Math.random() * ORDERED.length)] ?? ''
      const { code } = await stand.cli('stop', name)
      if (code === 0) {
        // Answered, so durable: whatever happens to heald now, it is the last word on this service.
        const words = ['service.started', 'service.adopted', 'service.stopped']
        const last = stand.entries().findLast(entry => entry.svc === name && words.includes(entry.kind))
        assert.equal(last?.kind, 'service.stopped', `${name}: the answer said stopped`)
      }
      await stand.cli('start', name)
    }
  })()
  return {
    async end() {
      over = true
      await Promise.all([kills, orders])
    },
  }
}
