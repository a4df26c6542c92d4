import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patientSave } from '../../bot/patient-save.ts'
import { fakeClock } from '../fakes/clock.ts'

function stand() {
  const clock = fakeClock()
  const warnings: string[] = []
  const disk: (() => void)[] = []
  const save = patientSave(() => new Promise(resolve => void disk.push(resolve)), {
    ...{ clock, warn: text => void warnings.push(text) },
  })
  return { clock, warnings, disk, save }
}

test('a disk that answers is waited for, and nothing is said', async () => {
  const { clock, warnings, disk, save } = stand()
  let isSaved = false
  const saving = save().then(() => {
    isSaved = true
  })
  await clock.advance(4000)
  assert.equal(isSaved, false)
  disk[0]?.()
  await saving
  await clock.advance(10_000)
  assert.deepEqual(warnings, [])
})

test('a disk that does not answer holds nothing back for longer than that, and is said once', async () => {
  const { clock, warnings, disk, save } = stand()
  const first = save()
  await clock.advance(5001)
  await first
  await save()
  await save()
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /has not answered for 5 s/)
  for (const answer of disk) answer()
  await clock.advance(1)
  assert.match(warnings[1] ?? '', /answers again/)
  const next = save()
  let isSaved = false
  void next.then(() => {
    isSaved = true
  })
  await clock.advance(1)
  assert.equal(isSaved, false, 'it is waited for again')
  disk.at(-1)?.()
  await next
})
