import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../core/fault.ts'
import { lateReload } from '../../core/late-reload.ts'
import { fakeClock } from '../fakes/clock.ts'

const CHANGES = { start: [], stop: [], restart: [], keep: ['web'], pending: [] }
const HOW = { dryRun: false, restart: true }

function makeLate() {
  const clock = fakeClock()
  const made = { refusal: 'switch.busy' as string | null, asked: [] as object[], warned: [] as string[] }
  const reload = (how: typeof HOW) =>
    late.run(how, async () => {
      made.asked.push(how)
      if (made.refusal !== null) throw new Fault(made.refusal, `it is ${made.refusal}`)
      return CHANGES
    })
  const late = lateReload({ clock, reload, inTurn: order => order(), warn: text => void made.warned.push(text) })
  return { clock, reload, release: late.release, made }
}

test('a reload that a switch is in the way of is told so, and done once that is over', async () => {
  const { clock, reload, made } = makeLate()
  // Two at once are asked for again as one.
  const both = [reload(HOW), reload(HOW)]
  for (const each of both) await assert.rejects(each, { code: 'switch.busy' })
  await clock.advance(12_000)
  made.refusal = null
  await clock.advance(5000)
  assert.deepEqual(made.asked.slice(2), Array(3).fill({ dryRun: false, restart: false }))
  await clock.advance(60_000)
  assert.deepEqual([made.asked.length, made.warned, clock.pending()], [5, [], 0])
})

test('what has become of the file meanwhile is said, and a newer reload takes its place', async () => {
  const { clock, reload, made } = makeLate()
  await assert.rejects(reload(HOW))
  made.refusal = 'config.invalid'
  await clock.advance(5000)
  assert.deepEqual(made.warned, ['the configuration was not applied after the switch: it is config.invalid'])
  made.refusal = 'switch.busy'
  await assert.rejects(reload(HOW))
  made.refusal = null
  assert.equal(await reload(HOW), CHANGES)
  assert.equal(clock.pending(), 0)
})

test('nothing is asked for again of a look alone, of what else is in the way, or after the end', async () => {
  const { clock, reload, release, made } = makeLate()
  await assert.rejects(reload({ dryRun: true, restart: false }))
  made.refusal = 'config.invalid'
  await assert.rejects(reload(HOW))
  assert.equal(clock.pending(), 0)
  made.refusal = 'switch.busy'
  await assert.rejects(reload(HOW))
  release()
  assert.equal(clock.pending(), 0)
  await assert.rejects(reload(HOW))
  assert.equal(clock.pending(), 0)
})
