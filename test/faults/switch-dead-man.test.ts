import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readFired, readStanding } from '../../adapters/host/dead-man-state.ts'
import { soak } from '../journeys/stand.ts'
import { once, type Walk } from './switch-kills.ts'
import { atRest, deadMen } from './switch-rest.ts'
import { KINDS, type Kind, makeSite, siteIsMissing } from './switch-site.ts'
import type { Point } from './switch-strike.ts'

/*
 * heald is killed in a switch and stays away: whoever stands then leads back, all by himself. Only when that is over
 * heald is started again; it tells what happened meanwhile, once, and comes to rest.
 */
async function walkAlone(t: TestContext, kind: Kind, what: Walk): Promise<void> {
  const missing = siteIsMissing(kind)
  if (missing !== null) return t.skip(missing)
  const site = await makeSite(t, kind)
  const { stand, strike } = site
  let daemon = await site.up()
  await site.known()
  await site.deploy(site.two)
  await atRest(site)
  const { calls } = await once(site, daemon, what, { at: 0 })
  // Before that nobody stands.
  const first = calls.findIndex(call => /^rename .*\/deadman$/.test(call)) + 2
  assert.ok(first > 1, calls.join('\n'))
  const all = calls.length - first + 1
  const count = soak(1, all)
  const points: Point[] = Array.from({ length: count }, (_, n) => ({
    at: first + Math.floor(((n + 0.5) * all) / count),
  }))
  // What was decided is durable, and whoever is to lead back still stands.
  points.push({ at: 1, which: `unlink ${join(site.own(), 'deadman')}` })
  // The service was put on another generation, which nobody has written down yet.
  const segment = calls.find(call => call.startsWith('write ') && call.includes('/ledger/seg/')) ?? assert.fail()
  points.push({ at: what === 'rollback' ? 4 : 5, which: segment })
  const seen = { struck: 0, fired: 0 }
  for (const point of points) {
    const before = stand.entries().length
    let fired = 0
    const { daemon: next } = await once(site, daemon, what, point, async ({ from, to }) => {
      const where = `${what}, ${point.at}: ${point.which ?? strike.calls()[point.at - 1]}`
      const standing = await readStanding(site.own())
      strike.hurry(true)
      await stand.wait(
        `${where}: nobody stands any more`,
        () => !existsSync(join(site.own(), 'deadman')) && deadMen(site).length === 0,
        90_000,
      )
      strike.hurry(false)
      const pointers = site.pointers()
      const told = await readFired(site.own())
      assert.equal(told?.id, standing?.id, `${where}: what was left by whoever stood`)
      if (told === null)
        return assert.ok(
          pointers.every(each => each === from || each === to),
          `${where}: ${pointers}`,
        )
      assert.equal(told.result, 'done', `${where}: ${told.why}`)
      for (const each of pointers) assert.equal(each, told.to.path, where)
      if (what !== 'rollback') assert.equal(told.to.path, from, where)
      fired = 1
    })
    if (next !== daemon) seen.struck += 1
    seen.fired += fired
    daemon = next
    const recorded = stand
      .entries()
      .slice(before)
      .filter(({ kind: entry }) => entry === 'deadman.fired')
    assert.deepEqual(
      recorded.map(({ data }) => data.result),
      Array(fired).fill('done'),
      `${what}, ${JSON.stringify(point)}`,
    )
  }
  t.diagnostic(`${kind}, ${what}: killed at ${seen.struck} of ${all} calls, led back without heald ${seen.fired} times`)
  assert.ok(seen.struck * 2 >= count && seen.fired * 3 >= count, JSON.stringify(seen))
  await stand.must('down')
  await stand.nothingLeft()
}

for (const kind of KINDS)
  for (const what of ['deploy', 'rollback', 'bad deploy'] as const)
    test(`${kind}: heald is killed in a ${what} and stays away; the dead-man leads back`, t => walkAlone(t, kind, what))
