import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { indexPath } from '../../core/ledger/index/database.ts'
import { verifyIndex } from '../../core/ledger/index/verify-index.ts'
import { listEntries } from '../../core/ledger/list.ts'
import { mixed } from '../core/ledger/mixed-ledger.ts'
import { has, ROOT } from '../core/ledger/stand.ts'
import { faultsAt, folder, spreadOver, tracedCalls } from './ledger-stand.ts'

/*
 * Each system call by which the index reaches the disk fails in turn, or the process is killed in it: while the index is
 * made, and while one that is there is brought up to date. The answer has to be the one of the files all the same, and what
 * is left behind must neither stop the next search nor look like a forgery.
 */
const INJECTIONS = Number(process.env.HEALD_SOAK_INDEX_INJECTIONS ?? 6)
const CALLS = 'openat,pread64,pwrite64,fdatasync,fsync,ftruncate,unlink,fcntl,chmod'
const WORD = 'jürgen'

interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly said: string
}

async function search(dir: string, before: readonly string[] = []): Promise<Run> {
  const argv = [...before, process.execPath, join(ROOT, 'test/fixtures/asks-index.ts'), dir, WORD]
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, said: said.trim() }
}

function strace(dir: string, trace: string, ...more: string[]): string[] {
  const only = ['', '-wal', '-journal'].flatMap(end => ['-P', indexPath(dir) + end])
  return ['strace', '-f', '-y', '-qq', '-o', trace, ...only, '-e', `trace=${CALLS}`, ...more]
}

test('every call for the index fails in turn: the answer is that of the files, and the next search works', async t => {
  if (!has('strace')) return t.skip('needs strace')
  const base = folder(t)
  const whole = join(base, 'whole')
  await mixed(whole, 16_000)
  const right = await listEntries(whole, { text: WORD }, { limit: 40 })
  const wanted = JSON.stringify([right.rows.map(({ entry }) => entry.seq), []])
  /** The same entries, with what is there of an index. */
  const ledger = (name: string, from: string | null): string => {
    const dir = join(base, name)
    mkdirSync(dir, { mode: 0o700 })
    symlinkSync(join(whole, 'seg'), join(dir, 'seg'))
    if (from !== null) cpSync(indexPath(from), indexPath(dir))
    return dir
  }
  const half = ledger('half', null)
  const trace = join(base, 'trace')
  const first = await search(half, strace(half, trace))
  assert.deepEqual([first.code, first.said], [0, wanted])
  const making = tracedCalls(trace, half)
  assert.deepEqual(await verifyIndex(half), { ok: true })
  await mixed(whole, 9000)
  const later = await listEntries(whole, { text: WORD }, { limit: 40 })
  const wantedLater = JSON.stringify([later.rows.map(({ entry }) => entry.seq), []])
  const model = ledger('model', half)
  assert.equal((await search(model, strace(model, trace))).said, wantedLater)
  const adding = tracedCalls(trace, model)
  for (const name of ['openat', 'pread64', 'pwrite64', 'fsync', 'fcntl', 'unlink'])
    assert.ok(
      making.some(call => call.name === name),
      `${name} is called`,
    )
  const faults = ([null, half] as const).flatMap(from =>
    faultsAt(from === null ? making : adding).map(fault => ({ ...fault, from })),
  )
  const chosen = spreadOver(faults, INJECTIONS)
  let struck = 0
  for (const [n, { name, nth, about, fault, from }] of chosen.entries()) {
    const dir = ledger(`ledger-${n}`, from)
    const what = `${from === null ? 'made' : 'brought up to date'}: ${name} #${nth} ${fault} (${about})`
    const run = await search(dir, strace(dir, `${trace}-${n}`, '-e', `inject=${name}:${fault}:when=${nth}`))
    if (fault.startsWith('error')) {
      assert.deepEqual([run.code, run.said], [0, wantedLater], what)
      if (readFileSync(`${trace}-${n}`, 'utf8').includes('(INJECTED)')) struck += 1
    } else if (run.signal === 'SIGKILL' || run.code === 137) struck += 1
    const verdict = existsSync(indexPath(dir)) ? await verifyIndex(dir) : null
    assert.ok(verdict === null || verdict.ok, `${what}: ${JSON.stringify(verdict)}`)
    const next = await search(dir)
    assert.deepEqual([next.code, next.said], [0, wantedLater], what)
    assert.deepEqual(await verifyIndex(dir), { ok: true }, what)
    const left = readdirSync(dir).filter(each => each.startsWith('index.db'))
    assert.deepEqual(left, ['index.db'], what)
    rmSync(dir, { recursive: true })
    rmSync(`${trace}-${n}`)
  }
  t.diagnostic(`${faults.length} places, ${chosen.length} tried, ${struck} struck`)
  assert.ok(struck * 5 >= chosen.length * 4)
})
