import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyJournal, type Ref } from '../../../core/safeswitch/journal.ts'
import { newTargetMemory, type TargetMemory } from '../../../core/safeswitch/memory.ts'
import type { Moment } from '../../../core/safeswitch/moment.ts'
import { mayRollBack, type Question } from '../../../core/safeswitch/permit.ts'
import { DAY_MS, HOUR_MS } from './managed-spec.ts'

const R1: Ref = { generation: 'r1', path: '/r1' }
const R2: Ref = { generation: 'r2', path: '/r2' }
const R3: Ref = { generation: 'r3', path: '/r3' }
const BOOT = 'aaaa0000'
const UP_MS = 30 * DAY_MS
const NOW: Moment = { wallMs: 1_800_000_000_000, monoMs: UP_MS, boot: BOOT }

const ago = (ms: number): Moment => ({ ...NOW, wallMs: NOW.wallMs - ms, monoMs: NOW.monoMs - ms })
/** In a boot before this one, by the wall clock alone. */
const before = (ms: number): Moment => ({ wallMs: NOW.wallMs - ms, monoMs: 5, boot: 'bbbb0000' })

/** r2 was committed an hour ago, r1 is known to be good, and nothing stands against a rollback. */
function ask(memory: Partial<TargetMemory> = {}, more: Partial<Question> = {}) {
  const arrived = { by: 'commit', at: ago(HOUR_MS) } as const
  return mayRollBack({
    ...{ spec: { blameWindowMs: DAY_MS, irreversible: false }, budget: { perHour: 2, perDay: 4 } },
    memory: { ...newTargetMemory(), journal: emptyJournal([R2, R1]), arrived, ...memory },
    ...{ running: R2, now: NOW, isRecording: true, isDamaged: false, isFrozen: false },
    ...more,
  })
}
function refused(words: RegExp, ...how: Parameters<typeof ask>): void {
  const permit = ask(...how)
  assert.ok('refused' in permit, `it was permitted, not refused as ${words}`)
  assert.match(permit.refused, words)
  assert.equal(permit.isEnvironment ?? false, /already, so the cause/.test(permit.refused))
  // Everything else stays so until somebody switches.
  assert.equal(permit.isPassing ?? false, /budget|recorded|be told|damaged|frozen/.test(permit.refused), permit.refused)
}
const permitted = (...how: Parameters<typeof ask>) => assert.deepEqual(ask(...how), { to: R1 })

test('all is well for it: to the newest known-good generation that does not run', () => {
  permitted()
  permitted({ journal: emptyJournal([R1, R3]) }, { running: R2 })
  assert.deepEqual(ask({ journal: emptyJournal([R2, R3, R1]) }), { to: R3 })
})

test('each reason against it has its words', () => {
  refused(/until somebody decides/, { journal: { ...emptyJournal([R2, R1]), phase: 'held' } })
  for (const phase of ['armed', 'switching', 'probation', 'committing', 'rollingBack', 'observed'] as const)
    refused(/under way/, { journal: { ...emptyJournal([R2, R1]), phase } })
  refused(/can not be told what runs/, {}, { running: null })
  refused(/no other generation is known to be good/, { journal: emptyJournal([R2]) })
  refused(/no other generation is known to be good/, { journal: emptyJournal() })
  refused(/blame window/, { arrived: null })
  const back = { by: 'rollback', isAutomatic: true } as const
  refused(/rolled back to r2 already, so the cause/, { arrived: { ...back, at: ago(600_000) } })
  refused(/rolled back to r2 already$/, { arrived: { ...back, at: ago(600_001) } })
  refused(/rolled back to r2 already$/, { arrived: { ...back, isAutomatic: false, at: ago(0) } })
  refused(/nothing can be recorded/, {}, { isRecording: false })
  refused(/ledger is damaged, and nobody has acknowledged/, {}, { isDamaged: true })
  refused(/automatic changes are frozen/, {}, { isFrozen: true })
  refused(/once already/, { tried: [R2.path] })
  permitted({ tried: [R1.path, R3.path] })
})

test('irreversible: all, or by name', () => {
  const spec = (irreversible: boolean | string[]) => ({ spec: { blameWindowMs: DAY_MS, irreversible } })
  refused(/r2 is marked irreversible/, {}, spec(true))
  refused(/r2 is marked irreversible/, {}, spec(['r1', 'r2']))
  permitted({}, spec(['r1', 'r3']))
  permitted({}, spec([]))
})

test('the blame window, at its edge', () => {
  const arrived = (at: Moment) => ({ arrived: { by: 'commit', at } as const })
  permitted(arrived(ago(DAY_MS)))
  refused(/blame window/, arrived(ago(DAY_MS + 1)))
  permitted(arrived(ago(0)))
  // What was long ago is nobody's fault any more, a rollback neither.
  refused(/blame window/, { arrived: { by: 'rollback', at: ago(DAY_MS + 1) } })
})

test('the budget of an hour and of a day, at their edges', () => {
  const spent = (...agos: number[]) => ({ automatic: agos.map(ago) })
  permitted(spent(HOUR_MS - 1))
  refused(/budget of 2 .* an hour/, spent(HOUR_MS - 1, 1))
  permitted(spent(HOUR_MS, 1))
  permitted(spent(DAY_MS, 20 * HOUR_MS, 10 * HOUR_MS, 2 * HOUR_MS))
  refused(/budget of 4 .* a day/, spent(DAY_MS - 1, 20 * HOUR_MS, 10 * HOUR_MS, 2 * HOUR_MS))
  refused(/budget of 0/, {}, { budget: { perHour: 0, perDay: 0 } })
})

test('the wall clock set to anything, within one boot, changes nothing', () => {
  const spent = { automatic: [ago(10 * 60_000), ago(60_000)], arrived: { by: 'commit', at: ago(HOUR_MS) } as const }
  const old = { automatic: [ago(3 * HOUR_MS), ago(2 * HOUR_MS)] }
  for (const days of [-3650, -2, -1, 1, 2, 3650]) {
    const now = { ...NOW, wallMs: NOW.wallMs + days * DAY_MS }
    refused(/budget of 2/, spent, { now })
    permitted(old, { now })
    permitted({ arrived: { by: 'commit', at: ago(DAY_MS) } }, { now })
    refused(/blame window/, { arrived: { by: 'commit', at: ago(DAY_MS + 1) } }, { now })
  }
})

test('a wall clock set back across a boot gives no new budget, and blocks no longer than the budget lasts', () => {
  const future = [before(-3 * DAY_MS), before(-3 * DAY_MS)]
  const at = (monoMs: number) => ({ now: { ...NOW, monoMs } })
  // The machine has been up for a minute: they were longer ago than that, and more is not known.
  refused(
    /budget of 2 .* an hour/,
    { automatic: future, arrived: { by: 'commit', at: before(-3 * DAY_MS) } },
    at(60_000),
  )
  refused(/budget of 2 .* an hour/, { automatic: future, arrived: { by: 'commit', at: before(0) } }, at(HOUR_MS - 1))
  permitted({ automatic: future, arrived: { by: 'commit', at: before(0) } }, at(HOUR_MS))
  const four = [...future, ...future]
  refused(/budget of 4 .* a day/, { automatic: four, arrived: { by: 'commit', at: before(0) } }, at(DAY_MS - 1))
  permitted({ automatic: four, arrived: { by: 'commit', at: before(0) } }, at(DAY_MS))
  // Nor does a commit stay recent for ever.
  refused(/blame window/, { arrived: { by: 'commit', at: before(-365 * DAY_MS) } }, at(DAY_MS + 1))
})

test('across a boot the wall clock counts where it says more', () => {
  const at = { now: { ...NOW, monoMs: 60_000 } }
  const arrived = { by: 'commit', at: before(2 * HOUR_MS) } as const
  permitted({ automatic: [before(2 * HOUR_MS), before(2 * HOUR_MS)], arrived }, at)
  refused(/budget of 2/, { automatic: [before(HOUR_MS / 2), before(HOUR_MS / 2)], arrived }, at)
})
