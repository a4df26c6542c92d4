import { setTimeout as sleep } from 'node:timers/promises'
import { makeReleases } from './rollback.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { count } from './size.ts'
import { type Heald, makeHeald } from './supervisors.ts'
import { processorMs, residentMb } from './usage.ts'

const SETTLE_MS = count(5000, 20_000)
const IDLE_MS = count(10_000, 40_000)
const ROUNDS = count(1, 3)

/** What a target of releases costs a daemon that does nothing: two daemons with one service each, one with a target. */
export async function measureIdleTarget(site: Site): Promise<BenchRow[]> {
  const { kind, place } = makeReleases(site)
  const app = { targets: { app: { kind, ...place } }, switch: { probation: '300ms', passes: 1 } }
  const service = (starts: string) => ({ run: [site.victim, starts] })
  const plain = makeHeald(site, 'without', starts => ({ web: service(starts) }))
  const ours = makeHeald(site, 'with', starts => ({ web: { ...service(starts), target: 'app' } }), { config: app })
  // The very first start is a probation of what runs, and no idling.
  for (const heald of [plain, ours]) await heald.up()
  await sleep(SETTLE_MS)
  if (!ours.entries().some(({ kind }) => kind === 'switch.committed')) throw new Error('what runs was not proved good')

  const more = { mb: [] as number[], ms: [] as number[] }
  for (let n = 1; n <= ROUNDS; n += 1) {
    for (const heald of [plain, ours]) {
      await heald.down()
      await heald.up()
    }
    await sleep(SETTLE_MS)
    const [without, with_] = await Promise.all([plain, ours].map(idle))
    more.mb.push((with_?.mb ?? Number.NaN) - (without?.mb ?? 0))
    more.ms.push((with_?.ms ?? Number.NaN) - (without?.ms ?? 0))
    site.progress(`${n} of ${ROUNDS} times idle: ${JSON.stringify([without, with_])}`)
  }
  const rounds = `${ROUNDS} times ${IDLE_MS / 1000} s, both at once, each started anew before it`
  return [
    row({
      what: 'idle with a target of releases: resident memory, over the same without, p50',
      ours: percentile(more.mb, 0.5),
      peer: null,
      limit: { of: 'ours', atMost: 3 },
      unit: 'MB',
      note: `${rounds}; VmRSS, with the compile cache of the first start`,
    }),
    row({
      what: 'idle with a target of releases: processor time, over the same without, p50',
      ours: percentile(more.ms, 0.5),
      peer: null,
      limit: { of: 'ours', atMost: 0.2 },
      unit: 'ms/s',
      note: 'all threads',
    }),
  ]
}

async function idle(heald: Heald): Promise<{ readonly mb: number; readonly ms: number }> {
  const before = processorMs(heald.pid())
  const fromMs = performance.now()
  await sleep(IDLE_MS)
  const ms = (processorMs(heald.pid()) - before) / ((performance.now() - fromMs) / 1000)
  return { mb: residentMb(heald.pid()), ms }
}
