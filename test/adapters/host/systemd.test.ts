import assert from 'node:assert/strict'
import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openKernelLog } from '../../../adapters/host/kernel-log.ts'
import { createUnitHost } from '../../../adapters/host/systemd.ts'
import type { SystemdBus } from '../../../adapters/host/systemd-bus.ts'
import { folder } from './releases-stand.ts'

const LOOK_MS = 30_000

test('a run that has taken the place of another without a signal is found by the next look', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const runs = folder(t)
  const link = join(runs, 'invocation:web.service')
  let run = 0
  let reads = 0
  function begin(): void {
    run += 1
    rmSync(link, { force: true })
    symlinkSync(Buffer.alloc(16, run).toString('hex'), link)
  }
  const bus: SystemdBus = {
    manager: async () => [['web.service', '', 'loaded', 'active', 'running']],
    async properties(_path, take) {
      reads += 1
      const [LoadState, ActiveState, SubState] = ['loaded', 'active', 'running']
      take({ LoadState, ActiveState, SubState, MainPID: 100 + run, InvocationID: Buffer.alloc(16, run) })
    },
    property: async () => undefined,
    ...{ isUp: () => true, renew: assert.fail, close: () => {} },
  }
  const host = createUnitHost(assert.fail, openKernelLog(null), { openBus: () => bus, runs })
  const told: string[] = []
  const outside = {
    runs: ({ pid }: { pid: number }) => void told.push(`runs ${pid}`),
    ...{ stops: assert.fail, givesUp: assert.fail, known: assert.fail, left: () => {} },
  }
  begin()
  const seat = await host.seat('web', 'web.service', end => void told.push(`ended ${end.evidence().pid}`), outside)
  assert.equal((await seat.adopt())?.pid, 101)
  async function look(): Promise<void> {
    t.mock.timers.tick(LOOK_MS)
    await new Promise(resolve => setImmediate(resolve))
  }
  await look()
  assert.deepEqual([told, reads], [[], 1], 'what is as it was is not read')
  begin()
  await look()
  assert.deepEqual([told, reads], [['ended 101', 'runs 102'], 2])
  await host.remove('web')
})
