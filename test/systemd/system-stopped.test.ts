import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../until.ts'
import { makeSystemSite, systemSiteIsMissing } from './system-site.ts'

const missing = systemSiteIsMissing()

test('the unit of heald is stopped in the middle of a switch', async t => {
  if (missing !== null) return t.skip(missing)
  const site = await makeSystemSite(t)
  const { machine, heald } = site
  const groupOf = async (unit: string) => (await machine.show(unit, 'ControlGroup')).ControlGroup ?? ''
  await until('what runs to be known as good', async () => (await site.status()).targets[0]?.knownGood !== null)

  const named = async (what: string) => {
    const listed = await machine.must('systemctl', 'list-units', '--plain', '--no-legend', what)
    return listed.split(' ')[0] ?? ''
  }
  /** They wait for the next heald. */
  const orders: Promise<unknown>[] = []
  /** Answers with the groups of heald and of the activation, as they were. */
  async function stopInActivation(...options: string[]): Promise<readonly [own: string, activation: string]> {
    const before = heald.entries().length
    orders.push(site.deploy('slow', ...options))
    await heald.entry('the activation', e => e.seq >= before && e.kind === 'switch.activating')
    await until('it to run as a unit', async () => (await named('heald-switch-system-*')) !== '')
    const groups = [await groupOf('heald-test'), await groupOf(await named('heald-switch-system-*'))] as const
    await machine.must('systemctl', 'stop', 'heald-test')
    assert.equal(heald.pid(), 0)
    return groups
  }

  await t.test('an activation goes on without it, and the next heald ends the switch safely', async () => {
    const [own, activation] = await stopInActivation()
    assert.ok(own !== '' && activation !== '' && !activation.startsWith(own), 'outside of heald’s own')
    await until('the activation to have come to its end', () => site.beat() === 'slow')
    const units = await machine.must('systemctl', 'list-units', '--plain', '--no-legend', 'heald-deadman-*')
    assert.match(units, /heald-deadman-system-\w+\.service +loaded +active/, 'a dead-man stands')
    const name = units.split(' ')[0] ?? ''
    assert.ok(!(await groupOf(name)).startsWith(own), 'in a group of its own')
    const shown = await machine.must('systemctl', 'show', name)
    assert.match(shown, /deadman\.start\./)
    assert.doesNotMatch(shown, /NIX_STORE_DIR/, 'its environment is not for everybody to see')
    await heald.up()
    await site.restsOn('good-2', 'slow')
  })

  await t.test('stopped in an activation, and no heald comes: the dead-man alone leads back', async () => {
    if (site.pointers()[0] === 'slow') await site.deploy('good-2')
    const from = await site.restsOn('good-2')
    const before = heald.entries().length
    await stopInActivation('--force')
    await until('the activation to have come to its end', () => site.beat() === 'slow')
    assert.equal(site.pointers()[0], 'slow')
    site.turn('hurry', true)
    await until('the dead-man to lead back', () => site.pointers()[0] === from && site.beat() === from)
    await until('it to be done', async () => (await named('heald-*')) === '')
    assert.deepEqual([...new Set(site.pointers()), heald.pid()], [from, 0])
    site.turn('hurry', false)
    await heald.up()
    await site.restsOn(from)
    await heald.entry('what it did', e => e.seq >= before && e.kind === 'deadman.fired')
  })

  await t.test('heald does not come back: the dead-man leads back, and the next heald records it', async () => {
    const [from = ''] = site.pointers()
    const to = from === 'good-2' ? 'slow' : 'good-2'
    const before = heald.entries().length
    orders.push(site.deploy(to, '--force'))
    await heald.entry('the probation', e => e.seq >= before && e.kind === 'switch.probation')
    // A stop lets it end what it is doing for 2 s, which may be all of a short probation.
    await heald.strike()
    assert.equal(site.pointers()[0], to)
    site.turn('hurry', true)
    await until('the dead-man to lead back', () => site.pointers()[0] === from && site.beat() === from)
    await heald.up()
    await site.restsOn(from)
    await heald.entry('what it did', e => e.seq >= before && e.kind === 'deadman.fired')
  })
  await Promise.all(orders)
  await heald.verified()
})
