import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Platform } from '../conformance/platform.ts'
import { type Platforms, startPlatforms } from './platforms.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { count } from './size.ts'
import { type Heald, makeHeald, RESTLESS } from './supervisors.ts'
import { residentMb } from './usage.ts'

const SERVICES = 10
/** Crashes that follow sooner are one card, and a platform takes a message a second. */
const APART_MS = 3500
const GIVE_UP_MS = 5000

/** kill -9 of a service → the card is at the platform, by the real SDKs and the strict fakes, all in one run. */
export async function measureNotice(site: Site): Promise<BenchRow[]> {
  const kills = count(8, 60)
  const platforms = await startPlatforms(site)
  const ours = makeHeald(
    site,
    'notice',
    starts =>
      Object.fromEntries(
        Array.from({ length: SERVICES }, (_, n) => [`svc${n}`, { run: [site.victim, starts], ...RESTLESS }]),
      ),
    { config: { ...platforms.config, notify: { flap: { changes: 100, within: '1m' } } }, env: platforms.env },
  )
  await ours.up()
  await platforms.ready(ours)
  await ours.starts.until(SERVICES)
  await sleep(APART_MS)
  const times = new Map<Platform, number[]>(platforms.all.map(platform => [platform, []]))
  for (let n = 1; n <= kills; n += 1) {
    const victim = ours.starts.all().at(-SERVICES)?.pid ?? 0
    const cards = (platform: Platform) => platforms.shown(platform).filter(({ text }) => isCard(text)).length
    const before = new Map(platforms.all.map(platform => [platform, cards(platform)]))
    const killedMs = performance.now()
    ours.starts.kill(victim)
    for (const open = new Set(platforms.all); open.size > 0; await sleep(1)) {
      const tookMs = performance.now() - killedMs
      for (const platform of open) {
        if (cards(platform) <= (before.get(platform) ?? 0)) continue
        times.get(platform)?.push(tookMs)
        open.delete(platform)
      }
      if (tookMs > GIVE_UP_MS) throw new Error(`no card at ${[...open].map(({ name }) => name).join(', ')}`)
    }
    if (n % 10 === 0 || n === kills) site.progress(`${n} of ${kills} crashes`)
    await sleep(APART_MS)
  }
  return platforms.all.flatMap(platform =>
    (
      [
        ['p50', 0.5],
        ['p99', 0.99],
      ] as const
    ).map(([name, share]) =>
      row({
        what: `kill -9 to the card at ${platform.name}, ${name}`,
        ours: percentile(times.get(platform) ?? [], share),
        peer: null,
        limit: share === 0.5 ? { of: 'ours', atMost: 50 } : null,
        unit: 'ms',
        note: share === 0.5 ? `${kills} crashes, one at a time; looked for every millisecond` : '',
      }),
    ),
  )
}

/** Checkpoints come when they like. */
const isCard = (text: string) => !text.includes('Checkpoint: ')

const STORM_SERVICES = 50

/** Ten thousand crashes of 50 services within a minute or so: what reaches the platforms, and when all is told. */
export async function measureStorm(site: Site): Promise<BenchRow[]> {
  const wanted = count(500, 10_000)
  const platforms = await startPlatforms(site)
  // An order to stop would be news of its own: they crash until this file is there.
  const calm = join(site.folder('calm'), 'calm')
  const crash = 'sleep 0.28; test -e "$0" || exit 1; exec sleep 900'
  const services = Object.fromEntries(
    Array.from({ length: STORM_SERVICES }, (_, n) => [
      `svc${n}`,
      {
        run: ['/bin/sh', '-c', crash, calm],
        ...RESTLESS,
      },
    ]),
  )
  const ours = makeHeald(site, 'storm', () => services, { config: platforms.config, env: platforms.env })
  await ours.up()
  await platforms.ready(ours)
  const { pid: bot } = (await ours.status()).services.find(({ name }) => name === 'bot') ?? { pid: null }
  const memory: number[] = []
  const fromMs = performance.now()
  let crashes = 0
  while (crashes < wanted) {
    await sleep(2000)
    memory.push(residentMb(bot ?? 0))
    crashes = ours.entries().filter(({ kind, svc }) => kind === 'service.exited' && svc?.startsWith('svc')).length
    site.progress(`${crashes} of ${wanted} crashes, the bot has ${memory.at(-1)} MB`)
    if (performance.now() - fromMs > 600_000) throw new Error('the storm took too long')
  }
  const stormMs = performance.now() - fromMs
  const requests = platforms.all.map(platform => platform.requests())
  writeFileSync(calm, '')
  const lastSeq = await untilCalm(ours)
  const stoppedMs = performance.now()
  const told = await Promise.all(platforms.all.map(platform => untilTold(platforms, platform, lastSeq, stoppedMs)))
  const breaches = platforms.all.flatMap(platform => platform.breaches())
  if (breaches.length > 0) throw new Error(`over a limit of a platform: ${breaches.slice(0, 3).join('; ')}`)
  const grown = (memory.at(-1) ?? Number.NaN) - (memory[Math.floor(memory.length / 4)] ?? 0)
  return [
    ...platforms.all.map((platform, at) =>
      row({
        what: `${crashes} crashes of ${STORM_SERVICES} services: requests to ${platform.name}, over what its pace lets through`,
        ours: requests[at] ?? Number.NaN,
        peer: { name: 'one a second', value: stormMs / 1000 },
        limit: { of: 'ratio', atMost: 1.1 },
        unit: 'requests',
        note: `within ${Math.round(stormMs / 1000)} s; no limit of the platform was passed`,
      }),
    ),
    ...platforms.all.map((platform, at) =>
      row({
        what: `from the last change to its being shown at ${platform.name}`,
        ours: told[at] ?? Number.NaN,
        peer: null,
        limit: { of: 'ours', atMost: 30_000 },
        unit: 'ms',
        note: `${platforms.shown(platform).length} messages in all`,
      }),
    ),
    row({
      what: 'resident memory of the bot, from a quarter of the storm to its end',
      ours: grown,
      peer: null,
      limit: { of: 'ours', atMost: 20 },
      unit: 'MB',
      note: `${memory.at(-1)} MB at the end`,
    }),
  ]
}

/** Until every incident has ended; the seq of the last end. */
async function untilCalm(heald: Heald): Promise<number> {
  const fromMs = performance.now()
  while ((await heald.status()).services.some(({ incident }) => incident !== null)) {
    if (performance.now() - fromMs > 60_000) throw new Error('the incidents did not end within 60 s')
    await sleep(20)
  }
  const last = heald.entries().findLast(({ kind }) => kind === 'incident.resolved')
  if (last === undefined) throw new Error('no incident has ended')
  return last.seq
}

/** Until the end of the last incident is shown, and nothing as if it were not over; milliseconds since `fromMs`. */
async function untilTold(platforms: Platforms, platform: Platform, lastSeq: number, fromMs: number): Promise<number> {
  const isTold = () => {
    const cards = platforms.shown(platform).filter(({ text, replyTo }) => replyTo === null && isCard(text))
    const isLast = cards.some(({ text }) => Number(/#(\d+)·/.exec(text)?.[1]) >= lastSeq)
    return isLast && cards.every(({ text }) => /Resolved|Caught up/.test(text))
  }
  for (; !isTold(); await sleep(20))
    if (performance.now() - fromMs > 300_000) throw new Error(`${platform.name} was not told within 300 s`)
  return performance.now() - fromMs
}

/** Restarts of a service while the bot is killed again and again, beside a daemon without a bot. */
export async function measureBotless(site: Site): Promise<BenchRow[]> {
  const kills = count(15, 100)
  const platforms = await startPlatforms(site)
  const victim = (starts: string) => ({ victim: { run: [site.victim, starts], ...RESTLESS } })
  const ours = makeHeald(site, 'with-bot', victim, { config: platforms.config, env: platforms.env })
  const peer = makeHeald(site, 'without-bot', victim)
  await ours.up()
  await peer.up()
  await platforms.ready(ours)
  await Promise.all([ours.starts.until(1), peer.starts.until(1)])
  await sleep(2000)
  let botKills = 0
  const times = await killsInTurn(ours, peer, kills, async n => {
    if (n % 5 === 0) botKills += await killBot(ours)
  })
  return [
    row({
      what: 'kill -9 to the replacement while the bot is killed again and again, p50',
      ours: percentile(times.ours, 0.5),
      peer: { name: 'heald without a bot', value: percentile(times.peer, 0.5) },
      limit: { of: 'ratio', atMost: 1.15 },
      unit: 'ms',
      note: `${kills} kills of each in turn, ${botKills} of the bot right before`,
    }),
  ]
}

/** Restarts of a service while the bot's own disk is full, beside a daemon without a bot. */
export async function measureFullDisk(site: Site): Promise<BenchRow[]> {
  const kills = count(15, 100)
  const platforms = await startPlatforms(site)
  const folder = mkdtempSync(join(tmpdir(), 'heald-bench-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'heald-bench', folder], { stdio: 'pipe' })
  site.defer(() => {
    execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  const victim = (starts: string) => ({ victim: { run: [site.victim, starts], ...RESTLESS } })
  const config = { ...platforms.config, bot: { state: folder } }
  const ours = makeHeald(site, 'full-disk', victim, { config, env: platforms.env })
  const peer = makeHeald(site, 'no-bot', victim)
  await ours.up()
  await peer.up()
  await platforms.ready(ours)
  await Promise.all([ours.starts.until(1), peer.starts.until(1)])
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(bavail * bsize))
  await sleep(2000)
  const times = await killsInTurn(ours, peer, kills)
  return [
    row({
      what: 'kill -9 to the replacement while the disk of the bot is full, p50',
      ours: percentile(times.ours, 0.5),
      peer: { name: 'heald without a bot', value: percentile(times.peer, 0.5) },
      limit: { of: 'ratio', atMost: 1.15 },
      unit: 'ms',
      note: `${kills} kills of each in turn, ${statfsSync(folder).bavail} blocks free at the end`,
    }),
  ]
}

/** Times of `kills` restarts of each, by turns, so that what else the machine does meets both; ms. */
async function killsInTurn(
  ours: Heald,
  peer: Heald,
  kills: number,
  before: (n: number) => Promise<void> = async () => {},
): Promise<{ readonly ours: readonly number[]; readonly peer: readonly number[] }> {
  const { killOne, PAUSE_MS } = await import('./replacement.ts')
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] }
  for (let n = 0; n < kills; n += 1) {
    await before(n)
    times.ours.push(await killOne(ours))
    await sleep(PAUSE_MS)
    times.peer.push(await killOne(peer))
    await sleep(PAUSE_MS)
  }
  return times
}

async function killBot(heald: Heald): Promise<number> {
  const { pid } = (await heald.status()).services.find(({ name }) => name === 'bot') ?? { pid: null }
  if (pid === null) return 0
  process.kill(pid, 'SIGKILL')
  return 1
}
