import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseVkey } from '../../core/ledger/note.ts'
import { sealedSegments } from '../../core/ledger/prune-plan.ts'
import { verifyLedger } from '../../core/ledger/verify.ts'
import { manySegments, reopened } from '../core/ledger/many-segments.ts'
import { entriesIn, has } from '../core/ledger/stand.ts'
import { faultsAt, folder, mustCall, ROOT, spreadOver, tracedCalls } from './ledger-stand.ts'

/*
 * A prune and an erasure are killed in each system call by which they reach the disk, or the call fails (EIO, ENOSPC). The
 * ledger has to be whole then, as it lies there and after the next start; what was answered is done, what was begun is done
 * or not, and nothing else is missing.
 */
const INJECTIONS = Number(process.env.HEALD_SOAK_PRUNE_INJECTIONS ?? 12)
const CALLS = ['openat', 'write', 'pwrite64', 'fdatasync', 'fsync', 'rename', 'unlink']
const SECRET = 'password 3'

function strace(dir: string, trace: string, ...more: string[]): string[] {
  const files = [
    'base.json',
    'base.json.tmp',
    'base-state.json',
    'base-state.json.tmp',
    'pruning',
    'pruning.tmp',
    'checkpoint.tmp',
  ]
  const inside = ['seg', 'side'].flatMap(name => [name, ...readdirSync(join(dir, name)).map(file => join(name, file))])
  const orders = ['erase', 'erase.tmp'].map(end => `side/${erasedIn(dir)}.${end}`)
  const only = ['.', ...files, ...inside, ...orders].flatMap(path => ['-P', join(dir, path)])
  const head = ['env', 'UV_THREADPOOL_SIZE=1', 'strace', '-f', '-y', '-qq', '-o', trace]
  return [...head, ...only, '-e', `trace=${CALLS.join(',')}`, ...more]
}

/** Seq of the entry whose text is erased, in the segment that stays. */
function erasedIn(dir: string): number {
  const found = entriesIn(dir).findLast(({ data }) => data.tail !== undefined)
  return found?.seq ?? assert.fail('no entry has a text kept aside')
}

async function run(dir: string, before: readonly string[], upTo: number): Promise<readonly string[]> {
  const [command = '', ...args] = [
    ...before,
    ...[process.execPath, join(ROOT, 'test/fixtures/prunes.ts'), dir, String(upTo), String(erasedIn(dir))],
  ]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000, killSignal: 'SIGKILL' })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  await once(child, 'close')
  return out.split('\n').slice(0, -1)
}

test('a prune and an erasure, struck in each call to the disk, leave a whole ledger', async t => {
  if (!has('strace')) return t.skip('needs strace')
  const model = await manySegments(t, 3)
  const upTo = sealedSegments(model)[1]?.end ?? assert.fail()
  const before = entriesIn(model)
  const vkey = (await verifyLedger(model)).vkeys.at(-1) ?? assert.fail()
  const trust = { keys: [parseVkey(vkey) ?? assert.fail()], checkpoints: [] }
  const base = folder(t)
  const copied = (name: string): string => {
    cpSync(model, join(base, name), { recursive: true, preserveTimestamps: true })
    return join(base, name)
  }
  const clean = copied('clean')
  const trace = join(base, 'trace')
  assert.deepEqual(await run(clean, strace(clean, trace), upTo), ['erased', 'pruned', 'appended', 'ok'])
  const places = tracedCalls(trace, clean)
  mustCall(places, ['rename', 'unlink', 'fsync', 'write'])
  const chosen = spreadOver(faultsAt(places), INJECTIONS)
  let struck = 0
  for (const [index, { name, nth, about, fault }] of chosen.entries()) {
    const dir = copied(`ledger-${index}`)
    const what = `${name} #${nth} ${fault} (${about})`
    const inject = ['-e', `inject=${name}:${fault}:when=${nth}`]
    const said = await run(dir, strace(dir, `${trace}-${index}`, ...inject), upTo)
    struck += /INJECTED|SIGKILL/.test(readFileSync(`${trace}-${index}`, 'utf8')) ? 1 : 0
    const asItLies = await verifyLedger(dir, { trust })
    assert.ok(asItLies.ok || asItLies.torn, `${what}, as it lies: ${asItLies.firstBad?.why}`)

    const troubles: string[] = []
    const ledger = await reopened(t, dir, { fsync: true, onTrouble: trouble => troubles.push(trouble) })
    await ledger.append({ kind: 'config.applied', data: { sha256: 'y' } })
    await ledger.checkpoint()
    await ledger.close(2000)
    assert.deepEqual(troubles, [], what)
    const verdict = await verifyLedger(dir, { trust })
    assert.equal(verdict.firstBad, null, `${what}, started again: ${verdict.firstBad?.why}`)
    const entries = entriesIn(dir)
    assert.ok(!entries.some(({ kind }) => kind === 'integrity.alert'), `${what}: a false alarm`)
    const from = entries[0]?.seq ?? assert.fail()
    assert.equal(from, verdict.prunedUpTo, `${what}: half a prune`)
    if (said.includes('pruned')) assert.equal(from, upTo, `${what}: it was answered`)
    assert.ok([0, upTo].includes(from), what)
    const hashes = new Set(entries.map(({ h }) => h))
    const missing = before.filter(({ seq, h }) => seq >= from && !hashes.has(h))
    assert.deepEqual(missing, [], `${what}: these are missing`)
    const left = readdirSync(join(dir, 'side')).filter(file => Number(file.slice(0, 12)) < from)
    assert.deepEqual(left, [], `${what}: texts of entries that are gone`)
    const texts = readdirSync(join(dir, 'side')).map(file => readFileSync(join(dir, 'side', file), 'utf8'))
    const isThere = texts.some(text => text.includes(SECRET))
    const isTold = entries.some(({ kind }) => kind === 'ledger.erased')
    assert.ok(said.includes('erased') ? isTold && !isThere : isTold !== isThere, `${what}: erased by half`)
  }
  assert.ok(struck * 5 >= chosen.length * 4, `only ${struck} of ${chosen.length} struck`)
  t.diagnostic(`${chosen.length} faults over ${places.length} calls, ${struck} struck`)
})
