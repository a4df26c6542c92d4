import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Ledger } from '../../../../core/ledger/ledger.ts'
import { openLedger } from '../../../../core/ledger/open.ts'
import { EMPTY_ROOT } from '../../../../core/ledger/tree/hash.ts'
import { treeKeeper } from '../../../../core/ledger/tree/keeper.ts'
import { inclusionProof, rootAt, verifyInclusion } from '../../../../core/ledger/tree/proof.ts'
import { openTreeFiles } from '../../../../core/ledger/tree/tree-files.ts'
import { until } from '../../../until.ts'
import { entriesIn, exit, folder, opened, optionsFor } from '../stand.ts'
import { latin1, naiveLeaf, naiveRoot } from './naive.ts'

/** The lines that count, read by nothing of the ledger's own. */
function linesIn(dir: string): string[] {
  const names = readdirSync(join(dir, 'seg')).sort()
  return names.flatMap((name, index) => {
    const end = Number(names[index + 1]?.slice(0, 12) ?? Number.POSITIVE_INFINITY) - Number(name.slice(0, 12))
    return readFileSync(join(dir, 'seg', name), 'utf8')
      .split('\n')
      .slice(0, -1)
      .slice(0, end)
  })
}

const rootOfLines = (lines: readonly string[]): string => latin1(naiveRoot(lines.map(naiveLeaf)))

async function caughtUp(ledger: Ledger): Promise<{ readonly size: number; readonly root: string }> {
  await until('the tree has caught up', () => ledger.tree() !== null)
  return ledger.tree() ?? assert.fail()
}

/** A closed ledger of several segments; a segment takes 64,000 entries and more, so there are many. */
async function long(t: TestContext, entries: number): Promise<string> {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  for (let n = 0; n < entries; n += 4096)
    await Promise.all(Array.from({ length: Math.min(4096, entries - n) }, (_, k) => ledger.append(exit(n + k))))
  await ledger.close(5000)
  return dir
}

test('the tree of what is written, entry by entry, is the one of the definition', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  for (let n = 0; n < 40; n++) {
    await ledger.append(exit(n))
    const { size, root } = await caughtUp(ledger)
    assert.equal(size, ledger.head().size)
    assert.equal(root, rootOfLines(linesIn(dir)))
  }
})

test('opened again, it goes on; the mark has its root', async t => {
  const dir = join(folder(t), 'ledger')
  for (let round = 0; round < 4; round++) {
    const ledger = await openLedger(optionsFor(dir))
    await Promise.all(Array.from({ length: 300 }, (_, n) => ledger.append(exit(n))))
    assert.equal((await caughtUp(ledger)).root, rootOfLines(linesIn(dir)))
    await ledger.close(2000)
    const { root } = JSON.parse(readFileSync(join(dir, 'head'), 'utf8')) as { root: string }
    assert.equal(Buffer.from(root, 'hex').toString('latin1'), rootOfLines(linesIn(dir)))
  }
})

test('over a rotation: the first entry of the segment tells the root, and the files hold every proof', async t => {
  const dir = await long(t, 70_000)
  const lines = linesIn(dir)
  const opened = entriesIn(dir).find(({ kind }) => kind === 'segment.opened')
  const tree = opened?.data.tree as { readonly size: number; readonly root: string }
  assert.equal(tree.size, opened?.seq)
  const files = openTreeFiles(dir)
  t.after(() => files.close())
  assert.equal(files.size, lines.length)
  assert.equal(Buffer.from(rootAt(tree.size, files.nodes), 'latin1').toString('hex'), tree.root)
  const root = rootAt(lines.length, files.nodes)
  for (const index of [0, 1, 255, 256, 65_535, 65_536, lines.length - 1]) {
    const leaf = latin1(naiveLeaf(lines[index] ?? ''))
    const proof = inclusionProof(index, lines.length, files.nodes)
    assert.ok(verifyInclusion({ leaf, index, size: lines.length, proof, root }), `entry ${index}`)
  }
})

test('after a sync the files hold all that had become durable before it', async t => {
  const dir = join(folder(t), 'ledger')
  mkdirSync(dir)
  const keeper = treeKeeper({ dir, onTrouble: assert.fail, onDamage: () => assert.fail() })
  t.after(() => keeper.close())
  keeper.begin(0)
  await keeper.caughtUp()
  keeper.follow({ first: 0, count: 3, bytes: Buffer.from('zero\none\ntwo\n') })
  await keeper.sync()
  const files = openTreeFiles(dir)
  t.after(() => files.close())
  assert.equal(files.size, 3)
  assert.equal(rootAt(3, files.nodes), rootOfLines(['zero', 'one', 'two']))
})

test('files that are lost, cut, full of zeros or changed are written anew, and nobody sees another root', async t => {
  const dir = await long(t, 66_000)
  const reference = openTreeFiles(dir)
  const size = linesIn(dir).length
  const root = rootAt(size, reference.nodes)
  reference.close()
  const file = (level: number): string => join(dir, 'tree', `${level}.bin`)
  const harms: Record<string, () => void> = {
    'all lost': () => rmSync(join(dir, 'tree'), { recursive: true }),
    'the leaves lost': () => rmSync(file(0)),
    'an upper level lost': () => rmSync(file(1)),
    'cut in the middle of a hash': () => truncateSync(file(0), 1_000_001),
    emptied: () => writeFileSync(file(1), ''),
    'full of zeros': () => writeFileSync(file(1), Buffer.alloc(statSync(file(1)).size)),
    'a bit flipped in an upper level': () => {
      const bytes = readFileSync(file(1))
      bytes[40] = (bytes[40] ?? 0) ^ 1
      writeFileSync(file(1), bytes)
    },
  }
  for (const [what, harm] of Object.entries(harms)) {
    harm()
    const ledger = await openLedger(optionsFor(dir))
    const head = await caughtUp(ledger)
    assert.deepEqual([head.size, head.root], [size, root], what)
    await ledger.close(5000)
    const files = openTreeFiles(dir)
    assert.equal(rootAt(size, files.nodes), root, what)
    files.close()
  }
})

test('an older segment that was changed: no root is told any more, and an alert is recorded', async t => {
  const dir = await long(t, 66_000)
  rmSync(join(dir, 'tree'), { recursive: true })
  const path = join(dir, 'seg', '000000000000.jsonl')
  const { mode } = statSync(path)
  const text = readFileSync(path, 'utf8').replace('"pid":77,', '"pid":78,')
  rmSync(path)
  writeFileSync(path, text, { mode })
  const ledger = await opened(t, dir)
  await until('the alert', () => entriesIn(dir).some(({ kind }) => kind === 'integrity.alert'))
  assert.equal(ledger.tree(), null)
  const alert = entriesIn(dir).find(({ kind }) => kind === 'integrity.alert')
  assert.match(String(alert?.data.why), /do not have the tree's root/)
})

test('a tree that can not be written costs nothing but itself', async t => {
  const dir = join(folder(t), 'ledger')
  const said: string[] = []
  const first = await openLedger(optionsFor(dir))
  await first.close(2000)
  rmSync(join(dir, 'tree'), { recursive: true, force: true })
  writeFileSync(join(dir, 'tree'), 'in the way')
  const ledger = await opened(t, dir, { onTrouble: what => void said.push(what) })
  for (let n = 0; n < 10; n++) assert.ok(await ledger.append(exit(n)))
  await until('it is said', () => said.length > 0)
  assert.match(said.join(), /the tree over the ledger is not kept/)
  assert.equal(ledger.tree(), null)
  assert.equal(ledger.head().recording, 'ok')
})

test('a ledger without an entry has the root of nothing, until its first', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  assert.notEqual(EMPTY_ROOT, (await caughtUp(ledger)).root)
  assert.equal((await caughtUp(ledger)).size, ledger.head().size)
  assert.ok(existsSync(join(dir, 'tree')))
})
