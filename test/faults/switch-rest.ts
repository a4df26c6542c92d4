import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Entry } from '../../core/entry.ts'
import { withWord } from '../adapters/host/dead-man-stand.ts'
import type { Site } from './switch-site.ts'

/*
 * What has to be true of a target once it has come to rest after something struck: the safe end.
 */
const ENDS = ['switch.committed', 'switch.failed', 'rollback.verified', 'rollback.held'] as const
const STEPS = /^(switch|rollback)\./
const REST_MS = 90_000
/** What a folder of heald's own may hold at rest. A system that takes effect only after a reboot stays a candidate. */
const OWN = /^(lock|roots|candidate)$/
/** Only after a kill: the next arming does it. */
const SWEPT_LATER = /^deadman\.(new|ready\.[0-9a-f]{16}(\.new)?)$/

const toOf = (entry: Entry | undefined) => (entry?.data.to as { path?: string } | undefined)?.path

export const stepsOf = (entries: readonly Entry[]) => entries.filter(({ kind }) => STEPS.test(kind))
export const endsOf = (entries: readonly Entry[]) => entries.filter(({ kind }) => ENDS.some(end => end === kind))

const OVER = /^command\.(succeeded|failed|rejected|expired)$/

function openOrders(entries: readonly Entry[]): number {
  const open = new Set<unknown>()
  for (const { kind, data } of entries) {
    if (kind === 'command.requested') open.add(data.id)
    else if (OVER.test(kind)) open.delete(data.id)
  }
  return open.size
}

/** Waits until nothing is left to be done: of the target, its service, and what was to lead back. */
export async function atRest(site: Site): Promise<void> {
  const { stand } = site
  await stand.wait(
    `${site.kind} is at rest`,
    async () => {
      const entries = stand.entries()
      // An order that was recorded before a kill is carried out after it.
      if (openOrders(entries) > 0) return false
      const last = stepsOf(entries).at(-1)
      if (last === undefined || endsOf([last]).length === 0) return false
      const { targets, services } = await site.status()
      const [app] = targets
      if (app === undefined || !['idle', 'held'].includes(app.state) || app.knownGood === null) return false
      const isWell = services[0]?.state === 'ready' && site.serviceIn() === site.pointers()[0]
      return isWell && !existsSync(join(site.own(), 'deadman'))
    },
    REST_MS,
  )
}

export interface May {
  readonly from: string
  /** Null: it may not end there. */
  readonly to: string | null
  readonly isStruck: boolean
}

/** What is true at any rest. `state` is idle; `isStruck`: heald was killed. Gives the path that runs. */
export async function assertQuiet(site: Site, what: string, isStruck = false): Promise<string> {
  const [runs = '', ...boots] = site.pointers()
  assert.ok(
    boots.every(each => each === runs),
    `${what}: what runs is what a reboot leads to: ${[runs, ...boots]}`,
  )
  const { targets, services } = await site.status()
  assert.deepEqual([targets[0]?.state, targets[0]?.current?.path, targets[0]?.why], ['idle', runs, null], what)
  await site.stand.wait(`${what}: the service runs in ${runs}`, () => site.serviceIn() === runs, 5000)
  // A path of the store has none or several numbers, another from one moment to the next.
  if (site.kind === 'releases') assert.equal(services[0]?.generation, basename(runs), what)
  assert.deepEqual(site.strays(), [], `${what}: what is left beside the pointer`)
  const own = readdirSync(site.own()).filter(name => !OWN.test(name) && !(isStruck && SWEPT_LATER.test(name)))
  assert.deepEqual(own, [], `${what}: what is left in heald's own folder`)
  await deadMenEnd(site, what)
  await site.stand.verified()
  return runs
}

/** Judges the end of one switch whose entries begin after `before`, and gives the kind of its last step. */
export async function assertSafe(site: Site, before: number, may: May, what: string) {
  const entries = site.stand.entries().slice(before)
  const runs = await assertQuiet(site, what, may.isStruck)
  assert.ok(runs === may.from || runs === may.to, `${what}: it runs ${runs}`)
  const ends = endsOf(entries)
  const steps = stepsOf(entries).map(({ kind }) => kind)
  assert.ok(ends.length <= 1, `${what}: one end: ${steps}`)
  const [end] = ends
  if (end === undefined) {
    assert.deepEqual(steps, [], what)
    assert.equal(runs, may.from, `${what}: nothing was begun`)
  } else if (end.kind === 'switch.failed') assert.equal(runs, may.from, `${what}: it failed before it moved`)
  else assert.equal(runs, toOf(end), `${what}: the last word is ${end.kind}`)
  return end?.kind ?? 'nothing'
}

/** Processes of this site's dead-men. */
export function deadMen({ own }: Site): number[] {
  const ours = withWord(own())
  return withWord('heald-deadman').filter(pid => ours.includes(pid))
}

/** One that was started and not named yet ends itself when its seconds are over. */
async function deadMenEnd(site: Site, what: string): Promise<void> {
  const { strike, stand } = site
  const left = () => deadMen(site)
  if (left().length === 0) return
  strike.hurry(true)
  try {
    await stand.wait(`${what}: no dead-man is left`, () => left().length === 0)
  } finally {
    strike.hurry(false)
  }
}
