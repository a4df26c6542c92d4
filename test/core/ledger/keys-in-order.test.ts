import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { disk } from '../../../core/ledger/files.ts'
import { keyStore } from '../../../core/ledger/keys.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { until } from '../../until.ts'
import { entriesIn, exit, folder, heard, optionsFor, written } from './stand.ts'

/* A key signs only if an entry tells of it, as the newest one, whatever was interrupted, refused or put back. */

const keysIn = (dir: string): string[] => readdirSync(join(dir, 'keys')).sort()

/** The entries that tell of keys, as their epochs. */
const epochsIn = (dir: string) =>
  entriesIn(dir).flatMap(({ kind, data }) => (kind === 'key.rotated' ? [[data.epoch, data.why]] : []))

/** By whoever was given the newest key: the ledger alone can't vouch for one that began without the key before. */
function verifiedWith(dir: string, vkey: string | null) {
  return verifyLedger(dir, {
    trust: { keys: [parseVkey(vkey ?? '') ?? assert.fail()], checkpoints: [], isGapAccepted: true },
  })
}

const GONE = 'the key of the epoch before is gone'

test('a key that was made and refused signs nothing after a restart, and the next one is of its epoch', async t => {
  const dir = await written(t, 3, { mark: true })
  rmSync(join(dir, 'keys'), { recursive: true })
  const clock = fakeClock()
  const full = await openLedger(optionsFor(dir, { clock }))
  await clock.advance(300)
  await full.settled()
  const { write } = disk
  const mocked = t.mock.method(disk, 'write', async (...how: Parameters<typeof write>) => {
    if (!how[1].includes('key.rotated')) return write(...how)
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
  })
  await assert.rejects(full.rotateKey('local:admin'), { code: 'ledger.degraded' })
  mocked.mock.restore()
  await clock.advance(60_000)
  await full.close(2000)
  const refused = readFileSync(join(dir, 'keys/1.pem'), 'utf8')

  const { ledger, said } = await heard(t, dir)
  assert.match(said.join(), /^checkpoints are not signed: the key in "keys" is not that of epoch 0/)
  await ledger.append(exit(4))
  await assert.rejects(ledger.checkpoint(), { code: 'ledger.checkpoint' })
  const { epoch, vkey } = await ledger.rotateKey('local:admin')
  await ledger.append(exit(5))
  await ledger.checkpoint()
  assert.deepEqual([epoch, epochsIn(dir), keysIn(dir)], [1, [[1, GONE]], ['1.pem']])
  assert.notEqual(readFileSync(join(dir, 'keys/1.pem'), 'utf8'), refused)
  const verdict = await verifiedWith(dir, vkey)
  assert.deepEqual([verdict.firstBad, verdict.unvouched, verdict.vkeys.at(-1)], [null, [1], vkey])
})

test('a first key that no entry tells of yet is told of at the next start', async t => {
  const dir = join(folder(t), 'ledger')
  mkdirSync(dir)
  // A file in the place of the folder: no key can be made for the first entry.
  writeFileSync(join(dir, 'keys'), '')
  const one = await heard(t, dir)
  await one.ledger.append(exit(1))
  await one.ledger.close(2000)
  rmSync(join(dir, 'keys'))
  await keyStore(dir).create(0)
  const { ledger, said } = await heard(t, dir)
  await until('its first key', () => ledger.vkey() !== null)
  await ledger.append(exit(2))
  await ledger.checkpoint()
  assert.deepEqual([epochsIn(dir), said], [[[0, undefined]], []])
  const { firstBad, vkeys } = await verifyLedger(dir)
  assert.deepEqual([firstBad, vkeys], [null, [ledger.vkey()]])
})

test('an old key that was put back signs nothing, even with its checkpoint; a new one takes its place and it is gone', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await heard(t, dir)
  await one.ledger.append(exit(1))
  await one.ledger.checkpoint()
  const backup = join(dir, '..', 'backup')
  mkdirSync(backup)
  for (const name of ['keys', 'checkpoint']) cpSync(join(dir, name), join(backup, name), { recursive: true })
  await one.ledger.rotateKey('local:admin')
  await one.ledger.append(exit(2))
  await one.ledger.checkpoint()
  await one.ledger.close(2000)
  for (const names of [['keys'], ['keys', 'checkpoint']]) {
    const copy = join(dir, '..', `with-${names.join('-')}`)
    cpSync(dir, copy, { recursive: true })
    rmSync(join(copy, 'lock.pid'), { force: true })
    rmSync(join(copy, 'keys'), { recursive: true })
    for (const name of names) cpSync(join(backup, name), join(copy, name), { recursive: true })
    const { ledger, said } = await heard(t, copy)
    assert.match(
      said.join(),
      /the key in "keys" is not that of epoch 1, which the entries tell of. "heald keygen" begins/,
    )
    await ledger.append(exit(3))
    await assert.rejects(ledger.checkpoint(), { code: 'ledger.checkpoint' })
    assert.equal((await verifyLedger(copy)).firstBad, null, names.join())
    assert.equal((await ledger.rotateKey('local:admin')).epoch, 2)
    await ledger.append(exit(4))
    await ledger.checkpoint()
    assert.deepEqual([epochsIn(copy).at(-1), keysIn(copy)], [[2, GONE], ['2.pem']])
    await ledger.close(2000)
    assert.equal((await verifiedWith(copy, ledger.vkey())).firstBad, null)
    assert.deepEqual((await heard(t, copy)).said, [])
  }
})

test('a new epoch without the key before, killed before the old file was removed, owes no handover', async t => {
  const dir = await written(t, 3, { mark: true })
  const stray = readFileSync(join(dir, 'keys/0.pem'))
  rmSync(join(dir, 'keys'), { recursive: true })
  const one = await heard(t, dir)
  await one.ledger.rotateKey('local:admin')
  await one.ledger.append(exit(4))
  await one.ledger.checkpoint()
  await one.ledger.close(2000)
  writeFileSync(join(dir, 'keys/0.pem'), stray, { mode: 0o600 })
  rmSync(join(dir, 'checkpoint'))
  const { ledger, said } = await heard(t, dir)
  await ledger.append(exit(5))
  await ledger.checkpoint()
  assert.deepEqual([keysIn(dir), said], [['1.pem'], []])
  const { firstBad, unvouched } = await verifiedWith(dir, ledger.vkey())
  assert.deepEqual([firstBad, unvouched], [null, [1]])
})
