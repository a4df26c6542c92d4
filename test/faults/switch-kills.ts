import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Daemon } from '../journeys/daemon.ts'
import { soak } from '../journeys/stand.ts'
import { assertSafe, atRest } from './switch-rest.ts'
import { type Kind, makeSite, type Site, siteIsMissing } from './switch-site.ts'
import type { Point } from './switch-strike.ts'

/*
 * Life of a walk
 *
 * 1. A switch that nothing happens to tells how many calls it makes.
 * 2. The same again, with heald killed before one of them, and started again: it has to come to the safe end.
 * 3. So from call to call (in the soak: all of them), until the switch runs through unharmed.
 */
export type Walk = 'deploy' | 'rollback' | 'bad deploy'

/** A few for every day; in the soak the walk ends by itself, and this is only a bound. */
const POINTS = { small: 4, most: 400 }

export async function walk(t: TestContext, kind: Kind, what: Walk): Promise<void> {
  const missing = siteIsMissing(kind)
  if (missing !== null) return t.skip(missing)
  const site = await makeSite(t, kind)
  let daemon = await site.up()
  await site.known()
  await site.deploy(site.two)
  await atRest(site)

  const { end, calls } = await once(site, daemon, what, { at: 0 })
  for (const call of ['symlink', 'rename', 'fsync', 'fdatasync', 'write'])
    assert.ok(
      calls.some(each => each.replace('child ', '').startsWith(call)),
      `it calls ${call}: ${calls.join('\n')}`,
    )
  assert.equal(end, { deploy: 'switch.committed' }[what as string] ?? 'rollback.verified')

  const count = soak(POINTS.small, POINTS.most)
  const ends: Record<string, number> = {}
  let struck = 0
  let unharmed = 0
  for (let n = 0; n < count && unharmed < 3; n += 1) {
    // In small the points are spread over the whole switch, another set in each kind of walk.
    const at = soak(1 + Math.floor(((n + 0.5) * calls.length) / count), n + 1)
    const { end, daemon: next } = await once(site, daemon, what, { at })
    if (next === daemon) unharmed += 1
    else struck += 1
    daemon = next
    ends[end] = (ends[end] ?? 0) + 1
  }
  const list = Object.entries(ends).map(([end, times]) => `${end} ${times}`)
  t.diagnostic(`${kind}, ${what}: killed at ${struck} of about ${calls.length} calls: ${list.join(', ')}`)
  assert.ok(struck >= soak(Math.ceil(count / 2), calls.length / 2), `only ${struck} of ${calls.length} were struck`)
  await site.stand.must('down')
  await site.stand.nothingLeft()
}

interface Once {
  readonly end: string
  /** The one that runs afterwards. */
  readonly daemon: Daemon
  readonly calls: readonly string[]
}

/** What happens between the kill and the next start of heald. */
type Meanwhile = (may: { readonly from: string; readonly to: string }) => Promise<void>

/** One switch with a kill at a point of it. */
export async function once(
  site: Site,
  daemon: Daemon,
  what: Walk,
  point: Point,
  meanwhile: Meanwhile = async () => {},
): Promise<Once> {
  const { stand, strike, one, two, bad } = site
  const [from = ''] = site.pointers()
  const to = what === 'bad deploy' ? bad : from === one ? two : one
  site.forget(to)
  const before = stand.entries().length
  strike.arm(daemon.pid, point)
  const order = what === 'rollback' ? site.rollback(to) : site.deploy(to)
  const answered = await order.then(
    () => true,
    () => false,
  )
  strike.disarm()
  let next = daemon
  if (!answered) {
    const { signal } = await daemon.ended
    assert.equal(signal, 'SIGKILL')
    await meanwhile({ from, to })
    next = await site.up()
  }
  const calls = strike.calls()
  const where = `${what}, ${point.at}: ${point.which ?? calls[point.at - 1] ?? 'unharmed'}`
  await atRest(site)
  const may = { from, to: what === 'bad deploy' ? null : to, isStruck: !answered }
  const end = await assertSafe(site, before, may, where)
  return { end, daemon: next, calls }
}
