import { setTimeout as sleep } from 'node:timers/promises'
import { request } from '../../core/api/client.ts'
import type { Switched } from '../../core/api/switch-control.ts'
import type { Entry } from '../../core/entry.ts'
import { type Site, startIn } from './site.ts'
import { type Heald, makeHeald, type Service } from './supervisors.ts'

/** Two generations of one target `app`, of which `next` is deployed over `first`, or rolled back to, in any order. */
export interface Pair {
  readonly kind: 'releases' | 'nix-profile'
  /** The key and the place of its configuration. */
  readonly place: Readonly<Record<string, string>>
  /** As operators write them. */
  readonly first: string
  readonly next: string
  /** Of the daemon, so that Nix finds its store. */
  readonly env: Readonly<Record<string, string>>
}

export interface SwitchedHeald extends Heald {
  /** Gives an order and waits for its end. Resolves to when it was given, and the entries from there. */
  order(verb: 'deploy' | 'rollback', ref: string): Promise<{ readonly atNs: bigint; readonly entries: Entry[] }>
  /** Resolves to the entries from index `from` on once the newest of this kind is among them. */
  until(kind: Entry['kind'], from: number): Promise<Entry[]>
}

/** A generation is proved in this time: what is measured comes after it. */
const PROBATION_MS = 300
const ORDER_MS = 60_000
const LOOK_EVERY_MS = 20

/** A heald with the one service of the target, up, and with both generations known to be good; `next` runs. */
export async function startSwitched(
  site: Site,
  name: string,
  pair: Pair,
  service: (starts: string) => Service,
): Promise<SwitchedHeald> {
  const { kind, place, env } = pair
  const config = {
    targets: { app: { kind, ...place } },
    switch: { probation: `${PROBATION_MS}ms`, passes: 1, budget: { perHour: 1000, perDay: 1000 } },
  }
  const heald = makeHeald(site, name, starts => ({ web: { ...service(starts), target: 'app' } }), { config, env })

  async function until(kind: Entry['kind'], from: number): Promise<Entry[]> {
    const deadline = performance.now() + ORDER_MS
    for (;;) {
      const entries = heald.entries().slice(from)
      if (entries.some(entry => entry.kind === kind)) return entries
      if (performance.now() > deadline) throw new Error(`no ${kind} within ${ORDER_MS / 1000} s`)
      await sleep(LOOK_EVERY_MS)
    }
  }

  const switched: SwitchedHeald = {
    ...heald,
    until,
    async order(verb, ref) {
      const from = heald.entries().length
      const body = verb === 'deploy' ? { ref, force: true, unchecked: true } : { to: ref }
      const atNs = process.hrtime.bigint()
      const answer = await request(heald.socket, 'POST', `/v1/targets/app/${verb}`, body, { timeoutMs: ORDER_MS })
      const { outcome, why } = answer as Switched
      if (outcome !== (verb === 'deploy' ? 'committed' : 'rolled back'))
        throw new Error(`${verb} of ${ref}: ${outcome}, ${why}`)
      return { atNs, entries: await until(verb === 'deploy' ? 'switch.committed' : 'rollback.verified', from) }
    },
  }
  await heald.up()
  await until('switch.committed', 0)
  await switched.order('deploy', pair.next)
  return switched
}

/** Milliseconds between the first entries of two kinds, the second one sought behind the first. */
export function msFrom(entries: readonly Entry[], from: Entry['kind'], to: Entry['kind']): number {
  const at = entries.findIndex(entry => entry.kind === from)
  const end = at < 0 ? undefined : entries.slice(at).find(entry => entry.kind === to)
  return end === undefined ? Number.NaN : (end.mono - (entries[at]?.mono ?? 0)) / 1000
}

/** Runs a command to its end, with its output where the site's logs go; milliseconds it took. */
export async function timeCommand(
  site: Site,
  argv: readonly string[],
  log: number,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const fromNs = process.hrtime.bigint()
  const { child, ended } = startIn(site, argv, log, env)
  await ended
  const tookMs = Number(process.hrtime.bigint() - fromNs) / 1e6
  if (child.exitCode !== 0) throw new Error(`${argv.join(' ')} ended with exit code ${child.exitCode}`)
  return tookMs
}
