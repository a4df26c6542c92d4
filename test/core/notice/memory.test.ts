import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyFolded, fill, foldedFromJson, foldedToJson } from '../../../core/folded.ts'
import { emptyNotices, fillNotices, noticesToJson } from '../../../core/notice/memory.ts'
import { notebook } from './stand.ts'

const MATCH = { services: ['a*'], severity: null, kinds: null }

async function written() {
  const book = notebook()
  const { append } = book
  const id = await book.open('agent', 'critical')
  const untilTs = new Date(book.clock.wallMs() + 60_000).toISOString()
  const silence = { match: MATCH, untilTs, by: 'local:admin', why: 'disk' }
  await append({ kind: 'silence.created', data: { id: 'silence-1', ...silence } })
  await append({ kind: 'silence.created', data: { id: 'silence-2', ...silence } })
  await append({ kind: 'silence.created', data: { id: 'maintenance-ab-1', ...silence } })
  await append({ kind: 'silence.ended', data: { id: 'silence-1', how: 'by hand' } })
  await append({ kind: 'channel.down', data: { channel: 'slack', why: 'no route', final: false } })
  await append({ kind: 'escalation.due', inc: id, data: { incident: id, step: 0, to: ['slack'], fallback: false } })
  const where = { channel: 'slack', chat: 'C1', card: 'card-1', reference: 'r1', which: 'post', for: 'escalation' }
  await append({ kind: 'channel.delivered', inc: id, data: { ...where, step: 0 } })
  return { book, id }
}

test('what notices need outlives a snapshot, and a fold beside supervision', async () => {
  const { book } = await written()
  const { notices } = book.folded
  assert.deepEqual([...notices.silences.keys()], ['silence-2', 'maintenance-ab-1'])
  assert.equal(notices.madeByHand, 2)
  const restored = foldedFromJson(JSON.parse(JSON.stringify(foldedToJson(book.folded))))
  assert.deepEqual(restored?.notices, notices)
  const filled = emptyFolded()
  if (restored !== null) fill(filled, restored)
  assert.deepEqual(filled.notices, notices)
  assert.deepEqual(book.restart().notices, notices)
})

test('a snapshot without them, or of another shape, counts as empty', () => {
  const { notices: _, ...older } = foldedToJson(emptyFolded())
  assert.deepEqual(foldedFromJson(older)?.notices, emptyNotices())
  const memory = emptyNotices()
  fillNotices(memory, { channels: 7, silences: [1, ['x'], [2, {}]], windows: null, madeByHand: 'many' })
  assert.deepEqual([memory.channels.size, memory.windows.size, memory.madeByHand], [0, 0, 0])
})

test('a step is confirmed by a report about it, or about all that were due; the end of the incident forgets it', async () => {
  const { book, id } = await written()
  const { escalations } = book.folded.notices
  const due = (step: number) => escalations.get(`${id} ${step}`)
  assert.equal(due(0)?.isConfirmed, true)
  await book.append({ kind: 'escalation.due', inc: id, data: { incident: id, step: 1, to: [], fallback: false } })
  const first = { channel: 'slack', chat: 'C1', card: 'card-1', reference: 'r3', which: 'post', for: 'escalation' }
  await book.append({ kind: 'channel.delivered', inc: id, data: { ...first, step: 0 } })
  assert.equal(due(1)?.isConfirmed, false)
  const where = { channel: 'slack', chat: 'C1', card: 'card-1', reference: 'r2', which: 'post' }
  await book.append({ kind: 'channel.delivered', inc: id, data: { ...where, for: 'card' } })
  assert.equal(due(1)?.isConfirmed, false)
  await book.append({ kind: 'channel.delivered', inc: id, data: { ...where, for: 'escalation' } })
  assert.equal(due(1)?.isConfirmed, true)
  await book.append({ kind: 'escalation.due', inc: id, data: { incident: id, step: 1, fallback: true, result: 'ok' } })
  assert.deepEqual([due(1)?.hasFallenBack, due(1)?.isConfirmed], [true, true])
  await book.append({ kind: 'incident.resolved', inc: id, data: { how: 'recovered' } })
  assert.equal(escalations.size, 0)
})

test('it is bounded, whatever the ledger holds', async () => {
  const book = notebook()
  const untilTs = new Date(book.clock.wallMs() + 60_000).toISOString()
  for (let n = 0; n < 2500; n += 1) {
    const data = { match: MATCH, untilTs, by: 'heald', why: '' }
    await book.append({ kind: 'silence.created', data: { id: `maintenance-${n}`, ...data } })
    await book.append({
      kind: 'channel.delivered',
      data: { channel: 'slack', chat: `${n}`, card: 'c', reference: 'r' },
    })
    await book.append({ kind: 'escalation.due', inc: `a-${n}`, data: { incident: `a-${n}`, step: 0 } })
    await book.append({ kind: 'channel.up', data: { channel: `c${n}` } })
  }
  const { silences, windows, deliveries, escalations, channels } = book.folded.notices
  assert.deepEqual([silences.size, windows.size, channels.size], [1000, 1000, 20])
  assert.deepEqual([deliveries.size, escalations.size], [2000, 2500])
  assert.ok(silences.has('maintenance-2499') && !silences.has('maintenance-0'), 'the oldest goes')
})

test('windows of maintenance are remembered until a day after their end, unless they are no longer configured', async () => {
  const book = notebook()
  const { windows } = book.folded.notices
  const begin = (id: string) => {
    const untilTs = new Date(book.clock.wallMs() + 60_000).toISOString()
    return book.append({ kind: 'silence.created', data: { id, match: MATCH, untilTs, by: 'heald', why: '' } })
  }
  await begin('maintenance-a')
  await begin('maintenance-b')
  await book.append({ kind: 'silence.ended', data: { id: 'maintenance-a', how: 'by hand' } })
  await book.append({ kind: 'silence.ended', data: { id: 'maintenance-b', how: 'not configured' } })
  assert.deepEqual([...windows.keys()], ['maintenance-a'])
  await book.clock.advance(86_400_000 + 61_000)
  await begin('maintenance-c')
  assert.deepEqual([...windows.keys()], ['maintenance-c'])
})

test('odd entries change nothing and throw nothing', async () => {
  const book = notebook()
  for (const kind of ['silence.created', 'silence.ended', 'escalation.due', 'channel.delivered'] as const)
    await book.append({ kind, data: { id: 7, untilTs: 'soon', step: 'x', incident: null, match: 3 } })
  assert.deepEqual(JSON.parse(JSON.stringify(noticesToJson(book.folded.notices))).silences, [])
})
