import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './healthy.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { count } from './size.ts'
import { msFrom, type Pair, type SwitchedHeald, startSwitched, timeCommand } from './switched.ts'

/*
 * Life of one measured rollback
 *
 * 1. Two generations are known to be good. An operator rolls back from one to the other, again and again: `rollback.started`
 *    is on the disk, the dead-man is armed, the pointer moved, the service stopped and started.
 * 2. For the crash loop the newer one is deployed and committed. Then its service is killed, and with a file in place dies
 *    at once at each start: three deaths in all. Nobody is asked; it is rolled back, and the service gets ready.
 *
 * Times are those of the ledger's entries. The peer does in the same run what moves the pointer, and nothing else.
 */
const LISTENER = join(import.meta.dirname, 'listener.js')
const BUILD = join(import.meta.dirname, '../fixtures/builds-a-profile.sh')
const PAUSE_MS = 300
const SETTLE_MS = 2000
const FRESH = count(2, 6)
const BUILD_MS = 60_000

export async function measureRollback(site: Site): Promise<BenchRow[]> {
  const releases = makeReleases(site)
  const profile = buildProfile(site)
  const folder = releases.place.path ?? ''
  const rows = [
    ...(await measureOrders(site, releases, count(5, 41), 20, {
      name: 'symlink, rename, fsync',
      once: async () => moveBare(folder),
    })),
    await measureLoops(site, releases, count(2, 5), 1000),
  ]
  if ('missing' in profile) return [...rows, missingRow(profile.missing)]
  const log = openSync(join(site.root, 'nix.log'), 'a')
  const env = { PATH: process.env.PATH, ...profile.env }
  const argv = (generation: string) => ['nix-env', '--profile', profile.peer, '--switch-generation', generation]
  let turn = 0
  try {
    return [
      ...rows,
      ...(await measureOrders(site, profile, count(5, 21), 300, {
        name: 'nix-env --switch-generation',
        once: () => timeCommand(site, argv(turn++ % 2 === 0 ? '1' : '2'), log, env),
      })),
      await measureLoops(site, profile, count(2, 5), 2000),
    ]
  } finally {
    closeSync(log)
  }
}

const NAMES = { releases: 'releases', 'nix-profile': 'Nix profile' } as const

/** Back and forth by an operator's order; an odd number of times, so that the first generation is left as it was found. */
async function measureOrders(
  site: Site,
  pair: Pair,
  rollbacks: number,
  atMost: number,
  peer: { readonly name: string; readonly once: () => Promise<number> },
): Promise<BenchRow[]> {
  const heald = await startSwitched(site, `${pair.kind}-orders`, pair, starts => ({ run: [site.victim, starts] }))
  await sleep(SETTLE_MS)
  const times = { started: [] as number[], moved: [] as number[], ordered: [] as number[], peer: [] as number[] }
  for (let n = 1; n <= rollbacks; n += 1) {
    const { atNs, entries } = await heald.order('rollback', n % 2 === 1 ? pair.first : pair.next)
    times.started.push(msFrom(entries, 'rollback.started', 'service.started'))
    times.moved.push(msFrom(entries, 'rollback.started', 'rollback.activated'))
    const restarted = entries.find(({ kind }) => kind === 'service.started')
    times.ordered.push((restarted?.mono ?? Number.NaN) / 1000 - Number(atNs) / 1e6)
    times.peer.push(await peer.once())
    await sleep(PAUSE_MS)
    if (n % 10 === 0 || n === rollbacks) site.progress(`${n} of ${rollbacks} rollbacks, ${NAMES[pair.kind]}`)
  }
  const fresh = await measureFresh(site, heald, pair)
  await heald.down()
  const [moved, ordered] = [percentile(times.moved, 0.5), percentile(times.ordered, 0.5)]
  return [
    row({
      what: `rollback, ${NAMES[pair.kind]}: from its entry to the service's new start, p50`,
      ours: percentile(times.started, 0.5),
      peer: { name: peer.name, value: percentile(times.peer, 0.5) },
      limit: { of: 'ours', atMost },
      unit: 'ms',
      note:
        `${rollbacks} rollbacks; the stop and start of the service are in it; the pointer is moved and that recorded ` +
        `after ${moved.toFixed(1)} ms, p90 of all ${percentile(times.started, 0.9).toFixed(1)} ms, ` +
        `from the order ${ordered.toFixed(1)} ms; nothing is activated`,
    }),
    row({
      what: `the same, the first one of a daemon, p50`,
      ours: percentile(fresh, 0.5),
      peer: null,
      limit: null,
      unit: 'ms',
      note: `${fresh.length} daemons, each killed and started anew before it, and idle for ${SETTLE_MS / 1000} s`,
    }),
  ]
}

/** Most rollbacks are the first one that a daemon does: nothing is loaded and nothing compiled for it. */
async function measureFresh(site: Site, heald: SwitchedHeald, pair: Pair): Promise<number[]> {
  const times: number[] = []
  for (let n = 1; n <= FRESH; n += 1) {
    await heald.killDaemon()
    await heald.up()
    await sleep(SETTLE_MS)
    const { entries } = await heald.order('rollback', n % 2 === 1 ? pair.next : pair.first)
    times.push(msFrom(entries, 'rollback.started', 'service.started'))
  }
  site.progress(`${FRESH} of ${FRESH} first rollbacks, ${NAMES[pair.kind]}`)
  return times
}

/** Three deaths at once of a committed generation. */
async function measureLoops(site: Site, pair: Pair, rounds: number, atMost: number): Promise<BenchRow> {
  const port = String(await freePort())
  const broken = join(site.root, `${pair.kind}-broken`)
  const pointer = pair.place.profile ?? join(pair.place.path ?? '', 'current')
  const run = `case $(readlink -f "$1") in *${pair.kind === 'releases' ? '/2' : '-good-2'}) [ ! -e "$2" ] || exit 3 ;; esac
exec "$3" "$4" "$5"`
  const heald = await startSwitched(site, `${pair.kind}-loops`, pair, starts => ({
    run: ['sh', '-c', run, 'web', pointer, broken, process.execPath, LISTENER, starts],
    env: { PORT: port, PATH: process.env.PATH },
    health: { http: `http://127.0.0.1:${port}/`, every: '200ms', timeout: '100ms', startup: '20s' },
  }))
  await sleep(SETTLE_MS)
  const times: number[] = []
  const own: number[] = []
  for (let n = 1; n <= rounds; n += 1) {
    if (n > 1) {
      await sleep(PAUSE_MS)
      await heald.order('deploy', pair.next)
    }
    await sleep(SETTLE_MS)
    const from = heald.entries().length
    writeFileSync(broken, '')
    heald.starts.kill(heald.starts.all().at(-1)?.pid ?? 0)
    const entries = await heald.until('rollback.verified', from)
    rmSync(broken)
    const back = entries.slice(entries.findIndex(({ kind }) => kind === 'rollback.activated'))
    const ready = back.find(({ kind }) => kind === 'service.ready')
    const readyMs = Number(ready?.data.readyMs)
    const deaths = entries.filter(({ kind, seq }) => kind === 'service.exited' && seq < (back[0]?.seq ?? 0))
    if (deaths.length !== 3) throw new Error(`${deaths.length} deaths before the rollback, not 3`)
    own.push(readyMs)
    times.push(((ready?.mono ?? Number.NaN) - (deaths[0]?.mono ?? 0)) / 1000 - readyMs)
    site.progress(`${n} of ${rounds} crash loops, ${NAMES[pair.kind]}`)
  }
  await heald.down()
  return row({
    what: `crash loop to rolled back and healthy, ${NAMES[pair.kind]}, over the service's own start, p50`,
    ours: percentile(times, 0.5),
    peer: null,
    limit: { of: 'ours', atMost },
    unit: 'ms',
    note:
      `${rounds} committed generations; from the first of 3 deaths at once, the pauses between the restarts included; ` +
      `the service itself took ${percentile(own, 0.5).toFixed(0)} ms to get ready; longest ${Math.max(...times).toFixed(0)} ms`,
  })
}

/** A folder with two releases, `current` at the first. */
export function makeReleases(site: Site): Pair {
  const path = site.folder('srv')
  for (const release of ['1', '2']) {
    mkdirSync(join(path, 'releases', release), { recursive: true })
    writeFileSync(join(path, 'releases', release, 'program'), release)
  }
  symlinkSync('releases/1', join(path, 'current'))
  return { kind: 'releases', place: { path }, first: '1', next: '2', env: {} }
}

/** What a careful shell script does, without a process for each step. */
function moveBare(folder: string): number {
  const fromMs = performance.now()
  symlinkSync('releases/1', join(folder, '.bare-new'))
  renameSync(join(folder, '.bare-new'), join(folder, 'bare'))
  const handle = openSync(folder, 'r')
  fsyncSync(handle)
  closeSync(handle)
  const tookMs = performance.now() - fromMs
  unlinkSync(join(folder, 'bare'))
  return tookMs
}

/** A Nix store of its own, offline, with a profile for us and one for the peer. */
function buildProfile(site: Site): (Pair & { readonly peer: string }) | { readonly missing: string } {
  for (const tool of ['nix-env', 'nix-build', 'flock'])
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return { missing: `needs ${tool}` }
  const root = site.folder('nix')
  const env = {
    ...{ NIX_STORE_DIR: join(root, 'store'), NIX_STATE_DIR: join(root, 'var/nix'), NIX_LOG_DIR: join(root, 'log') },
    ...{ NIX_CONF_DIR: join(root, 'etc'), NIX_USER_CONF_FILES: '', NIX_REMOTE: '', HOME: root },
  }
  const options = { env: { PATH: process.env.PATH, ...env }, encoding: 'utf8', timeout: BUILD_MS } as const
  // Nix takes the write permission from what it builds, which binds others than root.
  site.defer(() => void spawnSync('chmod', ['-R', 'u+w', root]))
  const built = execFileSync('sh', [BUILD, root, '2'], { ...options, stdio: ['ignore', 'pipe', 'ignore'] })
  const profile = join(root, 'var/nix/profiles/app')
  const peer = join(root, 'var/nix/profiles/peer')
  for (const name of ['good-1', 'good-2']) {
    const path =
      built
        .split('\n')
        .find(line => line.startsWith(`${name} `))
        ?.slice(name.length + 1) ?? ''
    execFileSync('nix-env', ['--profile', peer, '--set', path], { ...options, stdio: 'ignore' })
  }
  execFileSync('nix-env', ['--profile', profile, '--switch-generation', '1'], { ...options, stdio: 'ignore' })
  return { kind: 'nix-profile', place: { profile }, first: '1', next: '2', env, peer }
}

function missingRow(why: string): BenchRow {
  return row({
    ...{ what: 'rollback, Nix profile', ours: Number.NaN, peer: null, limit: null, unit: 'ms' },
    note: `not measured: ${why}`,
  })
}
