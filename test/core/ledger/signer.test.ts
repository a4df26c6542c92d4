import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '../../../core/fault.ts'
import { openCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { epochsOf, isOfItsEpoch, originOf, unvouched } from '../../../core/ledger/epochs.ts'
import { keptCheckpoints, latestCheckpoint } from '../../../core/ledger/kept.ts'
import { keyStore } from '../../../core/ledger/keys.ts'
import { rawPublicKey } from '../../../core/ledger/note.ts'
import { until } from '../../until.ts'
import { entriesIn, exit, folder, heard, rehashed } from './stand.ts'

const rotationsIn = (dir: string) => entriesIn(dir).filter(({ kind }) => kind === 'genesis' || kind === 'key.rotated')

/** All that is kept beside the ledger, judged by what its own entries tell of keys. */
function judgedIn(dir: string) {
  const entries = rotationsIn(dir)
  const [genesis] = entries
  if (genesis === undefined) return assert.fail('no genesis')
  const { epochs, bad } = epochsOf(entries, originOf(genesis))
  assert.equal(bad, null)
  const opened = keptCheckpoints(dir).map(({ name, note }) => {
    const found = openCheckpoint(
      note,
      epochs.map(({ key }) => key),
    )
    assert.ok(found.ok, `${name}: ${found.ok ? '' : found.why}`)
    return found.checkpoint
  })
  return { epochs, opened }
}

test('a new ledger has a key, names it in its first entry, and signs what it is', async t => {
  const dir = join(folder(t), 'ledger')
  const { ledger } = await heard(t, dir)
  for (let n = 0; n < 5; n++) await ledger.append(exit(n))
  const { note, size } = await ledger.checkpoint()
  assert.equal(size, 6)
  assert.equal(readFileSync(join(dir, 'checkpoint'), 'utf8'), note)
  assert.equal(ledger.checkpointSize(), 6)
  const { epochs, opened } = judgedIn(dir)
  assert.deepEqual([epochs.length, opened.length, opened[0]?.size, opened[0]?.root], [1, 1, 6, ledger.tree()?.root])
  assert.ok(opened.every(each => isOfItsEpoch(each, epochs)))
  assert.equal(statSync(join(dir, 'keys', '0.pem')).mode & 0o777, 0o600)
  assert.equal(statSync(join(dir, 'keys')).mode & 0o777, 0o700)
  assert.match(ledger.vkey() ?? '', /^test-host\/heald\/[0-9a-f]{8}\+[0-9a-f]{8}\+/)
})

test('a new key: the old one vouches for it and is gone, and each checkpoint is of its own epoch', async t => {
  const dir = join(folder(t), 'ledger')
  const { ledger } = await heard(t, dir)
  await ledger.append(exit(1))
  const old = readFileSync(join(dir, 'keys', '0.pem'))
  const first = await ledger.checkpoint()
  const made = await ledger.rotateKey('local:admin')
  assert.deepEqual([made.epoch, made.vkey], [1, ledger.vkey()])
  assert.deepEqual(readdirSync(join(dir, 'keys')), ['1.pem'])
  await ledger.append(exit(2))
  await ledger.rotateKey('local:admin')
  await ledger.append(exit(3))
  await ledger.checkpoint()
  const { epochs, opened } = judgedIn(dir)
  assert.deepEqual(
    epochs.map(({ epoch, fromSeq }) => [epoch, fromSeq]),
    [
      [0, 0],
      [1, 3],
      [2, 5],
    ],
  )
  assert.deepEqual(
    opened.map(({ size }) => size),
    [3, 5, 6],
  )
  assert.ok(opened.every(each => isOfItsEpoch(each, epochs)))
  assert.deepEqual(unvouched(epochs, opened), [])
  assert.deepEqual(
    unvouched(epochs, opened.slice(1)).map(({ epoch }) => epoch),
    [1],
  )
  // A checkpoint by the key of another epoch does not count, whoever has it.
  const [zero] = epochs
  assert.equal(zero !== undefined && isOfItsEpoch({ size: 6, signedBy: [zero.key] }, epochs), false)
  assert.equal(first.size, 2)
  const body = old.toString().split('\n')[1] ?? assert.fail()
  for (const path of readdirSync(dir, { recursive: true, encoding: 'utf8' }).map(name => join(dir, name)))
    if (statSync(path).isFile()) assert.ok(!readFileSync(path, 'latin1').includes(body.slice(0, 40)), path)
})

test('opened again, the same key goes on', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  await one.ledger.append(exit(1))
  const vkey = one.ledger.vkey()
  await one.ledger.close(2000)
  const { ledger, said } = await heard(t, dir)
  await ledger.append(exit(2))
  await ledger.checkpoint()
  assert.equal(ledger.vkey(), vkey)
  assert.equal(rotationsIn(dir).length, 1)
  assert.deepEqual(said, [])
})

test('a new key that was made and never told of is thrown away', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  await one.ledger.append(exit(1))
  await one.ledger.close(2000)
  await keyStore(dir).create(1)
  const { ledger } = await heard(t, dir)
  assert.deepEqual(readdirSync(join(dir, 'keys')), ['0.pem'])
  await ledger.append(exit(2))
  await ledger.checkpoint()
  const { epochs, opened } = judgedIn(dir)
  assert.ok(epochs.length === 1 && opened.every(each => isOfItsEpoch(each, epochs)))
})

test('a key that was told of and not vouched for yet is vouched for by the old one at the next start', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  await one.ledger.append(exit(1))
  const key = await keyStore(dir).create(1)
  const publicKey = rawPublicKey(key).toString('base64')
  await one.ledger.append({ kind: 'key.rotated', data: { epoch: 1, publicKey } })
  await one.ledger.append(exit(2))
  await one.ledger.close(2000)
  rmSync(join(dir, 'checkpoint'), { force: true })
  const { ledger } = await heard(t, dir)
  assert.deepEqual(readdirSync(join(dir, 'keys')), ['1.pem'])
  await ledger.append(exit(3))
  await ledger.checkpoint()
  const { epochs, opened } = judgedIn(dir)
  assert.deepEqual([epochs.length, unvouched(epochs, opened).length], [2, 0])
  assert.ok(opened.every(each => isOfItsEpoch(each, epochs)))
})

test('keys that are lost: it is said, entries are recorded as ever, and a person begins a new epoch that says so', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  await one.ledger.append(exit(1))
  await one.ledger.close(2000)
  rmSync(join(dir, 'keys'), { recursive: true })
  const { ledger, said } = await heard(t, dir)
  assert.match(said.join(), /the key in "keys" is gone. "heald keygen"/)
  assert.ok(await ledger.append(exit(2)))
  await assert.rejects(
    ledger.checkpoint(),
    (error: unknown) =>
      error instanceof Fault &&
      error.code === 'ledger.checkpoint' &&
      /^no checkpoint can be signed: the key in "keys" is gone$/.test(error.message) &&
      /"heald keygen" begins/.test(error.hint ?? ''),
  )
  const { epoch } = await ledger.rotateKey('local:admin')
  assert.equal(epoch, 1)
  assert.match(String(rotationsIn(dir).at(-1)?.data.why), /is gone/)
  await ledger.append(exit(3))
  await ledger.checkpoint()
  const { epochs, opened } = judgedIn(dir)
  assert.deepEqual(
    unvouched(epochs, opened).map(each => each.epoch),
    [1],
  )
})

test('a key that makes no sense is said in words that hold nothing of it', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  await one.ledger.append(exit(1))
  await one.ledger.close(2000)
  const path = join(dir, 'keys', '0.pem')
  writeFileSync(path, readFileSync(path, 'latin1').replace('PRIVATE', 'SECRETS').replace(/M/g, 'N'))
  const { ledger, said } = await heard(t, dir)
  assert.match(said.join(), /can't be used: it holds no Ed25519 key/)
  assert.ok(!said.join().includes('BEGIN'))
  assert.ok(await ledger.append(exit(2)))
})

test('a ledger that was begun without keys gets its first one by an entry', async t => {
  const dir = join(folder(t), 'ledger')
  mkdirSync(dir, { recursive: true })
  // A file in the place of the folder: no key can be made for the first entry.
  writeFileSync(join(dir, 'keys'), '')
  const one = await heard(t, dir)
  assert.ok(await one.ledger.append(exit(1)))
  assert.equal(rotationsIn(dir)[0]?.data.publicKey, null)
  await one.ledger.close(2000)
  rmSync(join(dir, 'keys'))
  const { ledger } = await heard(t, dir)
  await until('its first key', () => ledger.vkey() !== null)
  await ledger.checkpoint()
  const { epochs, opened } = judgedIn(dir)
  assert.deepEqual([epochs.map(({ epoch }) => epoch), unvouched(epochs, opened)], [[0], []])
  assert.ok(opened.every(each => isOfItsEpoch(each, epochs)))
})

test('fewer entries than the last checkpoint: an alert, and the checkpoint is kept for evidence', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  for (let n = 0; n < 9; n++) await one.ledger.append(exit(n))
  await one.ledger.checkpoint()
  await one.ledger.close(2000)
  const path = join(dir, 'seg', '000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').split('\n').slice(0, 5).join('\n').concat('\n'))
  rmSync(join(dir, 'head'))
  const note = latestCheckpoint(dir)
  const { ledger } = await heard(t, dir)
  const alert = entriesIn(dir).find(({ kind }) => kind === 'integrity.alert')
  assert.match(String(alert?.data.why), /a checkpoint of 10 entries was signed/)
  await ledger.append(exit(20))
  await ledger.checkpoint()
  assert.ok(keptCheckpoints(dir).some(each => each.note === note))
})

test('a tail that was rewritten, with all hashes made anew: an alert', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  for (let n = 0; n < 9; n++) await one.ledger.append(exit(n))
  const { note } = await one.ledger.checkpoint()
  await one.ledger.append(exit(10))
  await one.ledger.close(2000)
  const path = join(dir, 'seg', '000000000000.jsonl')
  writeFileSync(path, rehashed(readFileSync(path, 'utf8').replace('"pid":5,', '"pid":6,')))
  rmSync(join(dir, 'head'))
  writeFileSync(join(dir, 'checkpoint'), note)
  await heard(t, dir)
  await until('the alert', () => entriesIn(dir).some(({ kind }) => kind === 'integrity.alert'))
  const alert = entriesIn(dir).find(({ kind }) => kind === 'integrity.alert')
  assert.match(String(alert?.data.why), /the checkpoint of 10 entries has the root [0-9a-f]{64}, and the ledger has/)
  assert.ok(keptCheckpoints(dir).some(each => each.note === note))
})

test('another ledger in its place: an alert', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  for (let n = 0; n < 9; n++) await one.ledger.append(exit(n))
  const { note } = await one.ledger.checkpoint()
  await one.ledger.close(2000)
  for (const name of ['seg', 'head', 'tree', 'checkpoint']) rmSync(join(dir, name), { recursive: true })
  const forged = await heard(t, dir)
  for (let n = 0; n < 12; n++) await forged.ledger.append(exit(100 + n))
  await forged.ledger.close(2000)
  writeFileSync(join(dir, 'checkpoint'), note)
  await heard(t, dir)
  await until('the alert', () => entriesIn(dir).some(({ kind }) => kind === 'integrity.alert'))
})

test('what ends with the entry of a new key is not signed by it: the handover stands for it, and where there is none another entry is', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  await one.ledger.append(exit(1))
  await one.ledger.rotateKey('local:admin')
  const { note, size } = await one.ledger.checkpoint()
  assert.deepEqual([size, note], [3, keptCheckpoints(dir)[0]?.note])
  const { epochs, opened } = judgedIn(dir)
  assert.ok(opened.every(each => isOfItsEpoch(each, epochs)))
  await one.ledger.close(2000)
  rmSync(join(dir, 'keys'), { recursive: true })
  const two = await heard(t, dir)
  await two.ledger.rotateKey('local:admin')
  const at = two.ledger.head().size
  const first = await two.ledger.checkpoint()
  assert.deepEqual(
    entriesIn(dir)
      .slice(at - 1)
      .map(({ kind, data }) => [kind, data.epoch]),
    [
      ['key.rotated', 2],
      ['key.begun', 2],
    ],
  )
  assert.equal(first.size, at + 1)
  assert.deepEqual(await two.ledger.checkpoint(), first, 'one is enough')
  await two.ledger.append(exit(2))
  await two.ledger.checkpoint()
  assert.equal(two.ledger.head().size, at + 2)
  const after = judgedIn(dir)
  assert.ok(after.opened.every(each => isOfItsEpoch(each, after.epochs)))
})
