import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stream } from '../../core/api/client.ts'
import type { Entry } from '../../core/entry.ts'
import { healdInside } from '../systemd/heald-inside.ts'
import { machineIsMissing, startMachine } from '../systemd/machine.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { count } from './size.ts'
import { msBetween, type Starts, watchStarts } from './starts.ts'

/*
 * Three units of one real systemd in a container, killed in turn: one that heald restarts (Restart=no), one that systemd
 * restarts alone (Restart=always, RestartSec=0), and one that systemd restarts while heald watches.
 */
const KINDS = ['ours', 'theirs', 'watched'] as const
const PAUSE_MS = 300
const SETTLE_MS = 2000
const RECORDED_WITHIN_MS = 10_000

export async function measureUnits(site: Site): Promise<BenchRow[]> {
  const missing = machineIsMissing()
  if (missing !== null) throw new Error(missing)
  const machine = await startMachine({ after: end => site.defer(end) })
  const victim = join(machine.shared, 'victim')
  cpSync(site.victim, victim)
  const starts = Object.fromEntries(KINDS.map(kind => [kind, watchStarts(join(machine.shared, kind))])) as Record<
    (typeof KINDS)[number],
    Starts
  >
  await machine.units(
    Object.fromEntries(
      KINDS.map(kind => [
        `${kind}.service`,
        `[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=${victim} ${starts[kind].path}\n${kind === 'ours' ? '' : 'Restart=always\nRestartSec=0\n'}`,
      ]),
    ),
  )
  await machine.must('systemctl', 'start', ...KINDS)
  const heald = healdInside(machine)
  const restless = { crashLoop: { failures: 1000 }, restart: { backoff: { base: '1ms', cap: '1ms' } } }
  heald.configure({
    host: 'bench',
    services: { ours: { unit: 'ours.service', ...restless }, watched: { unit: 'watched.service', ...restless } },
  })
  await heald.up()
  const news = followStarts(site, join(heald.state, 'heald.sock'), heald.entries().length)
  await sleep(SETTLE_MS)

  const times = { ours: [] as number[], theirs: [] as number[], watched: [] as number[] }
  const recorded = { ours: [] as number[], watched: [] as number[] }
  const kills = count(10, 100)
  for (let n = 1; n <= kills; n += 1) {
    for (const kind of KINDS) {
      const before = starts[kind].all().length
      const pid = outsidePid(starts[kind].all().at(-1)?.pid ?? 0, victim)
      const heard = kind === 'theirs' ? null : news(kind)
      const killedNs = starts[kind].kill(pid)
      const [started] = (await starts[kind].until(before + 1)).slice(before)
      times[kind].push(msBetween(killedNs, started?.atNs ?? 0n))
      if (heard !== null && kind !== 'theirs') recorded[kind].push(msBetween(killedNs, await heard))
      await sleep(PAUSE_MS)
    }
    if (n % 10 === 0) site.progress(`${n} of ${kills} kills of each`)
  }
  const peer = (share: number) => ({ name: 'systemd, RestartSec=0', value: percentile(times.theirs, share) })
  const note = `${kills} kills, one container, systemd ${(await machine.must('systemctl', '--version')).split(/[ \n]/)[1]}`
  return [
    ...([0.5, 0.9] as const).map(share =>
      row({
        what: `unit killed to its replacement's first instruction, p${share * 100}`,
        ours: percentile(times.ours, share),
        peer: peer(share),
        limit: null,
        unit: 'ms',
        note: `Restart=no, started by heald over D-Bus after its pause of 1 ms, its start limit set back before; ${note}`,
      }),
    ),
    row({
      what: 'unit killed to active again and durably recorded, p50',
      ours: percentile(recorded.ours, 0.5),
      peer: peer(0.5),
      limit: { of: 'ratio', atMost: 2 },
      unit: 'ms',
      note: `until a follower has the entry; the peer records nothing; ${note}`,
    }),
    row({
      what: 'the same where systemd restarts it and heald watches, first instruction, p50',
      ours: percentile(times.watched, 0.5),
      peer: peer(0.5),
      limit: null,
      unit: 'ms',
      note: `recorded after ${percentile(recorded.watched, 0.5).toFixed(1)} ms; ${note}`,
    }),
  ]
}

/** When the next start of a service is heard of, by a follower of the ledger: it gets an entry only once it is durable. */
function followStarts(site: Site, socket: string, from: number): (service: string) => Promise<bigint> {
  const closing = new AbortController()
  site.defer(() => closing.abort())
  const waiting = new Map<string, (heardNs: bigint) => void>()
  const reading = (async () => {
    for await (const line of stream(socket, `/v1/ledger/follow?from=${from}`, closing.signal)) {
      const { kind, svc = '' } = JSON.parse(line) as Entry
      if (kind !== 'service.started') continue
      waiting.get(svc)?.(process.hrtime.bigint())
      waiting.delete(svc)
    }
  })()
  reading.catch(() => {})
  return service => {
    const { promise, resolve, reject } = Promise.withResolvers<bigint>()
    waiting.set(service, resolve)
    const timer = setTimeout(() => reject(new Error(`no start of ${service} was recorded`)), RECORDED_WITHIN_MS)
    return promise.finally(() => clearTimeout(timer))
  }
}

/** The number that a process of the container has out here. */
function outsidePid(inside: number, program: string): number {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(program)) continue
      const status = readFileSync(`/proc/${pid}/status`, 'latin1')
      if (Number(/^NSpid:.*\s(\d+)$/m.exec(status)?.[1]) === inside) return Number(pid)
    } catch {
      // It has just ended.
    }
  }
  throw new Error(`process ${inside} of the container is not found out here`)
}
