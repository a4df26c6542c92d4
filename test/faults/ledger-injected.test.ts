import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { entriesIn, has } from '../core/ledger/stand.ts'
import { faultsAt, folder, judge, runWriter, spreadOver, tracedCalls } from './ledger-stand.ts'

/*
 * Each system call by which the ledger reaches the disk fails in turn (EIO, ENOSPC), or the writer is killed in it; then
 * the independent judge reads the folder. One thread in the pool, so that the calls come in the same order every time.
 */
const INJECTIONS = Number(process.env.HEALD_SOAK_LEDGER_INJECTIONS ?? 14)
const CALLS = 'openat,write,fdatasync,fsync,rename'

/** strace over the calls that touch the ledger's files only. */
function strace(dir: string, trace: string, ...more: string[]): string[] {
  const segments = Array.from({ length: 40 }, (_, n) => `seg/${String(n).padStart(12, '0')}.jsonl`)
  const paths = ['seg', 'side', 'aside', 'head', 'head.tmp', 'lock.pid', 'side/000000000000.jsonl', ...segments]
  const only = paths.flatMap(path => ['-P', join(dir, path)])
  return [
    'env',
    'UV_THREADPOOL_SIZE=1',
    'strace',
    '-f',
    '-y',
    '-qq',
    '-o',
    trace,
    ...only,
    '-e',
    `trace=${CALLS}`,
    ...more,
  ]
}

test('every call to the disk fails in turn, and nothing acknowledged is lost', async t => {
  if (!has('strace')) return t.skip('needs strace')
  if (!has('python3')) return t.skip('needs python3')
  const base = folder(t)
  const trace = join(base, 'trace')
  const model = join(base, 'model')
  const whole = await runWriter(model, { count: 3, before: strace(model, trace) })
  assert.deepEqual([whole.code, whole.said.at(-1)], [0, 'ok'], whole.trouble)
  const places = tracedCalls(trace, model)
  for (const name of CALLS.split(','))
    assert.ok(
      places.some(place => place.name === name),
      `the writer calls ${name}`,
    )
  const chosen = spreadOver(faultsAt(places), INJECTIONS)
  const missed: string[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let index = next++; index < chosen.length; index = next++) {
      const { name, nth, about, fault } = chosen[index] ?? assert.fail()
      const dir = join(base, `ledger-${index}`)
      const what = `${name} #${nth} ${fault} (${about})`
      const run = await runWriter(dir, {
        count: 3,
        before: strace(dir, `${trace}-${index}`, '-e', `inject=${name}:${fault}:when=${nth}`),
      })
      if (fault.startsWith('error')) {
        assert.deepEqual([run.code, run.said.at(-1)], [0, 'ok'], `${what}: ${run.trouble}`)
        // Two threads count for themselves, so that a fault may have struck twice.
        const struck = readFileSync(`${trace}-${index}`, 'utf8').split('(INJECTED)').length - 1
        const refused = run.said.filter(line => line.startsWith('refused'))
        if (struck === 0) missed.push(what)
        assert.ok(struck > 1 || refused.length === 0, `${what}: one failure refuses nothing`)
        assert.equal(await judge(dir, run.acked), '', what)
      } else {
        assert.equal(
          await judge(dir, run.acked, '--live').then(said => said.replace(/.*No such file.*/s, '')),
          '',
          what,
        )
        const after = await runWriter(dir, { count: 1 })
        assert.deepEqual([after.code, after.said.at(-1)], [0, 'ok'], `${what}: ${after.trouble}`)
        assert.equal(await judge(dir, run.acked + after.acked), '', what)
      }
    }
  }
  await Promise.all([work(), work()])
  // The mark is written at its own time, so that a run may make a call or two less than the model.
  assert.ok(missed.length * 5 <= chosen.length, `these struck nothing: ${missed.join('; ')}`)
})

for (const [call, code] of [
  ['fdatasync', 'EIO'],
  ['write', 'ENOSPC'],
] as const) {
  test(`${call} fails again and again (${code}): orders are refused, health waits, the gap is told`, async t => {
    if (!has('strace')) return t.skip('needs strace')
    const base = folder(t)
    const dir = join(base, 'ledger')
    const inject = ['-e', `inject=${call}:error=${code}:when=4..7`]
    const run = await runWriter(dir, { count: 6, before: strace(dir, join(base, 'trace'), ...inject) })
    assert.deepEqual([run.code, run.said.at(-1)], [0, 'ok'], run.trouble)
    assert.ok(run.said.includes('refused ledger.degraded'), run.said.join('\n'))
    assert.match(run.trouble, /Healing goes on/)
    assert.equal(await judge(dir, run.acked), '')
    const gaps = entriesIn(dir).filter(entry => entry.kind === 'ledger.gap')
    assert.ok(
      gaps.some(gap => Number(gap.data.refused) > 0 && gap.data.code === code),
      JSON.stringify(gaps),
    )
  })
}
