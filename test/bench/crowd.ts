import { setTimeout as sleep } from 'node:timers/promises'
import { killOne, PAUSE_MS } from './replacement.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { count } from './size.ts'
import { msBetween } from './starts.ts'
import { type Heald, makeHeald, RESTLESS, type Supervisor, startBare } from './supervisors.ts'
import { processorMs, residentMb } from './usage.ts'

const SERVICES = count(50, 500)
const KILLED_AT_ONCE = count(10, 100)
/** Standbys of a round are forked again, and incidents resolved, before the next. */
const BETWEEN_ROUNDS_MS = count(1000, 4000)
const SETTLE_MS = count(3000, 15_000)
const IDLE_MS = count(5000, 40_000)
const ADOPTED_WITHIN_MS = 10_000

/** Everything that needs hundreds of services: idle, one killed, many killed at once, the daemon itself killed. */
export async function measureCrowd(site: Site): Promise<BenchRow[]> {
  const user = 'name' in site.user ? { user: site.user.name } : {}
  const ours = makeHeald(site, 'ours', starts =>
    Object.fromEntries(
      Array.from({ length: SERVICES }, (_, n) => [`victim-${n}`, { run: [site.victim, starts], ...user, ...RESTLESS }]),
    ),
  )
  site.progress(`starting ${SERVICES} services of each`)
  await ours.up()
  const peer = startBare(site, 'peer', SERVICES, [site.victim])
  await Promise.all([ours.starts.until(SERVICES), peer.starts.until(SERVICES)])
  await sleep(SETTLE_MS)

  return [
    ...(await measureIdle(site, ours, peer)),
    ...(await measureOneOfMany(site, ours, peer)),
    ...(await measureBurst(site, ours, peer)),
    ...(await measureAdoption(site, ours)),
  ]
}

async function measureIdle(site: Site, ours: Heald, peer: Supervisor): Promise<BenchRow[]> {
  site.progress(`idle for ${IDLE_MS / 1000} s`)
  const pids = [ours.pid(), peer.pid()] as const
  const before = pids.map(processorMs)
  const fromMs = performance.now()
  await sleep(IDLE_MS)
  const seconds = (performance.now() - fromMs) / 1000
  const [oursMs = Number.NaN, peerMs = Number.NaN] = pids.map(
    (pid, at) => (processorMs(pid) - (before[at] ?? 0)) / seconds,
  )
  return [
    row({
      what: `idle with ${SERVICES} services: resident memory of the daemon`,
      ours: residentMb(ours.pid()),
      peer: { name: peer.name, value: residentMb(peer.pid()) },
      limit: { of: 'ours', atMost: 90 },
      unit: 'MB',
      note: 'without health checks; VmRSS, after its first start in an empty state folder',
    }),
    row({
      what: `idle with ${SERVICES} services: processor time`,
      ours: oursMs,
      peer: { name: peer.name, value: peerMs },
      limit: { of: 'ours', atMost: 1 },
      unit: 'ms/s',
      note: `all threads, over ${seconds.toFixed(0)} s`,
    }),
  ]
}

async function measureOneOfMany(site: Site, ours: Heald, peer: Supervisor): Promise<BenchRow[]> {
  const kills = count(10, 80)
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] }
  for (let n = 1; n <= kills; n += 1) {
    times.ours.push(await killOne(ours, oldest(ours)))
    await sleep(PAUSE_MS)
    times.peer.push(await killOne(peer, oldest(peer)))
    await sleep(PAUSE_MS)
    if (n % 40 === 0 || n === kills) site.progress(`${n} of ${kills} kills of one of ${SERVICES}`)
  }
  return [
    row({
      what: `one killed while ${SERVICES} run, p50`,
      ours: percentile(times.ours, 0.5),
      peer: { name: peer.name, value: percentile(times.peer, 0.5) },
      limit: { of: 'ratio', atMost: 0.8 },
      unit: 'ms',
      note: `${kills} kills of each in turn; p90 ${percentile(times.ours, 0.9).toFixed(2)} against ${percentile(times.peer, 0.9).toFixed(2)}`,
    }),
  ]
}

async function measureBurst(site: Site, ours: Heald, peer: Supervisor): Promise<BenchRow[]> {
  const rounds = count(3, 12)
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] }
  for (let n = 1; n <= rounds; n += 1) {
    times.ours.push(await killMany(ours))
    await sleep(BETWEEN_ROUNDS_MS)
    times.peer.push(await killMany(peer))
    await sleep(BETWEEN_ROUNDS_MS)
    site.progress(`${n} of ${rounds} rounds of ${KILLED_AT_ONCE} kills at once`)
  }
  const { services } = await ours.status()
  const notReady = services.filter(service => service.state !== 'ready')
  if (notReady.length > 0) throw new Error(`${notReady.length} services are not back: ${JSON.stringify(notReady[0])}`)
  return [
    row({
      what: `${KILLED_AT_ONCE} of ${SERVICES} killed at once, until the last is back, p50`,
      ours: percentile(times.ours, 0.5),
      peer: { name: peer.name, value: percentile(times.peer, 0.5) },
      limit: { of: 'ratio', atMost: 0.6 },
      unit: 'ms',
      note: `${rounds} rounds of each in turn, until the last one's first instruction; all back each time`,
    }),
    row({
      what: `after all this: resident memory of the daemon`,
      ours: residentMb(ours.pid()),
      peer: { name: peer.name, value: residentMb(peer.pid()) },
      limit: null,
      unit: 'MB',
      note: '',
    }),
  ]
}

/** Kills the oldest of its processes at once; milliseconds until the last replacement's first instruction. */
async function killMany({ starts }: Supervisor): Promise<number> {
  const before = starts.all().length
  const pids = starts.living().slice(0, KILLED_AT_ONCE)
  const killedNs = process.hrtime.bigint()
  for (const pid of pids) starts.kill(pid)
  const replacements = (await starts.until(before + pids.length)).slice(before)
  return Math.max(...replacements.map(start => msBetween(killedNs, start.atNs)))
}

/** The daemon is killed and started again: nothing restarts, everything is adopted. */
async function measureAdoption(site: Site, ours: Heald): Promise<BenchRow[]> {
  const startsBefore = ours.starts.all().length
  const rounds = count(1, 3)
  const times: number[] = []
  const resident: number[] = []
  const adopted = () => ours.entries().filter(entry => entry.kind === 'service.adopted').length
  for (let n = 1; n <= rounds; n += 1) {
    const before = adopted()
    await ours.killDaemon()
    const fromMs = performance.now()
    await ours.up()
    // It answers as soon as it has its services; that they were taken over is on the disk some milliseconds later.
    while (adopted() < before + SERVICES) {
      if (performance.now() - fromMs > ADOPTED_WITHIN_MS) throw new Error(`not all ${SERVICES} services were adopted`)
      await sleep(5)
    }
    times.push(performance.now() - fromMs)
    // Long enough for the daemon to give back what only its start needed.
    await sleep(SETTLE_MS)
    resident.push(residentMb(ours.pid()))
    site.progress(`${n} of ${rounds} kills of the daemon`)
  }
  if (ours.starts.all().length !== startsBefore) throw new Error('a service was restarted when the daemon was')
  return [
    row({
      what: `kill -9 of the daemon: start until it answers and has recorded that all ${SERVICES} services are adopted, p50`,
      ours: percentile(times, 0.5),
      peer: null,
      limit: null,
      unit: 'ms',
      note: `${rounds} times; no service restarted`,
    }),
    row({
      what: `the same: resident memory of the daemon`,
      ours: percentile(resident, 0.5),
      peer: null,
      limit: { of: 'ours', atMost: 90 },
      unit: 'MB',
      note: 'idle, with the compile cache of the first start',
    }),
  ]
}

function oldest({ starts }: Supervisor): number {
  return starts.living()[0] ?? 0
}
