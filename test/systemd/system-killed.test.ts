import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kind } from '../../core/entry.ts'
import { until } from '../until.ts'
import { makeSystemSite, systemSiteIsMissing } from './system-site.ts'

const missing = systemSiteIsMissing()
const PHASES: readonly Kind[] = ['switch.armed', 'switch.activating', 'switch.probation', 'switch.committing']
const ROUNDS = Number(process.env.HEALD_SOAK_UNIT_KILLS ?? 1)

/** kill -9 of heald once a phase is recorded, good and bad systems in turn; then the safe end. */
async function killInEachPhase(t: TestContext, isRestarted: boolean): Promise<void> {
  if (missing !== null) return t.skip(missing)
  const site = await makeSystemSite(t)
  const { heald } = site
  await until('what runs to be known as good', async () => (await site.status()).targets[0]?.knownGood !== null)
  if (isRestarted) await heald.restartAlways()
  const ends: string[] = []
  let from = 'good-2'
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const phase of PHASES) {
      for (const to of ['slow', 'crashes']) {
        // A bad one never comes to this phase.
        if (to === 'crashes' && phase === 'switch.committing') continue
        const next = to === 'slow' && from === 'slow' ? 'good-3' : to
        const before = heald.entries().length
        const order = site.deploy(next, '--force')
        await heald.entry(`${phase} of ${next}`, e => e.seq >= before && e.kind === phase)
        // Somewhere in the phase, not always at its first moment.
        await sleep(Math.random() * 300)
        const old = await heald.strike()
        await order
        if (isRestarted) await until('systemd to have started another', async () => ![old, 0].includes(heald.pid()))
        else {
          await sleep(Math.random() * 500)
          await heald.up()
        }
        from = await site.restsOn(from, ...(next === 'crashes' ? [] : [next]))
        ends.push(`${phase} → ${next}: ${from}`)
      }
    }
  }
  await heald.verified()
  t.diagnostic(`killed in ${ends.length} phases: ${ends.join('; ')}`)
  assert.equal(ends.length, ROUNDS * 7)
}

test('heald is killed in each phase of a switch of units, and started by hand', t => killInEachPhase(t, false))
test('heald is killed in each phase of a switch of units, and restarted by systemd', t => killInEachPhase(t, true))
