import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHostDeeds } from '../../../core/command/host-deeds.ts'
import type { Reply } from '../../../core/command/port.ts'
import { refOf } from '../../fakes/target.ts'
import { makeManaged, SOAK_MS } from '../safeswitch/managed-stand.ts'
import { makeStand, SPEAKERS } from './stand.ts'

/*
 * Nothing comes between the state that somebody saw and what is done: here with a real switch behind the desk, whose target
 * is moved while the start of a command is on its way to the disk.
 */

/** r2 runs, and r1 is known to be good as well. */
async function makeBound() {
  const site = await makeManaged()
  await site.known()
  site.deploy('r2')
  await site.clock.advance(SOAK_MS + 1000)
  const stand = makeStand()
  const { commands: memory, incidents, notices } = stand.folded()
  const none = () => assert.fail('nobody asked for that')
  stand.deeds = createHostDeeds({
    ...{ memory, incidents, notices, people: () => stand.people, services: () => [], isWanted: none },
    ...{ act: none, mark: none, append: none },
    targets: () => [site.managed.status()],
    switches: {
      deploy: (_, order, by) => site.managed.deploy(order, by),
      rollback: (_, order, by) => site.managed.rollback(order, by),
    },
    silences: { silence: none, unsilence: none, checkSilence: none },
  })
  stand.crash()
  const { policy } = stand.people
  const alone = { approvals: 0, code: false }
  const free = { rollback: { ...policy.rollback, ...alone }, deploy: { ...policy.deploy, ...alone } }
  stand.people = { ...stand.people, policy: { ...policy, ...free } as typeof policy }
  const before = site.ledger.entries.length
  return {
    ...{ site, stand, since: () => site.ledger.kinds().slice(before) },
    /** The target leads elsewhere just when this entry is written. */
    moveAt(kind: string, to: string) {
      stand.onWay = draft => {
        if (draft.kind === kind) site.point(to)
      }
    },
    async settle() {
      for (let n = 0; n < 5; n += 1) {
        await stand.settle()
        await site.clock.advance(0)
      }
    },
  }
}

/** What somebody else has switched to is noticed, and watched. */
const NOTICED = ['switch.observed', 'deadman.armed', 'switch.probation']

const commandOf = (reply: Reply) => (reply.reply === 'command' ? reply.command : assert.fail(reply.reply))

for (const line of ['rollback app', 'rollback app r1', 'deploy app r1'])
  test(`${line}, and the target is moved while its start is written: not done, and told like any changed state`, async () => {
    const { site, stand, since, moveAt, settle } = await makeBound()
    moveAt('command.started', 'r3')
    const asked = commandOf(await stand.ask(SPEAKERS.alice, line))
    assert.deepEqual(asked.seen?.facts.current, refOf('r2'))
    await settle()
    assert.deepEqual(since(), NOTICED)
    assert.equal(site.fake.running, refOf('r3').path)
    const [failed] = stand.of('command.failed')
    assert.equal(failed?.code, 'command.changed')
    assert.equal(failed?.why, 'not done, since the state has changed: it was on r2 and is on r3')
    const view = stand.view(asked.id)
    assert.deepEqual([view?.state, view?.changedTo?.facts.current], ['failed', refOf('r3')])
    const word = line.split(' ')[0]
    assert.deepEqual(
      view?.offers.map(offer => offer.word),
      [word],
      'it can be asked for against what is now',
    )
    stand.onWay = () => {}
    const again = commandOf(await stand.ask(SPEAKERS.alice, { button: view?.offers[0]?.button ?? '' }))
    assert.deepEqual(again.seen, view?.changedTo)
    await settle()
    assert.equal(since()[NOTICED.length], word === 'rollback' ? 'rollback.started' : 'switch.armed')
  })

test('the host is told so, too', async () => {
  const { site, stand, since, moveAt, settle } = await makeBound()
  moveAt('command.started', 'r3')
  const order = site.order(stand.desk().order('rollback', { target: 'app' }, 'local:admin'))
  await settle()
  assert.equal(order.fault?.code, 'command.changed')
  assert.match(order.fault?.message ?? '', /it was on r2 and is on r3/)
  assert.deepEqual(since(), NOTICED)
})

test('nothing comes between: it is done, to what was seen', async () => {
  const { site, stand, settle } = await makeBound()
  const asked = commandOf(await stand.ask(SPEAKERS.alice, 'rollback app'))
  await settle()
  await site.clock.advance(SOAK_MS)
  await settle()
  assert.equal(stand.view(asked.id)?.state, 'succeeded')
  assert.equal(site.fake.running, refOf('r1').path)
})
