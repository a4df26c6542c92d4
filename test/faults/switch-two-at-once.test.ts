import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Switched } from '../../core/api/switch-control.ts'
import { soak } from '../journeys/stand.ts'
import { assertQuiet, atRest, endsOf, stepsOf } from './switch-rest.ts'
import { KINDS, type Kind, makeSite, type Site, siteIsMissing } from './switch-site.ts'

/*
 * Two want to move the same pointer at the same moment. Nobody can say who wins; but it ends on a generation that is well,
 * what runs is what the pointer says, and the ledger tells of one thing after the other.
 */
async function begin(t: TestContext, kind: Kind, probation?: string): Promise<Site | null> {
  const missing = siteIsMissing(kind)
  if (missing !== null) {
    t.skip(missing)
    return null
  }
  const site = await makeSite(t, kind, probation === undefined ? {} : { probation })
  await site.up()
  await site.known()
  return site
}

/** At rest, and still so after what was done last has been heard of. */
async function settled(site: Site): Promise<void> {
  await atRest(site)
  await sleep(300)
  await atRest(site)
}

/** One switch has ended before the next begins; what somebody else did may be in between. */
function assertOneAfterTheOther(site: Site, before: number): void {
  let isOpen = false
  for (const step of stepsOf(site.stand.entries().slice(before))) {
    if (step.kind === 'switch.armed') assert.equal(isOpen, false, `${step.seq} was begun within another`)
    isOpen = endsOf([step]).length === 0
  }
  assert.equal(isOpen, false)
}

test('a deploy by the command line and a crash loop at the same moment', async t => {
  const site = await begin(t, 'releases')
  if (site === null) return
  const { stand, one, two, three } = site
  const outcomes: string[] = []
  for (let round = 0; round < soak(4, 40); round += 1) {
    writeFileSync(join(two, 'version'), 'two')
    const ready = await site.deploy(two)
    assert.ok(['committed', 'nothing to do'].includes(ready.outcome), JSON.stringify(ready))
    await settled(site)
    const before = stand.entries().length
    writeFileSync(join(two, 'version'), 'extra')
    const [pid] = stand.processes('web')
    process.kill(pid ?? assert.fail(), 'SIGKILL')
    await sleep(round % 4 === 0 ? 0 : Math.random() * 250)
    const { code, stdout } = await stand.cli('deploy', 'app', 'three', '--force', '--json')
    await settled(site)
    const runs = await assertQuiet(site, `round ${round}`)
    const answer = JSON.parse(stdout) as Partial<Switched>
    outcomes.push(code === 3 ? 'refused' : String(answer.outcome))
    assert.ok(runs === three || runs === one, `round ${round}: ${runs}; ${stdout}`)
    if (answer.outcome === 'committed') assert.equal(runs, three, `round ${round}`)
    assertOneAfterTheOther(site, before)
    // Known to be good again, and the one to go back to.
    await site.deploy(one)
    await settled(site)
  }
  t.diagnostic(outcomes.join(', '))
})

for (const kind of KINDS)
  test(`${kind}: somebody moves the pointer in the middle of a probation`, async t => {
    const site = await begin(t, kind, '1500ms')
    if (site === null) return
    const { stand, one, two, three, bad } = site
    for (const [name, to, end] of [
      ['back', one, one],
      ['to another good one', three, three],
      ['to a bad one', bad, three],
    ] as const) {
      const before = stand.entries().length
      const order: Promise<Switched> = site.deploy(two)
      await stand.wait('it is on probation', () =>
        stand
          .entries()
          .slice(before)
          .some(each => each.kind === 'switch.probation'),
      )
      await sleep(Math.random() * 500)
      site.byHand(to)
      const { outcome, current } = await order
      await settled(site)
      assert.equal(await assertQuiet(site, name), end, `${name}: ${outcome}`)
      assert.equal(current?.path, end, name)
      assert.equal(outcome, name === 'to another good one' ? 'committed' : 'rolled back', name)
      const kinds = stepsOf(stand.entries().slice(before)).map(each => each.kind)
      assert.equal(kinds.includes('switch.observed'), name !== 'back', `${name}: ${kinds}`)
    }
  })

test('heald and nix-env move a profile at once', async t => {
  const site = await begin(t, 'nix-profile')
  if (site === null) return
  const { stand, one, two, three } = site
  const ends: Record<string, number> = {}
  for (let round = 0; round < soak(4, 40); round += 1) {
    const before = stand.entries().length
    const to = site.pointers()[0] === two ? one : two
    site.forget(to)
    // Refused where his move was noticed first, or came between the order and its start.
    const order = site.deploy(to).then(
      ({ outcome }) => outcome,
      ({ code }) => assert.ok(['switch.busy', 'command.changed'].includes(code), code) ?? 'refused',
    )
    for (let n = 0; n < 1 + (round % 4); n += 1) {
      await sleep(Math.random() * 150)
      site.byHand(n % 2 === 0 ? three : one)
    }
    const outcome = await order
    await settled(site)
    const runs = await assertQuiet(site, `round ${round}`)
    assert.ok([one, two, three].includes(runs), `round ${round}: ${runs}`)
    const last = endsOf(stand.entries().slice(before)).at(-1)
    const name = `${outcome}, then ${last?.kind ?? 'nothing'}`
    ends[name] = (ends[name] ?? 0) + 1
  }
  t.diagnostic(JSON.stringify(ends))
})

test('a pointer that flaps twenty times under `ln -sfn` comes to rest on what is well', async t => {
  const site = await begin(t, 'releases')
  if (site === null) return
  const { stand, one, two, three } = site
  const current = join(dirname(one), '../current')
  const lead = (to: string) => execFileSync('ln', ['-sfn', `releases/${basename(to)}`, current])
  const four = site.add('four', '#!/bin/sh\n')
  for (let round = 0; round < soak(2, 20); round += 1) {
    const bad: string = site.add(`bad-${round}`, '#!/bin/sh\n')
    writeFileSync(join(bad, 'version'), 'extra')
    // None of those between which it flaps: back at the same one it would have been moved without anybody seeing it.
    const last = round % 2 === 0 ? four : bad
    const before = stand.entries().length
    for (let n = 0; n < 20; n += 1) {
      lead([three, one, two][n % 3] ?? one)
      await sleep(Math.random() * 120)
    }
    lead(last)
    await settled(site)
    const runs = await assertQuiet(site, `flapped, ${basename(last)} last`)
    const ends = endsOf(stand.entries().slice(before))
    // A rollback that is under way does not heed who moves the pointer meanwhile: then it ends there.
    const [end] = ends.slice(-1)
    const ended = [end?.kind, (end?.data.to as { path?: string } | undefined)?.path]
    if (runs !== last) assert.deepEqual(ended, ['rollback.verified', runs])
    assert.notEqual(runs, bad)
    t.diagnostic(`${basename(last)} last, ${basename(runs)} runs: ${ends.map(each => each.kind).join(', ')}`)
  }
  // Whoever moves it when all is at rest is heard.
  const to = site.pointers()[0] === two ? one : two
  lead(to)
  await settled(site)
  assert.equal(await assertQuiet(site, 'moved once more'), to)
})
