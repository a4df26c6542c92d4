import assert from 'node:assert/strict'
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openKernelLog } from '../../../adapters/host/kernel-log.ts'
import { createUnitHost } from '../../../adapters/host/systemd.ts'
import { type BusEvents, pathOf, type SystemdBus } from '../../../adapters/host/systemd-bus.ts'
import { folder } from './releases-stand.ts'

const LOOK_MS = 30_000

/** A seat of a unit that runs, on a systemd that tells nothing by itself. `unit`: how the seat calls it. */
async function desk(t: TestContext, unit = 'web.service') {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const runs = folder(t)
  const link = join(runs, 'invocation:web.service')
  const told: string[] = []
  const world = { run: 0, reads: 0, told, isDeaf: false, asked: [] as string[], events: null as BusEvents | null }
  const bus: SystemdBus = {
    async manager(member) {
      world.asked.push(member)
      return member === 'GetUnit' ? pathOf('web.service') : [['web.service', '', 'loaded', 'active', 'running']]
    },
    async properties(_path, take) {
      world.reads += 1
      if (world.isDeaf) throw new Error('no answer')
      const [LoadState, ActiveState, SubState] = ['loaded', 'active', 'running']
      const InvocationID = Buffer.alloc(16, world.run)
      take({ Id: 'web.service', LoadState, ActiveState, SubState, MainPID: 100 + world.run, InvocationID })
    },
    property: async () => undefined,
    ...{ isUp: () => true, renew: assert.fail, close: () => {} },
  }
  const openBus = (events: BusEvents) => {
    world.events = events
    return bus
  }
  const host = createUnitHost(text => void told.push(text), openKernelLog(null), { openBus, runs })
  const outside = {
    runs: ({ pid }: { pid: number }) => void told.push(`runs ${pid}`),
    ...{
      stops: assert.fail,
      goesOn: () => assert.fail(),
      refused: assert.fail,
      givesUp: assert.fail,
      known: assert.fail,
      left: () => {},
    },
  }
  function begin(): void {
    world.run += 1
    rmSync(link, { force: true })
    symlinkSync(Buffer.alloc(16, world.run).toString('hex'), link)
  }
  begin()
  const seat = await host.seat('web', unit, end => void told.push(`ended ${end.evidence().pid}`), outside)
  assert.equal((await seat.adopt())?.pid, 101)
  t.after(() => host.remove('web'))
  return { world, host, begin, settled: () => new Promise(resolve => setImmediate(resolve)) }
}

test('a run that has taken the place of another without a signal is found by the next look', async t => {
  const { world, begin, settled } = await desk(t)
  t.mock.timers.tick(LOOK_MS)
  await settled()
  assert.deepEqual([world.told, world.reads], [[], 1], 'what is as it was is not read')
  begin()
  t.mock.timers.tick(LOOK_MS)
  await settled()
  assert.deepEqual([world.told, world.reads], [['ended 101', 'runs 102'], 2])
})

test('what happened while systemd was not heard is read as soon as it is, and after each reload of its files', async t => {
  const { world, begin, settled } = await desk(t)
  world.events?.down('D-Bus died')
  begin()
  world.events?.up()
  await settled()
  const said = ['the connection to systemd is gone (D-Bus died); dialling again', 'systemd answers again']
  assert.deepEqual(world.told.splice(0), [...said, 'ended 101', 'runs 102'])
  begin()
  world.events?.reloaded()
  await settled()
  assert.deepEqual(world.told, ['ended 102', 'runs 103'])
})

test('a unit under another name (Alias=) is told of, and looked at, by its own', async t => {
  const { world, begin, settled } = await desk(t, 'www.service')
  begin()
  const ended = { ActiveState: 'failed', SubState: 'failed', MainPID: 0, InvocationID: Buffer.alloc(16, 1) }
  world.events?.changed('/org/freedesktop/systemd1/unit/web_2eservice', ended, true)
  assert.deepEqual(world.told.splice(0), ['ended 101'])
  world.events?.changed('/org/freedesktop/systemd1/unit/www_2eservice', { ActiveState: 'active' }, true)
  t.mock.timers.tick(LOOK_MS)
  await settled()
  assert.deepEqual(world.told.splice(0), ['runs 102'])
  begin()
  t.mock.timers.tick(LOOK_MS)
  await settled()
  assert.deepEqual(world.told, ['ended 102', 'runs 103'])
})

test('which unit a service of the file is, a look of patterns asks only while no picture of it has said so', async t => {
  const { world, host, settled } = await desk(t, 'www.service')
  const look = () => host.units(['w*.service'], ['www.service'])
  for (let n = 0; n < 2; n += 1) assert.deepEqual(await look(), ['www.service'])
  assert.deepEqual(world.asked.splice(0), ['ListUnitsByPatterns', 'ListUnitsByPatterns'])
  world.isDeaf = true
  world.events?.reloaded()
  assert.deepEqual(await look(), ['www.service'])
  assert.deepEqual(world.asked.splice(0), ['ListUnitsByPatterns', 'GetUnit'], 'names may be others now')
  world.isDeaf = false
  world.events?.reloaded()
  await settled()
  assert.deepEqual(await look(), ['www.service'])
  assert.deepEqual(world.asked, ['ListUnitsByPatterns'])
})

test('a unit that two services name by different names is looked after once, and by the other one once the first is gone', async t => {
  const { world, host, settled } = await desk(t, 'www.service')
  const seen: string[] = []
  const tell = (what: string) => () => void seen.push(what)
  const outside = {
    ...{ runs: tell('runs'), stops: tell('stops'), goesOn: tell('goes on'), givesUp: tell('gives up') },
    ...{ refused: tell('refused'), known: () => {}, left: () => {} },
  }
  const ends: (string | undefined)[] = []
  const second = await host.seat('second', 'nick.service', end => void ends.push(end.leftDown?.why), outside)
  assert.equal(await second.adopt(), null)
  const [warning] = world.told.splice(0)
  assert.match(warning ?? '', /second and web are one unit, which is looked after as web: remove one/)
  assert.match(second.rests?.()?.why ?? '', /another service has the unit nick\.service by another name/)
  world.asked.length = 0
  assert.equal(second.start(), null)
  await settled()
  assert.match(ends[0] ?? '', /another service has the unit/)
  second.stop?.(false)
  world.events?.reloaded()
  t.mock.timers.tick(LOOK_MS)
  await settled()
  assert.deepEqual([seen, world.told], [[], []], 'said once')
  assert.deepEqual(
    world.asked.filter(member => member.endsWith('Unit')),
    [],
    'systemd is asked for nothing',
  )
  await host.remove('web')
  await settled()
  assert.deepEqual(seen, ['runs'])
  await host.remove('second')
})
