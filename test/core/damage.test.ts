import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDamageUnseen, tellOfDamage } from '../../core/damage.ts'
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
