import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kind } from '../../core/entry.ts'
import { until } from '../until.ts'
import { makeSystemSite, type SystemSite, systemSiteIsMissing } from './system-site.ts'

// kill -9 of heald once a phase of a switch is recorded, in a switch to a good system and in one to a bad one, which is
// led back from. Then what is to end it safely: a heald started by hand, by systemd, or the dead-man alone.

const missing = systemSiteIsMissing()
/** Kills in each of the ways. A few: they take turns, so that together they walk all phases. */
const KILLS = Number(process.env.HEALD_SOAK_UNIT_KILLS ?? 3)

/** The last three come in the full count alone. */
const PHASES: readonly (readonly [Kind, 'good' | 'bad'])[] = [
  ['switch.armed', 'good'],
  ['rollback.activated', 'bad'],
  ['rollback.verified', 'bad'],
  ['switch.activating', 'bad'],
  ['switch.committing', 'good'],
  ['switch.probation', 'bad'],
  ['switch.probation', 'good'],
  ['rollback.started', 'bad'],
  ['rollback.failed', 'bad'],
  ['switch.armed', 'bad'],
  ['switch.activating', 'good'],
  ['switch.committed', 'good'],
]
const COMMITTED: readonly Kind[] = ['switch.committing', 'switch.committed']

const WAYS = ['started by hand', 'restarted by systemd', 'ended by the dead-man, and heald started later'] as const

for (const [at, way] of WAYS.entries()) {
  test(`heald is killed in each phase of a switch of units: ${way}`, { timeout: 60_000 + KILLS * 30_000 }, async t => {
    if (missing !== null) return t.skip(missing)
    await killInPhases(t, way, at * KILLS)
  })
}

async function killInPhases(t: TestContext, way: (typeof WAYS)[number], first: number): Promise<void> {
  const site = await makeSystemSite(t)
  const { heald } = site
  await until('what runs to be known as good', async () => (await site.status()).targets[0]?.knownGood !== null)
  if (way === 'restarted by systemd') await heald.restartAlways()
  site.turn('slowly', true)
  let from = 'good-2'
  for (let n = first; n < first + KILLS; n += 1) {
    const [phase, kind] = PHASES[n % PHASES.length] ?? assert.fail()
    const to = kind === 'bad' ? 'crashes' : from === 'good-2' ? 'good-3' : 'good-2'
    const before = heald.entries().length
    const reached = (wanted: Kind) =>
      heald.entry(`${wanted} of ${to}`, e => e.seq >= before && e.kind === wanted, 40_000)
    const order = site.deploy(to, '--force')
    if (phase === 'rollback.failed') {
      await reached('switch.probation')
      site.turn('broken', true)
    }
    await reached(phase)
    // Somewhere in the phase, not always at its first moment.
    await sleep(Math.random() * 300)
    const old = await heald.strike()
    site.turn('broken', false)
    await order
    const isCommitted = heald.entries().some(e => e.seq >= before && COMMITTED.includes(e.kind))
    if (way === 'restarted by systemd') {
      await until('systemd to have started another', () => ![old, 0].includes(heald.pid()))
    } else {
      if (way === 'started by hand') await sleep(Math.random() * 500)
      else await endsWithoutHeald(site, from, isCommitted ? to : null)
      await heald.up()
    }
    const ends = isCommitted ? [to] : kind === 'bad' ? [from] : [from, to]
    const end = await site.restsOn(...ends)
    t.diagnostic(`${phase} of ${from} → ${to}: ${end}`)
    from = end
  }
  await heald.verified()
}

/** Until its time is up, the dead-man waits; then all is as before the switch, or, once that is committed, as after it. */
async function endsWithoutHeald(site: SystemSite, from: string, committed: string | null): Promise<void> {
  const { machine, heald } = site
  // Its minutes pass in a second here, in which systemd still holds the crashes of the bad one against the good one.
  await machine.run('systemctl', 'reset-failed', 'agent')
  site.turn('hurry', true)
  let seen = ''
  await until(
    `the end without heald, on ${from}`,
    async () => {
      const units = await machine.must('systemctl', 'list-units', '--plain', '--no-legend', 'heald-*-system-*')
      seen = JSON.stringify({ pointers: site.pointers(), beat: site.beat(), units })
      const isThere = (name: string) => name === from || name === committed
      return units === '' && site.pointers().every(isThere) && isThere(site.beat())
    },
    40_000,
  ).catch(error => assert.fail(`${error}\n${seen}`))
  site.turn('hurry', false)
  assert.equal(heald.pid(), 0, 'heald had no part in it')
}
