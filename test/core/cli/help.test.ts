import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { test } from 'node:test'
import type { Subcommand } from '../../../core/cli/command.ts'
import { helpOn } from '../../../core/cli/help.ts'
import { run } from '../../../core/cli/ledger.ts'
import { LEDGER } from '../../../core/cli/ledger-rows.ts'
import { usageOf } from '../../../core/cli/usage.ts'
import { Fault } from '../../../core/fault.ts'
import { written } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

const STATUS: Subcommand = {
  name: 'status',
  usage: '',
  summary: '',
  options: {},
  load: () => import('../../../core/cli/status.ts'),
}

async function help(...words: string[]): Promise<string> {
  const { context, out } = paperContext()
  assert.equal(await helpOn(context, words, [LEDGER, STATUS]), 0)
  return out()
}

test('help on a word of a subcommand is the help on that subcommand', async () => {
  for (const verb of usageOf(LEDGER).verbs.keys()) assert.equal(await help('ledger', verb), await help('ledger'))
  await assert.rejects(help('ledger', 'folow'), { code: 'usage.words', message: '"heald ledger" has no "folow"' })
  await assert.rejects(help('ledger', 'show', 'list'), { code: 'usage.words', message: /not also "list"/ })
  await assert.rejects(help('status', 'a'), { code: 'usage.words', message: /not also "a"/ })
})

test('a hint names help that there is', async t => {
  const state = dirname(await written(t, 3))
  const wrong = [
    ['follow', 'x'],
    ['verify', state, 'x'],
    ['show', '1', 'x'],
    ['prune', 'x'],
    ['checkpoint', 'x'],
  ]
  for (const values of [{}, { commands: true }])
    for (const words of wrong) {
      if ('commands' in values && words[0] !== 'verify') continue
      const error = await run(paperContext({ state }).context, words, values).catch((error: unknown) => error)
      assert.ok(error instanceof Fault)
      const [, named = ''] = /"heald help ([^"]+)" says more/.exec(error.hint ?? '') ?? []
      assert.match(await help(...named.split(' ')), /^Usage: heald ledger /, error.hint)
    }
})
