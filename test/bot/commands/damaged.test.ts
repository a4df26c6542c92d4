import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerOf } from '../../../bot/commands/table.ts'
import { createLinks } from '../../../bot/links.ts'
import type { Message } from '../../../bot/message.ts'
import { type AnswersOptions, createAnswers } from '../../../core/command/answers.ts'
import { cliApart } from '../../../core/command/cli-apart.ts'
import type { Args } from '../../../core/command/port.ts'
import type { Word } from '../../../core/command/words.ts'
import { written } from '../../core/ledger/stand.ts'

/*
 * What somebody has done to the ledger's files has to reach whoever asks in a chat: from the files, through the subcommand
 * that core runs for it, to the card.
 */

/** Asks as a chat does; the daemon is not there, the files are. */
function chatOf(dir: string): (word: Word, args?: Args) => Promise<Message> {
  const state = dirname(dir)
  const read = createAnswers({
    config: () => ({ notice: { logs: false } }),
    cli: cliApart({ state, socket: join(state, 'heald.sock') }),
  } as unknown as AnswersOptions)
  return async (word, args = {}) => {
    const from = { platform: 'slack', user: 'T01/U01', chat: 'C01' } as const
    const data = await read({ word, args, who: null, from })
    const showing = {
      ...{ place: { host: 'web-1', tz: 'UTC' }, nowMs: Date.now(), platform: 'slack' as const, line: word, page: 1 },
      ...{ links: createLinks(), hasLogs: false },
    }
    return answerOf({ reply: 'answer', word, args, data }, showing).message
  }
}

/** A ledger of genesis and nine entries of which #5 was changed afterwards, its hash not. */
async function forged(t: TestContext): Promise<string> {
  const dir = await written(t, 9)
  change(dir, '"pid":5,', '"pid":666,')
  return dir
}

function change(dir: string, from: string, to: string): void {
  const path = join(dir, 'seg/000000000000.jsonl')
  const text = readFileSync(path, 'utf8')
  assert.ok(text.includes(from))
  writeFileSync(path, text.replace(from, to))
}

test('an entry that was changed is not shown as one, but told to be damaged', async t => {
  const ask = chatOf(await forged(t))
  await assert.rejects(ask('show', { seq: '5' }), {
    code: 'entry.damaged',
    message: /^entry #5 is damaged: /,
    hint: /heald ledger verify/,
  })
  assert.match((await ask('show', { seq: '4' })).title, /^Entry #4: /)
})

test('what a subcommand printed before it said that something is bad is no answer, unless it tells so itself', async t => {
  const dir = await forged(t)
  const state = dirname(dir)
  const cli = cliApart({ state, socket: join(state, 'heald.sock') })
  const words = ['ledger', 'list']
  await assert.rejects(cli({ words }), { code: 'command.broken' })
  assert.match(await cli({ words, mayBeBad: true }), /"pid":4,/)
})
