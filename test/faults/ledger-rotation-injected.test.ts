import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLedger } from '../../core/ledger/open.ts'
import { verifyLedger } from '../../core/ledger/verify.ts'
import { entriesIn, exit, has, optionsFor } from '../core/ledger/stand.ts'
import { faultsAt, folder, judge, ROOT, runWriter, spreadOver, tracedCalls } from './ledger-stand.ts'

/*
 * A segment that is full is closed and another begun, checkpoints are signed and a key takes over from another: each system
 * call on the way fails in turn (EIO, ENOSPC), or the writer is killed in it. The next start has to be good, with all that
 * was acknowledged, and neither it nor a verification may raise an alarm.
 */
const INJECTIONS = Number(process.env.HEALD_SOAK_ROTATION_INJECTIONS ?? 4)
const CALLS = 'openat,read,pread64,write,pwrite64,fdatasync,fsync,rename,unlink,chmod,mkdir'
const PROGRAM = join(ROOT, 'test/fixtures/rotates-segment.ts')
/** A segment is full before its 65,536 entries, so that another batch would have room. */
const ALMOST = 64_502
const COUNT = 12

function strace(dir: string, trace: string, ...more: string[]): string[] {
  const firsts = [0, ...Array.from({ length: 24 }, (_, n) => 64_500 + n)]
  const segments = firsts.map(first => `seg/${String(first).padStart(12, '0')}.jsonl`)
  const files = ['checkpoint', 'head', 'state.json', 'keys/0.pem', 'keys/1.pem'].flatMap(name => [name, `${name}.tmp`])
  const handover = Array.from({ length: 30 }, (_, n) => `cp/${String(64_500 + n).padStart(12, '0')}.cp`)
  const paths = ['', 'seg', 'keys', 'cp', 'tree', ...files, 'tree/0.bin', 'tree/1.bin', 'tree/2.bin', ...segments]
  const only = [...paths, ...handover.flatMap(name => [name, `${name}.tmp`])].flatMap(path => ['-P', join(dir, path)])
  const which = ['-e', `trace=${CALLS}`, ...more]
  return ['env', 'UV_THREADPOOL_SIZE=1', 'strace', '-f', '-y', '-qq', '-o', trace, ...only, ...which]
}

test('a rotation, checkpoints and a new key, each call of which fails in turn: nothing is lost, and nothing alarms', async t => {
  if (!has('strace')) return t.skip('needs strace')
  if (!has('python3')) return t.skip('needs python3')
  const base = folder(t)
  const almost = join(base, 'almost')
  const filling = await openLedger(optionsFor(almost))
  for (let n = 0; n < ALMOST; n += 8192)
    await Promise.all(Array.from({ length: Math.min(8192, ALMOST - n) }, (_, k) => filling.append(exit(n + k))))
  await filling.settled()
  await filling.close(10_000)
  const begun = (name: string): string => {
    const dir = join(base, name)
    cpSync(almost, dir, { recursive: true })
    return dir
  }
  const trace = join(base, 'trace')
  const model = begun('model')
  const whole = await runWriter(model, { program: PROGRAM, count: COUNT, before: strace(model, trace) })
  assert.deepEqual([whole.code, whole.said.at(-1), whole.trouble], [0, 'ok', ''])
  const kinds = entriesIn(model).map(({ kind }) => kind)
  assert.ok(kinds.includes('segment.opened') && kinds.includes('key.rotated'))
  const places = tracedCalls(trace, model)
  for (const part of ['state.json', 'tree/0.bin', 'checkpoint', 'keys/1.pem', 'keys/0.pem', 'cp/', 'seg/00000006'])
    assert.ok(
      places.some(({ about }) => about.includes(`${model}/${part}`)),
      `${part} is touched`,
    )
  const chosen = spreadOver(faultsAt(places), INJECTIONS)
  const missed: string[] = []
  for (const [n, { name, nth, about, fault }] of chosen.entries()) {
    const dir = begun(`ledger-${n}`)
    const what = `${name} #${nth} ${fault} (${about})`
    const inject = ['-e', `inject=${name}:${fault}:when=${nth}`]
    const run = await runWriter(dir, {
      ...{ program: PROGRAM, count: COUNT, before: strace(dir, `${trace}-${n}`, ...inject) },
    })
    if (fault.startsWith('error')) {
      assert.deepEqual([run.code, run.said.at(-1)], [0, 'ok'], `${what}: ${run.trouble}`)
      if (!readFileSync(`${trace}-${n}`, 'utf8').includes('(INJECTED)')) missed.push(what)
    } else if (run.signal !== 'SIGKILL' && run.code !== 137) missed.push(what)
    const after = await runWriter(dir, { program: PROGRAM, count: 1 })
    assert.deepEqual([after.code, after.said.at(-1)], [0, 'ok'], `${what}: ${after.trouble}`)
    assert.deepEqual(
      after.said.filter(line => line.startsWith('refused')),
      [],
      `${what}: ${after.trouble}`,
    )
    assert.equal(await judge(dir, run.acked + after.acked), '', what)
    const { ok, firstBad, checked } = await verifyLedger(dir)
    assert.deepEqual([ok, firstBad, checked.checkpoints, checked.epochs], [true, null, true, true], what)
    const alarms = entriesIn(dir).filter(({ kind }) => kind === 'integrity.alert')
    assert.deepEqual(alarms, [], what)
    // Whoever steals the keys of today signs nothing of yesterday.
    const last = entriesIn(dir).findLast(({ kind }) => kind === 'genesis' || kind === 'key.rotated')
    assert.deepEqual(readdirSync(join(dir, 'keys')), [`${last?.data.epoch ?? 0}.pem`], what)
    rmSync(dir, { recursive: true })
    rmSync(`${trace}-${n}`)
  }
  t.diagnostic(`${places.length} places, ${chosen.length} faults tried, ${chosen.length - missed.length} struck`)
  assert.ok(missed.length * 5 <= chosen.length, `these struck nothing: ${missed.join('; ')}`)
})
