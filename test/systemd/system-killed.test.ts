import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from '../../core/api/client.ts'
import type { Kind } from '../../core/entry.ts'
import { until } from '../until.ts'
import { makeSystemSite, type SystemSite, systemSiteIsMissing } from './system-site.ts'

// kill -9 of heald once a phase of a switch is recorded, in a switch to a good system and in one to a bad one, which is
// led back from. Then what is to end it safely: a heald that systemd starts, or the dead-man alone. Each phase is walked in
// both ways, by some machines at once: they wait more than they work.

const missing = systemSiteIsMissing()
/** Kills in each of the ways. */
const KILLS = Number(process.env.HEALD_SOAK_UNIT_KILLS ?? 12)

const PHASES: readonly (readonly [Kind, 'good' | 'bad'])[] = [
  ['switch.armed', 'good'],
  ['switch.armed', 'bad'],
  ['switch.activating', 'good'],
  ['switch.activating', 'bad'],
  ['switch.probation', 'good'],
  ['switch.probation', 'bad'],
  ['switch.committing', 'good'],
  ['switch.committed', 'good'],
  ['rollback.started', 'bad'],
  ['rollback.activated', 'bad'],
  ['rollback.verified', 'bad'],
  ['rollback.failed', 'bad'],
]
const COMMITTED: readonly Kind[] = ['switch.committing', 'switch.committed']

const WAYS = ['started by systemd', 'not started: the dead-man alone'] as const
type Way = (typeof WAYS)[number]
/** Machines of each way, which share the phases among them. */
const LANES = 3
const timeout = 120_000 + KILLS * 60_000

test('heald is killed in each phase of a switch of units', {
  timeout: 240_000 + KILLS * 60_000,
  // More would only wait for each other, past the times that a switch is given here.
  concurrency: 3,
}, async t => {
  if (missing !== null) return t.skip(missing)
  const lanes = Array.from({ length: LANES }, (_, lane) => lane)
  await Promise.all(
    WAYS.flatMap(way =>
      lanes.map(lane => t.test(`${way} (${lane + 1})`, { timeout }, each => killInPhases(each, way, lane))),
    ),
  )
})

async function killInPhases(t: TestContext, way: Way, lane: number): Promise<void> {
  const site = await makeSystemSite(t)
  const { heald } = site
  await until('what runs to be known as good', async () => (await site.status()).targets[0]?.knownGood !== null)
  // At once, or a while later, in which there is none.
  if (way === 'started by systemd') await heald.restartAlways(100 + 250 * lane)
  site.turn('slowly', true)
  let from = 'good-2'
  for (let n = lane; n < KILLS; n += LANES) {
    const [phase, kind] = PHASES[n % PHASES.length] ?? assert.fail()
    const startedMs = performance.now()
    const to = kind === 'bad' ? 'crashes' : from === 'good-2' ? 'good-3' : 'good-2'
    const before = heald.entries().length
    const reached = (wanted: Kind) =>
      heald.entry(`${wanted} of ${to}`, e => e.seq >= before && e.kind === wanted, 120_000)
    const isOver = deploy(site, to)
    if (phase === 'rollback.failed') {
      await reached('switch.probation')
      site.turn('broken', true)
    }
    await reached(phase)
    // Somewhere in the phase, not always at its first moment.
    await sleep(Math.random() * 300)
    const old = await heald.strike()
    site.turn('broken', false)
    await isOver
    const isCommitted = heald.entries().some(e => e.seq >= before && COMMITTED.includes(e.kind))
    if (way === 'started by systemd') {
      await until('systemd to have started another', () => ![old, 0].includes(heald.pid()))
    } else {
      await endsWithoutHeald(site, from, isCommitted ? to : null)
      await heald.up()
    }
    const ends = isCommitted ? [to] : kind === 'bad' ? [from] : [from, to]
    const end = await site.restsOn(...ends)
    t.diagnostic(`${way}: ${phase} of ${from} → ${to}: ${end}, ${Math.round(performance.now() - startedMs)} ms`)
    from = end
  }
  await heald.verified()
}

/** Orders it; resolves when its heald is gone. */
async function deploy(site: SystemSite, to: string): Promise<void> {
  const body = { ref: site.path(to), force: true }
  const order = request(site.heald.socket(), 'POST', '/v1/targets/system/deploy', body, { timeoutMs: 60_000 })
  await order.catch(error => assert.match(String(error.code), /^daemon\.unreachable$/))
}

/** Until its time is up, the dead-man waits; then all is as before the switch, or, once that is committed, as after it. */
async function endsWithoutHeald(site: SystemSite, from: string, committed: string | null): Promise<void> {
  const { machine, heald } = site
  // Its minutes pass in a second here, in which systemd still holds the crashes of the bad one against the good one.
  site.turn('hurry', true)
  let seen = ''
  await until(
    `the end without heald, on ${from}`,
    async () => {
      const isThere = (name: string) => name === from || name === committed
      seen = JSON.stringify({ pointers: site.pointers(), beat: site.beat() })
      if (!site.pointers().every(isThere) || !isThere(site.beat())) return false
      seen = await machine.must('systemctl', 'list-units', '--plain', '--no-legend', 'heald-*-system-*')
      return seen === ''
    },
    60_000,
    100,
  ).catch(error => assert.fail(`${error}\n${seen}`))
  site.turn('hurry', false)
  assert.equal(heald.pid(), 0, 'heald had no part in it')
}
