import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fittingEntries } from '../../bot/fitting.ts'
import { ZEROS } from '../../core/ledger/line.ts'
import { lineOf } from '../core/ledger/stand.ts'

/** Lines of a chain, as core sends them. */
function chain(count: number, fromSeq = 0): string[] {
  let prev = ZEROS
  return Array.from({ length: count }, (_, at) => {
    const stamp = { seq: fromSeq + at, prev, ts: '2026-01-01T00:00:00.000Z', mono: at, boot: 'aaaa0000' }
    const line = lineOf(stamp, `"kind":"service.ready","svc":"web","data":{"readyMs":${at}}`)
    prev = line.h
    return line.text.trimEnd()
  })
}

async function read(lines: readonly string[]) {
  const told: string[] = []
  const seqs: number[] = []
  async function* sent() {
    yield* lines
  }
  for await (const { seq } of fittingEntries(sent(), why => told.push(why))) seqs.push(seq)
  return { seqs, told }
}

const without = (lines: readonly string[], at: number) => lines.filter((_, each) => each !== at)

test('what fits is handed on, from wherever it begins', async () => {
  assert.deepEqual(await read(chain(3)), { seqs: [0, 1, 2], told: [] })
  assert.deepEqual(await read(chain(5).slice(2)), { seqs: [2, 3, 4], told: [] })
})

test('a line that was changed is left out and told; what comes after it goes on', async () => {
  const lines = chain(4)
  lines[1] = lines[1]?.replace('"svc":"web"', '"svc":"job"') ?? ''
  const { seqs, told } = await read(lines)
  assert.deepEqual(seqs, [0, 2, 3])
  assert.deepEqual(told, ['what came after entry #0: the hash does not match the line'])
})

test('one that is missing, comes twice, or is of another chain is told by the link to the line before', async () => {
  const lines = chain(4)
  const [first = '', second = ''] = lines
  const stranger = chain(3, 1)[1] ?? ''
  for (const [wrong, seqs, why] of [
    [without(lines, 1), [0, 3], 'entry #2: it comes after entry #0'],
    [[first, first, ...lines.slice(1)], [0, 1, 2, 3], 'entry #0: it comes after entry #0'],
    [[first, second, stranger], [0, 1], 'entry #2: its "prev" is not the hash of entry #1'],
  ] as const)
    assert.deepEqual(await read(wrong), { seqs, told: [why] })
})

test('what is no line of the ledger at all is left out and told', async () => {
  for (const wrong of ['', '{}', '[]', 'null', '{"seq":1}']) {
    const { seqs, told } = await read([wrong, ...chain(2)])
    assert.deepEqual([seqs, told.length], [[0, 1], 1], wrong)
  }
})
