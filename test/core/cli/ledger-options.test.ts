import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Values } from '../../../core/cli/command.ts'
import { run } from '../../../core/cli/ledger.ts'
import { OPTIONS_OF } from '../../../core/cli/ledger-options.ts'
import { LEDGER } from '../../../core/cli/ledger-rows.ts'
import { usageOf } from '../../../core/cli/usage.ts'
import { codeOf, Fault } from '../../../core/fault.ts'
import { manySegments } from '../ledger/many-segments.ts'
import { entriesIn } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

test('an option that a word does not take is refused, with those that it takes, and nothing is done', async t => {
  const dir = await manySegments(t, 2)
  const state = dirname(dir)
  const seq = String(entriesIn(dir).find(({ data }) => data.tail !== undefined)?.seq ?? assert.fail())
  const before = entriesIn(dir).length
  const to = join(state, 'to')
  const cases: [words: string[], values: Values, problem: RegExp, hint: RegExp][] = [
    [['erase', seq], { 'dry-run': true }, /^"heald ledger erase" has no option --dry-run$/, /takes none/],
    [['archive', to], { 'dry-run': true }, /"heald ledger archive" has no option --dry-run/, /--until, --to/],
    [['archive', to], { svc: 'api' }, /"heald ledger archive" has no option --svc/, /--until, --to/],
    [['export', to], { to: '10' }, /"heald ledger export" has no option --to/, /takes none/],
    [['check', '#1·aaaaaaaaaaaaaaaaaaaaaaaaaa'], { checkpoint: ['/none'] }, /no option --checkpoint/, /--key/],
    [['prove', '3'], { key: ['bad'] }, /no option --key/, /takes none/],
    [['show', '3'], { limit: '3' }, /no option --limit/, /takes none/],
    [['list'], { key: ['nonsense'] }, /no option --key/, /--kind, .*--limit/],
    [['follow'], { svc: 'api' }, /no option --svc/, /--from/],
    [['checkpoint'], { index: true }, /no option --index/, /takes none/],
    [['verify'], { receipt: ['x'] }, /"heald ledger verify" has no option --receipt/, /--commands and --receipt/],
    [
      ['verify'],
      { commands: true, index: true },
      /"heald ledger verify --commands" has no option --index/,
      /--receipt/,
    ],
    [['prune'], { 'no-archive': true, to: '5', actor: 'x' }, /"heald ledger prune" has no option --actor/, /--dry-run/],
  ]
  for (const [words, values, problem, hint] of cases)
    await assert.rejects(
      run(paperContext({ state }).context, words, values),
      (error: unknown) =>
        error instanceof Fault &&
        codeOf(error) === 'usage.option' &&
        problem.test(error.message) &&
        hint.test(error.hint ?? ''),
      `${words.join(' ')} ${JSON.stringify(values)}`,
    )
  assert.deepEqual([existsSync(to), entriesIn(dir).length], [false, before])
  const shown = paperContext({ state })
  await run(shown.context, ['show', seq], {})
  assert.match(shown.out(), /password 0/)
})

test('each word of the usage line has its options, and each option has a word', () => {
  assert.deepEqual([...usageOf(LEDGER).verbs.keys()].sort(), Object.keys(OPTIONS_OF).sort())
  const taken = new Set([...Object.values(OPTIONS_OF).flat(), 'receipt'])
  assert.deepEqual([...taken].sort(), Object.keys(LEDGER.options).sort())
})
