import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { archiveSegments } from '../../core/ledger/archive.ts'
import { prunable, type Sealed, sealedSegments } from '../../core/ledger/prune-plan.ts'
import { preparePrune } from '../../core/ledger/prune-prepare.ts'
import { verifyLedger } from '../../core/ledger/verify.ts'
import { manySegments, reopened } from '../core/ledger/many-segments.ts'
import { entriesIn } from '../core/ledger/stand.ts'
import { folder, ROOT } from './ledger-stand.ts'

/*
 * Two that archive one ledger into one folder at once, the second of them often to prune it; one of them, or both, are
 * killed at some moment. Every segment is whole in the ledger or in the archive then, what has a name in the archive is
 * whole, what the ledger says is true, and the next prune and the next archive end well.
 */
const KILLS = Number(process.env.HEALD_SOAK_ARCHIVE_KILLS ?? 3)
const SEGMENTS = 3

interface Run {
  readonly pid: number
  kill(): void
  readonly ended: Promise<{ readonly said: string; readonly isKilled: boolean; readonly code: number | null }>
}

function heald(state: string, ...words: readonly string[]): Run {
  const argv = [join(ROOT, 'heald.ts'), '--state', state, 'ledger', ...words, '--json']
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGTERM',
    env: { ...process.env, NO_COLOR: '1' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  return {
    pid: child.pid ?? -1,
    kill: () => void child.kill('SIGKILL'),
    ended: once(child, 'close').then(([code, signal]) => ({ said, code, isKilled: signal === 'SIGKILL' })),
  }
}

/** Calls `then` at the `nth` change of a name or a content in these folders; answers how many there were. */
function atChange(t: TestContext, folders: readonly string[], nth: number, then: () => void): () => number {
  let seen = 0
  const watchers = folders.map(each =>
    watch(each, () => {
      seen += 1
      if (seen === nth) then()
    }),
  )
  const end = (): void => {
    for (const each of watchers) each.close()
  }
  t.after(end)
  return () => {
    end()
    return seen
  }
}

/** Checks the archive as it lies; the names of the segments in it. */
function archivedIn(to: string, sealed: readonly Sealed[], where: string): ReadonlySet<string> {
  const files = readdirSync(to)
  const whole = files.filter(each => each.endsWith('.zst'))
  for (const file of whole) {
    const segment =
      sealed.find(({ file: { name } }) => file === `${name}.jsonl.zst`) ?? assert.fail(`${where}: ${file}`)
    assert.equal(hash('sha256', zstdDecompressSync(readFileSync(join(to, file))), 'hex'), segment.sha256, where)
  }
  for (const list of files.filter(each => each.endsWith('.sha256')))
    for (const line of readFileSync(join(to, list), 'utf8').split('\n').slice(0, -1)) {
      const [sha256, file = ''] = line.split('  ')
      assert.equal(
        hash('sha256', readFileSync(join(to, file)), 'hex'),
        sha256,
        `${where}: ${list} says another ${file}`,
      )
    }
  const others = files.filter(each => !/^\d{12}(\.jsonl\.zst|-\d{12}\.sha256)(\.[0-9a-f]{12}\.tmp)?$/.test(each))
  assert.deepEqual(others, [], where)
  return new Set(whole.map(each => each.slice(0, 12)))
}

/** Nothing is in neither place, and what the ledger tells of an archive is so. */
async function judge(dir: string, to: string, sealed: readonly Sealed[], where: string): Promise<void> {
  const archived = archivedIn(to, sealed, where)
  for (const { file, validBytes, sha256 } of sealed) {
    const path = join(dir, 'seg', `${file.name}.jsonl`)
    if (!existsSync(path)) assert.ok(archived.has(file.name), `${where}: segment ${file.name} is lost`)
    else assert.equal(hash('sha256', readFileSync(path).subarray(0, validBytes), 'hex'), sha256, where)
  }
  const verdict = await verifyLedger(dir)
  assert.ok(verdict.ok || verdict.torn, `${where}: ${verdict.firstBad?.why}`)
  const lists = readdirSync(to).filter(each => each.endsWith('.sha256'))
  const sums = lists.map(each => hash('sha256', readFileSync(join(to, each)), 'hex'))
  for (const { kind, data } of entriesIn(dir)) {
    assert.notEqual(kind, 'integrity.alert', where)
    if (kind === 'ledger.pruned') assert.ok(sums.includes(String((data.archive as { sha256: string }).sha256)), where)
  }
}

/** The next archive and the next prune: all that may go is in the archive only then, whole. */
async function endsWell(t: TestContext, dir: string, to: string, model: readonly Sealed[], where: string) {
  const left = sealedSegments(dir)
  if (left.length > 0) assert.equal((await archiveSegments(to, left)).segments, left.length, where)
  const ledger = await reopened(t, dir, { fsync: true })
  // A prune whose entry a killed one has written is ended by who opens the ledger next.
  const going = prunable(sealedSegments(dir))
  if (going.length > 0) {
    const made = await preparePrune(dir, going, to)
    assert.ok('archived' in made && made.archived !== null, where)
    await ledger.prune({ upTo: going.at(-1)?.end ?? -1, archive: made.archived, by: 'local:admin' })
  }
  await ledger.checkpoint()
  await ledger.close(5000)
  await judge(dir, to, model, `${where}, and then`)
  const { ok, firstBad, prunedUpTo } = await verifyLedger(dir)
  assert.deepEqual([ok, prunedUpTo], [true, model.at(-1)?.end], `${where}: ${firstBad?.why}`)
  assert.deepEqual(sealedSegments(dir), [], where)
}

test('two archivers at once, killed at any moment: no segment is lost, and nothing false is told', async t => {
  const model = await manySegments(t, SEGMENTS, 300)
  const sealed = sealedSegments(model)
  const upTo = sealed.at(-1)?.end ?? assert.fail()
  const base = folder(t)
  const sum = { killed: 0, refused: 0, pruned: 0 }
  let most = 0

  /** Answers how many changes there were. */
  async function round(name: string, kind: 'archive' | 'prune', killAt: number, victims: number): Promise<number> {
    const [state, to] = [join(base, name), join(base, `${name}-archive`)]
    const dir = join(state, 'ledger')
    cpSync(model, dir, { recursive: true, preserveTimestamps: true })
    mkdirSync(to)
    const where = `${name}: archive and ${kind}, killed ${['the first', 'the second', 'both'][victims]} at change ${killAt}`
    const runs: readonly Run[] = [
      heald(state, 'archive', to),
      kind === 'archive'
        ? heald(state, 'archive', to)
        : heald(state, 'prune', '--to', String(upTo - 1), '--archive', to),
    ]
    const changes = atChange(t, [to, dir, join(dir, 'seg')], killAt, () => {
      for (const [index, run] of runs.entries()) if (victims === 2 || victims === index) run.kill()
    })
    const ended = await Promise.all(runs.map(run => run.ended))
    for (const { code, said, isKilled } of ended) {
      if (isKilled) sum.killed += 1
      else if (code === 0) assert.doesNotMatch(said, /rror/, where)
      else {
        // What a prune took while it was read.
        assert.match(said, /ledger\.pruned/, `${where}: ${said}`)
        sum.refused += 1
      }
    }
    await judge(dir, to, sealed, where)
    if ((sealedSegments(dir)[0]?.file.first ?? upTo) > 0) sum.pruned += 1
    await endsWell(t, dir, to, sealed, where)
    return changes()
  }

  const never = Number.POSITIVE_INFINITY
  for (const kind of ['archive', 'prune'] as const) most = Math.max(most, await round(`whole-${kind}`, kind, never, 2))
  assert.equal(sum.killed, 0)
  for (let n = 0; n < KILLS; n += 1) {
    // Spread over all moments: each round begins somewhere else, as the golden ratio does.
    const killAt = 1 + Math.floor(((n * 0.618_034) % 1) * most * 0.9)
    await round(`killed-${n}`, n % 3 === 2 ? 'archive' : 'prune', killAt, n % 3 === 0 ? 1 : n % 2 === 0 ? 2 : 0)
  }
  t.diagnostic(
    `${KILLS} rounds over ${most} changes: ${sum.killed} killed, ${sum.pruned} pruned by them, ${sum.refused} told of a prune`,
  )
  assert.ok(sum.killed * 2 >= KILLS, 'they were killed')
})
