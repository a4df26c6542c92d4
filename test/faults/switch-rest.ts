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
/** What a folder of heald's own may hold at rest; the last two only after a kill: the next arming sweeps them. */
const OWN = /^(lock|roots)$/
const SWEPT_LATER = /^deadman\.(new|ready\.[0-9a-f]{16}(\.new)?)$/

const toOf = (entry: Entry | undefined) => (entry?.data.to as { path?: string } | undefined)?.path

export const stepsOf = (entries: readonly Entry[]) => entries.filter(({ kind }) => STEPS.test(kind))
export const endsOf = (entries: readonly Entry[]) => entries.filter(({ kind }) => ENDS.some(end => end === kind))

/** Waits until nothing is left to be done: of the target, its service, and what was to lead back. */
export async function atRest(site: Site): Promise<void> {
  const { stand } = site
  await stand.wait(
    `${site.kind} is at rest`,
    async () => {
      const last = stepsOf(stand.entries()).at(-1)
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

/** Judges the end of one switch whose entries begin after `before`, and gives the kind of its last step. */
export async function assertSafe(site: Site, before: number, may: May, what: string) {
  const { stand } = site
  const entries = stand.entries().slice(before)
  const pointers = site.pointers()
  const [runs] = pointers
  assert.equal(new Set(pointers).size, 1, `${what}: what runs is what a reboot leads to: ${pointers}`)
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
  const { targets, services } = await site.status()
  assert.deepEqual([targets[0]?.state, targets[0]?.current?.path, targets[0]?.why], ['idle', runs, null], what)
  // A path of the store is called by its own name until it has a number.
  const names = [targets[0]?.current?.generation, basename(runs ?? '')]
  assert.ok(names.includes(services[0]?.generation ?? ''), `${what}: the service is of ${services[0]?.generation}`)
  assert.deepEqual(site.strays(), [], `${what}: what is left beside the pointer`)
  const own = readdirSync(site.own()).filter(name => !OWN.test(name) && !(may.isStruck && SWEPT_LATER.test(name)))
  assert.deepEqual(own, [], `${what}: what is left in heald's own folder`)
  await deadMenEnd(site, what)
  await stand.verified()
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
    await stand.wait(`${what}: no dead-man is left`, () => left().length === 0, 60_000)
  } finally {
    strike.hurry(false)
  }
}
