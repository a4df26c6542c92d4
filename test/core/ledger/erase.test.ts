import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { codeOf } from '../../../core/fault.ts'
import { readEntry } from '../../../core/ledger/read.ts'
import { readTail } from '../../../core/ledger/side.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { reopened } from './many-segments.ts'
import { entriesIn, exit, folder } from './stand.ts'

const SIDE = 'side/000000000000.jsonl'

async function tailOf(dir: string, seq: number): Promise<string | null> {
  const found = await readEntry(dir, seq)
  assert.ok(found !== null && 'entry' in found)
  return readTail(dir, found.entry)
}

test('the text of one entry is gone, the others, the chain and what is written on are not', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await reopened(t, dir)
  const texts = ['first secret', 'second secret ü\n\t"', 'third secret']
  const seqs: number[] = []
  for (const [n, tail] of texts.entries()) seqs.push((await ledger.append({ ...exit(n), tail }))?.seq ?? -1)
  const [one = -1, two = -1, three = -1] = seqs
  const { seq } = await ledger.erase(two, 'local:admin')
  await ledger.append({ ...exit(9), tail: 'fourth secret' })
  assert.deepEqual(await Promise.all(seqs.map(each => tailOf(dir, each))), [texts[0], null, texts[2]])
  const left = readFileSync(join(dir, SIDE), 'utf8')
  assert.ok(!left.includes('second secret'))
  assert.ok(left.includes('fourth secret'))
  assert.deepEqual(readdirSync(join(dir, 'side')), ['000000000000.jsonl'])
  const entries = entriesIn(dir)
  assert.deepEqual(
    [entries[seq]?.kind, entries[seq]?.data.seq, entries[seq]?.actor],
    ['ledger.erased', two, 'local:admin'],
  )
  const refused = { [two]: 'erase.nothing', 0: 'erase.nothing', 99: 'entry.unknown' }
  for (const [which, code] of Object.entries(refused))
    await assert.rejects(ledger.erase(Number(which), 'local:admin'), (error: unknown) => codeOf(error) === code, which)
  await ledger.erase(three, 'local:admin')
  await ledger.erase(one, 'local:admin')
  assert.doesNotMatch(readFileSync(join(dir, SIDE), 'utf8'), /first|second|third/)
  await ledger.close(2000)
  assert.equal((await verifyLedger(dir)).ok, true)
})

test('what an earlier attempt to write the entry left behind goes too, half a row as well', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await reopened(t, dir)
  const seq = (await ledger.append({ ...exit(1), tail: 'a secret' }))?.seq ?? -1
  const row = readFileSync(join(dir, SIDE), 'utf8').trim()
  writeFileSync(
    join(dir, 'side/000000000007.jsonl'),
    `\n${row.replace(`"seq":${seq}`, '"seq":8')}\n\n${row.slice(0, -8)}`,
  )
  await ledger.erase(seq, 'local:admin')
  for (const name of readdirSync(join(dir, 'side')))
    assert.doesNotMatch(readFileSync(join(dir, 'side', name), 'utf8'), /secret|a se/, name)
})

test('an erasure that was killed is finished at the next start: told of once, and once only', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await reopened(t, dir)
  const seqs: number[] = []
  for (const n of [1, 2]) seqs.push((await ledger.append({ ...exit(n), tail: `secret ${n}` }))?.seq ?? -1)
  await ledger.close(2000)
  const text = readFileSync(join(dir, SIDE), 'utf8')
  for (const seq of seqs) {
    const found = await readEntry(dir, seq)
    assert.ok(found !== null && 'entry' in found)
    const { sha256 } = found.entry.data.tail as { sha256: string }
    const row = text.split('\n').find(line => line.startsWith(`{"seq":${seq},`)) ?? ''
    const rows = [
      { file: '000000000000.jsonl', offset: Buffer.byteLength(text.slice(0, text.indexOf(row))), bytes: row.length },
    ]
    writeFileSync(join(dir, `side/${seq}.erase`), JSON.stringify({ seq, sha256, by: 'local:admin', rows }))
  }
  // What nobody of ours has written is left alone.
  writeFileSync(join(dir, 'side/77.erase'), '{"seq":77,"rows":[{"file":"../../x","offset":0,"bytes":9}]}')
  appendFileSync(join(dir, SIDE), '')
  for (const _ of [1, 2]) {
    const again = await reopened(t, dir)
    const endMs = Date.now() + 5000
    while (readdirSync(join(dir, 'side')).length > 2 && Date.now() < endMs) await new Promise(go => setTimeout(go, 10))
    await again.close(2000)
    assert.doesNotMatch(readFileSync(join(dir, SIDE), 'utf8'), /secret/)
    assert.equal(entriesIn(dir).filter(({ kind }) => kind === 'ledger.erased').length, 2)
  }
})
