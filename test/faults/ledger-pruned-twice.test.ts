import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { zstdDecompressSync } from 'node:zlib'
import { sealedSegments } from '../../core/ledger/prune-plan.ts'
import { verifyLedger } from '../../core/ledger/verify.ts'
import { manySegments } from '../core/ledger/many-segments.ts'
import { entriesIn } from '../core/ledger/stand.ts'
import { folder, ROOT } from './ledger-stand.ts'

/*
 * Two that prune one ledger at once, or one beside an archiver, where no daemon runs. Each is done, or says in its own words
 * that another was before it; what was answered is so, nothing else is missing, and who was refused ends well when he asks again.
 */
const ROUNDS = Number(process.env.HEALD_SOAK_PRUNES_AT_ONCE ?? 4)

/** How one ends that came too late. */
const CLEAN = ['done', 'ledger.locked', 'ledger.pruned', 'prune.place']

/** Of what a command prints with `--json`. */
interface Answer {
  readonly upTo?: number
  readonly seq?: number
}

interface Ended {
  readonly code: number | null
  readonly said: string
}

async function heald(state: string, afterMs: number, words: readonly string[]): Promise<Ended> {
  await sleep(afterMs)
  const argv = [join(ROOT, 'heald.ts'), '--state', state, 'ledger', ...words, '--json']
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...{ timeout: 60_000, killSignal: 'SIGKILL', env: { ...process.env, NO_COLOR: '1' } },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said }
}

test('two that prune at once, or beside an archiver, without a daemon', async t => {
  const model = await manySegments(t, 3, 100)
  const sealed = sealedSegments(model)
  const before = entriesIn(model)
  const ends = sealed.map(({ end }) => end)
  const base = folder(t)
  const sum: Record<string, number> = {}
  for (let round = 0; round < ROUNDS; round += 1) {
    const [state, to] = [join(base, `state-${round}`), join(base, `archive-${round}`)]
    const dir = join(state, 'ledger')
    cpSync(model, dir, { recursive: true, preserveTimestamps: true })
    const prune = (end = -1): string[] => ['prune', '--to', String(end - 1), '--archive', to]
    const pairs: [string[], string[]][] = [
      [prune(ends[2]), prune(ends[2])],
      [prune(ends[1]), prune(ends[2])],
      [prune(ends[2]), prune(ends[0])],
      [prune(ends[2]), ['archive', to]],
    ]
    const [one, two] = pairs[round % pairs.length] ?? assert.fail()
    // Another part of the one's life each time, as the golden ratio spreads them.
    const afterMs = ((round * 0.618_034) % 1) * 600
    const where = `round ${round}: ${one.join(' ')}, and after ${afterMs.toFixed()} ms ${two.join(' ')}`
    const both = await Promise.all([heald(state, 0, one), heald(state, afterMs, two)])
    for (const { code, said } of both) {
      const what = code === 0 ? 'done' : (/"code":"([a-z.]+)"/.exec(said)?.[1] ?? said)
      assert.ok(CLEAN.includes(what), `${where}: ${code} ${said}`)
      assert.equal(said.trimEnd().split('\n').length, 1, `${where}: one document, and nothing else: ${said}`)
      if (what === 'ledger.locked') assert.match(said, /a command, such as a prune, ends by itself/, where)
      sum[what] = (sum[what] ?? 0) + 1
    }
    const answered = both.map(({ said }, index) => ({ words: [one, two][index], ...(JSON.parse(said) as Answer) }))
    const prunes = answered.filter(({ words, upTo }) => words?.[0] === 'prune' && upTo !== undefined)
    assert.ok(prunes.length > 0, `${where}: none pruned`)
    const upTo = Math.max(...prunes.map(each => each.upTo ?? 0))

    const judge = async (begin: number): Promise<void> => {
      const verdict = await verifyLedger(dir)
      assert.deepEqual([verdict.ok, verdict.prunedUpTo], [true, begin], `${where}: ${verdict.firstBad?.why}`)
      const entries = entriesIn(dir)
      assert.deepEqual([entries[0]?.seq, entries.some(({ kind }) => kind === 'integrity.alert')], [begin, false], where)
      const hashes = new Set(entries.map(({ h }) => h))
      assert.ok(
        before.every(({ seq, h }) => seq < begin || hashes.has(h)),
        `${where}: entries are missing`,
      )
      const left = readdirSync(join(dir, 'side')).filter(name => Number(name.slice(0, 12)) < begin)
      assert.deepEqual([left, existsSync(join(dir, 'pruning'))], [[], false], where)
      for (const { file, end, sha256 } of sealed.filter(each => each.end <= begin))
        assert.equal(
          hash('sha256', zstdDecompressSync(readFileSync(join(to, `${file.name}.jsonl.zst`))), 'hex'),
          sha256,
          `${where}: the archive of all before #${end}`,
        )
      const lists = readdirSync(to).filter(name => name.endsWith('.sha256'))
      const sums = lists.map(name => hash('sha256', readFileSync(join(to, name)), 'hex'))
      for (const { kind, data } of entries)
        if (kind === 'ledger.pruned')
          assert.ok(sums.includes((data.archive as { sha256: string }).sha256), `${where}: told of an archive`)
    }
    await judge(upTo)
    const told = entriesIn(dir).filter(({ kind }) => kind === 'ledger.pruned')
    assert.equal(told.length, new Set(prunes.map(each => each.upTo)).size, `${where}: each prune is told of once`)
    for (const { seq, upTo: end } of prunes)
      assert.ok(
        told.some(each => each.seq === seq && each.data.upTo === end),
        where,
      )
    // Who was refused asks again.
    let begin = upTo
    for (const [index, { code }] of both.entries()) {
      if (code === 0) continue
      const words = [one, two][index] ?? []
      const { code: again, said } = await heald(state, 0, words)
      assert.equal(again, 0, `${where}, once more: ${said}`)
      if (words[0] === 'prune') begin = Math.max(begin, Number(words[2]) + 1)
    }
    await judge(begin)
  }
  t.diagnostic(`${ROUNDS} rounds: ${JSON.stringify(sum)}`)
  if (ROUNDS > 20) assert.ok(Object.keys(sum).length > 1, 'one was in the way of the other')
})
