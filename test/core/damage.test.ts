import assert from 'node:assert/strict'
import { test } from 'node:test'
import { damageTeller, isDamageUnseen, tellOfDamage } from '../../core/damage.ts'
import type { Data, Draft, Entry, Kind } from '../../core/entry.ts'
import { emptyFolded, fold, foldedFromJson, foldedToJson, LEDGER } from '../../core/folded.ts'
import { entryOf } from './safeswitch/written.ts'

test('damage counts as unseen from its alert until its incident is acknowledged or resolved; a service’s incident does not', () => {
  for (const end of ['incident.acked', 'incident.resolved'] as const) {
    const folded = emptyFolded()
    const add = (kind: Kind, data: Data, more: Partial<Entry> = {}) =>
      fold(folded, { ...entryOf(kind, data), seq: folded.nextSeq, ...more })
    const drafts: Draft[] = []
    const warnings: string[] = []
    const tell = () => {
      tellOfDamage(
        folded,
        draft => drafts.push(draft),
        text => warnings.push(text),
      )
      return drafts.length
    }
    // A service may bear any name.
    add('incident.opened', { services: [LEDGER], cause: 'it fell' }, { svc: LEDGER, inc: 'INC-1' })
    assert.deepEqual([isDamageUnseen(folded), tell()], [false, 0])
    add('integrity.alert', { what: 'entries are missing', why: 'a line was cut' })
    assert.deepEqual([isDamageUnseen(folded), tell()], [true, 1])
    assert.match(warnings[0] ?? '', /the ledger is damaged: a line was cut; see .* entry #1/)
    add('incident.opened', drafts[0]?.data ?? {}, { svc: LEDGER, inc: 'INC-2' })
    assert.deepEqual([isDamageUnseen(folded), tell()], [true, 1], 'told once, and not seen yet')
    assert.equal(isDamageUnseen(foldedFromJson(foldedToJson(folded)) ?? assert.fail()), true, 'nor after a restart')
    add(end, { by: 'local:admin' }, { inc: 'INC-2' })
    assert.equal(isDamageUnseen(folded), false, end)
  }
})

test('what the start found is told when the past is known, and what is found later at once', () => {
  const folded = emptyFolded()
  const drafts: Draft[] = []
  const teller = damageTeller(
    folded,
    draft => void drafts.push(draft),
    () => {},
  )
  const add = (kind: Kind, data: Data) => {
    const entry = { ...entryOf(kind, data), seq: folded.nextSeq }
    fold(folded, entry)
    teller.follow([entry])
  }
  add('integrity.alert', { what: 'entries are missing', why: 'a line was cut' })
  assert.equal(drafts.length, 0)
  teller.pastIsKnown()
  assert.equal(drafts.length, 1)
  fold(folded, { ...entryOf('incident.opened', drafts[0]?.data ?? {}), svc: LEDGER, inc: 'INC-1', seq: folded.nextSeq })
  add('daemon.started', {})
  assert.equal(drafts.length, 1)
  add('integrity.alert', { what: 'the ledger was rewritten', why: 'another root' })
  assert.equal(drafts.length, 2)
})
