import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../core/cli/ledger.ts'
import { filterOf } from '../../../core/cli/ledger-filter.ts'
import { written } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

test('a kind that does not exist is wrong use, and the nearest one is named', () => {
  for (const [given, hint] of [
    ['service.exit', /Did you mean kind service\.exited\?/],
    ['servce', /Did you mean kind service\?/],
    ['xyzzyplugh', /The families are segment, daemon, config, service, /],
  ] as const)
    assert.throws(() => filterOf({ kind: [`daemon,${given}`] }, [], paperContext().context), {
      code: 'usage.kind',
      hint,
    })
  assert.deepEqual(filterOf({ kind: ['service', 'genesis,crashloop.detected'] }, [], paperContext().context), {
    kinds: ['service', 'genesis', 'crashloop.detected'],
  })
})

test('when nothing is found, a name that is not known is said, with the one that was meant', async t => {
  const state = dirname(await written(t, 3))
  mkdirSync(join(state, 'logs'))
  writeFileSync(join(state, 'logs/quiet.log'), '')
  const list = async (...flags: [name: string, value: string][]) => {
    const { context, out } = paperContext({ state })
    assert.equal(await run(context, ['list'], Object.fromEntries(flags)), 0)
    return out()
  }
  assert.equal(await list(['svc', 'apy']), 'No entry fits. No service "apy" is known here. Did you mean --svc api?\n')
  assert.equal(await list(['svc', 'else']), 'No entry fits. No service "else" is known here.\n')
  assert.equal(await list(['inc', 'api-9']), 'No entry fits. No incident "api-9" is known here.\n')
  assert.equal(await list(['svc', 'quiet']), 'No entry fits.\n', 'it has a log, so it is known')
  assert.equal(await list(['svc', 'api'], ['kind', 'incident']), 'No entry fits.\n')
  const json = paperContext({ state, json: true })
  await run(json.context, ['list'], { svc: 'apy' })
  assert.equal(json.out(), '')
  assert.match(json.err(), /Did you mean --svc api/)
})

test('a program that follows gets entries only; a damaged line is told beside them, and by the exit code', async t => {
  const dir = await written(t, 6)
  const path = join(dir, 'seg/000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":5,', '"pid":666,'))
  const ending = new AbortController()
  const { context, out, err } = paperContext({ state: dirname(dir), json: true, signal: ending.signal })
  const last = (text: string) => {
    context.out(text)
    if (text.includes('"pid":6,')) ending.abort()
  }
  assert.equal(await run({ ...context, out: last }, ['follow'], { from: '4' }), 1)
  const seqs = out().trimEnd().split('\n')
  assert.deepEqual(
    seqs.map(line => JSON.parse(line).seq),
    [4, 6],
  )
  assert.match(err(), /^heald: entry #5 is damaged: .* Run "heald ledger verify"\.\n$/)
})
