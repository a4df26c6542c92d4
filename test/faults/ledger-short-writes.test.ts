import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Entry } from '../../core/entry.ts'
import { codeOf } from '../../core/fault.ts'
import { catchUp } from '../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../core/ledger/index/database.ts'
import { verifyIndex } from '../../core/ledger/index/verify-index.ts'
import type { Ledger, Recorded } from '../../core/ledger/ledger.ts'
import { openLedger } from '../../core/ledger/open.ts'
import { sealedSegments } from '../../core/ledger/prune-plan.ts'
import { readTail } from '../../core/ledger/side.ts'
import { verifyLedger } from '../../core/ledger/verify.ts'
import { manySegments, SNAPSHOT } from '../core/ledger/many-segments.ts'
import { entriesIn, exit, folder, optionsFor } from '../core/ledger/stand.ts'
import { until } from '../until.ts'
import { spreadOver } from './ledger-stand.ts'
import { type SmallDisk, smallDisk } from './small-disk.ts'

/*
 * A disk has room for a few blocks more, and stays full: somewhere a write is cut short and all others are refused. While
 * it is full the ledger is whole, and can be opened; nothing that was acknowledged is lost, nothing alarms, `ledger.gap`
 * tells what was refused, and once there is room all goes on.
 */
const FULL_DISKS = Number(process.env.HEALD_SOAK_FULL_DISKS ?? 4)
/** More blocks than are written on the way: with the last of these all is well. */
const BLOCKS = 16
const RECORDS_AGAIN_MS = 40_000
/** A segment is full before its 65,536 entries, so that another batch would have room: a few entries later. */
const ALMOST = 64_502
const FEW = 8

interface Place {
  /** For which there is room. */
  readonly blocks: number
  /** Entries before, so that the ends of the blocks are elsewhere in the lines. */
  readonly before: number
  readonly isClosedWhileFull: boolean
}

const PLACES: readonly Place[] = spreadOver(
  Array.from({ length: Math.max(BLOCKS, FULL_DISKS) }, (_, n) => ({
    ...{ blocks: n % BLOCKS, before: Math.floor(n / BLOCKS) + FEW * (n % 2), isClosedWhileFull: n % 4 > 1 },
  })),
  FULL_DISKS,
)

/** What callers were told. */
class Told {
  readonly acked: Recorded[] = []
  refused = 0
  nothing = 0

  async of(answer: Promise<Recorded | null>): Promise<void> {
    try {
      const recorded = await answer
      if (recorded === null) this.nothing += 1
      else this.acked.push(recorded)
    } catch (error) {
      if (codeOf(error) !== 'ledger.degraded') throw error
      this.refused += 1
    }
  }
}

async function open(t: TestContext, dir: string, troubles: string[]): Promise<Ledger> {
  const ledger = await openLedger(optionsFor(dir, { ...SNAPSHOT, fsync: true, onTrouble: what => troubles.push(what) }))
  t.after(() => ledger.close(2000))
  return ledger
}

async function ready(ledger: Ledger): Promise<void> {
  await until('the tree is there', () => ledger.tree() !== null)
  await ledger.settled()
}

const order = (ledger: Ledger, n: number) =>
  ledger.append({ kind: 'config.applied', data: { sha256: String(n).padStart(300, '0') } })

async function wholeWhileFull(dir: string, where: string): Promise<void> {
  const { ok, torn, firstBad } = await verifyLedger(dir)
  assert.ok(ok || torn, `${where}, while it is full: ${firstBad?.why}`)
}

/** Does what may fail for want of room. */
async function ifThereIsRoom(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    assert.notEqual(codeOf(error), 'ERR_ASSERTION')
    return false
  }
}

/** Once there is room: all goes on, and what was told is there. Answers the entries. */
async function goesOn(ledger: Ledger, dir: string, told: Told, where: string): Promise<readonly Entry[]> {
  await until(`it records again, ${where}`, () => ledger.head().recording === 'ok', RECORDS_AGAIN_MS)
  await ready(ledger)
  await told.of(order(ledger, -1))
  const { size } = await ledger.checkpoint()
  await ledger.rotateKey('local:admin')
  await told.of(order(ledger, -2))
  await ledger.checkpoint()
  await ledger.close(10_000)
  const { ok, firstBad, checked, signedUpTo } = await verifyLedger(dir)
  assert.deepEqual([ok, checked.checkpoints, checked.epochs], [true, true, true], `${where}: ${firstBad?.why}`)
  assert.ok(signedUpTo >= size, where)
  const entries = entriesIn(dir)
  const hashes = new Map(entries.map(({ seq, h }) => [seq, h]))
  for (const { seq, h } of told.acked) assert.equal(hashes.get(seq), h, `${where}: #${seq} was acknowledged`)
  assert.deepEqual(
    entries.filter(({ kind }) => kind === 'integrity.alert'),
    [],
    where,
  )
  return entries
}

interface Gaps {
  readonly refused: number
  readonly soft: number
  readonly tails: number
}

function gapsIn(entries: readonly Entry[]): Gaps {
  const gaps = entries.filter(({ kind }) => kind === 'ledger.gap').map(({ data }) => data)
  const lost = gaps.map(gap => gap.lost as { soft: number; tails: number })
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)
  return {
    refused: sum(gaps.map(({ refused }) => Number(refused))),
    soft: sum(lost.map(({ soft }) => soft)),
    tails: sum(lost.map(({ tails }) => tails)),
  }
}

/** Answers whether the disk was too small. */
type Scenario = (t: TestContext, disk: SmallDisk, dir: string, place: Place, where: string) => Promise<boolean>

const rotates: Scenario = async (t, disk, dir, place, where) => {
  const troubles: string[] = []
  let ledger = await open(t, dir, troubles)
  const told = new Told()
  await ready(ledger)
  for (let n = 0; n < place.before; n += 1) await told.of(order(ledger, n))
  disk.fill(place.blocks)
  const burst = (count: number): Promise<void>[] =>
    Array.from({ length: count }, (_, n) =>
      told.of(n % 2 > 0 ? order(ledger, n) : ledger.append({ ...exit(n), tail: `last words ${n}` })),
    )
  const answers = [...burst(64)]
  await Promise.race([Promise.all(answers), until('it is full', () => ledger.head().recording === 'degraded')])
  await ifThereIsRoom(() => ledger.checkpoint())
  const isRotated = await ifThereIsRoom(() => ledger.rotateKey('local:admin'))
  answers.push(...burst(4))
  await Promise.race([Promise.all(answers), until('it is full', () => ledger.head().recording === 'degraded')])
  const isFull = ledger.head().recording === 'degraded'
  await wholeWhileFull(dir, where)
  if (place.isClosedWhileFull) {
    await ledger.close(5000)
    await Promise.all(answers)
    await wholeWhileFull(dir, `${where}, closed`)
    ledger = await open(t, dir, troubles)
    await told.of(order(ledger, 0))
    await wholeWhileFull(dir, `${where}, opened again`)
  }
  disk.clear()
  await until(`it records again, ${where}`, () => ledger.head().recording === 'ok', RECORDS_AGAIN_MS)
  await Promise.all(answers)
  const entries = await goesOn(ledger, dir, told, where)
  const gaps = gapsIn(entries)
  const about = `${where}: ${JSON.stringify({ gaps, told: { refused: told.refused, nothing: told.nothing } })}`
  const missing = entries.filter(entry => entry.data.tail !== undefined && readTail(dir, entry) === null).length
  // What was to be told when it was closed, is told by nobody.
  if (place.isClosedWhileFull) assert.ok(gaps.soft <= told.nothing, about)
  else {
    assert.equal(gaps.soft, told.nothing, about)
    assert.ok(gaps.tails >= missing, `${about}: ${missing} texts are missing`)
    assert.ok(gaps.refused >= told.refused, about)
  }
  // The new key's own entry may have been refused as well.
  assert.ok(gaps.refused <= told.refused + (isRotated ? 0 : 1), about)
  assert.deepEqual(
    troubles.filter(what => !/full|ENOSPC|records again|no room/i.test(what)),
    [],
    where,
  )
  return isFull
}

/** Runs `scenario` on copies of a ledger, with room for more and more blocks. */
async function everywhere(t: TestContext, size: string, model: string, scenario: Scenario): Promise<void> {
  const disk = smallDisk(t, size)
  if (disk === null) return t.skip('needs root, to mount a small disk')
  const dir = join(disk.at, 'ledger')
  let full = 0
  for (const place of PLACES) {
    const where = `room for ${place.blocks} blocks, ${place.before} entries before${place.isClosedWhileFull ? ', closed' : ''}`
    rmSync(dir, { recursive: true, force: true })
    cpSync(model, dir, { recursive: true, preserveTimestamps: true })
    if (await scenario(t, disk, dir, place, where)) full += 1
    disk.clear()
  }
  t.diagnostic(`${PLACES.length} places, ${full} of them in want of room`)
  assert.ok(full * 3 > PLACES.length, 'the disk was full')
}

test('a segment that is full is followed by another one on a disk that is full too', async t => {
  const model = join(folder(t), 'ledger')
  const filling = await openLedger(optionsFor(model, SNAPSHOT))
  for (let n = 0; n < ALMOST; n += 8192)
    await Promise.all(Array.from({ length: Math.min(8192, ALMOST - n) }, (_, k) => filling.append(exit(n + k))))
  await ready(filling)
  await filling.checkpoint()
  await filling.close(10_000)
  await everywhere(t, '64m', model, rotates)
})

test('a prune on a disk that is full: it is done or not, and can be done later', async t => {
  const model = await manySegments(t, 2)
  const upTo = sealedSegments(model)[0]?.end ?? assert.fail()
  await everywhere(t, '16m', model, async (_t, disk, dir, { blocks, before, isClosedWhileFull }, where) => {
    const troubles: string[] = []
    let ledger = await open(t, dir, troubles)
    const told = new Told()
    await ready(ledger)
    for (let n = 0; n < before; n += 1) await told.of(order(ledger, n))
    // It is done with three.
    disk.fill(blocks % 5)
    const prune = () => ledger.prune({ upTo, archive: null, by: 'local:admin' })
    const isPruned = await ifThereIsRoom(prune)
    await wholeWhileFull(dir, where)
    if (isClosedWhileFull) {
      await ledger.close(5000)
      ledger = await open(t, dir, troubles)
      await wholeWhileFull(dir, `${where}, opened again`)
    }
    disk.clear()
    await until(`it records again, ${where}`, () => ledger.head().recording === 'ok', RECORDS_AGAIN_MS)
    await ready(ledger)
    const first = (): number => Number(readdirSync(join(dir, 'seg')).sort()[0]?.slice(0, 12))
    if (isPruned) assert.equal(first(), upTo, where)
    if (first() < upTo) await prune()
    assert.equal(first(), upTo, where)
    const entries = await goesOn(ledger, dir, told, where)
    assert.equal(entries[0]?.seq, upTo, where)
    assert.ok(entries.some(({ kind, data }) => kind === 'ledger.pruned' && data.upTo === upTo))
    return !isPruned
  })
})

test('an index for which there is no room is no forgery, and is made once there is', async t => {
  const model = await manySegments(t, 2)
  await everywhere(t, '16m', model, async (_t, disk, dir, { blocks }, where) => {
    disk.fill(blocks)
    const make = async (): Promise<void> => {
      const db = await openDatabase(indexPath(dir))
      try {
        await catchUp(db, dir)
      } finally {
        db.close()
      }
    }
    const isMade = await ifThereIsRoom(make)
    const verdict = existsSync(indexPath(dir)) ? await verifyIndex(dir) : null
    assert.ok(verdict === null || verdict.ok, where)
    disk.clear()
    await make()
    assert.deepEqual(await verifyIndex(dir), { ok: true }, where)
    return !isMade
  })
})
