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

const links = createLinks()

function textOf({ blocks }: Message): string {
  return blocks.map(block => (block.block === 'text' || block.block === 'log' ? block.text : '')).join('\n')
}

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
      ...{ links, hasLogs: false },
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

test('a page of the ledger tells of the entries that are damaged, also where there is no other', async t => {
  const dir = await forged(t)
  const ask = chatOf(dir)
  const page = await ask('ledger', { filter: 'seq:4..6' })
  const shown = page.blocks.flatMap(block => (block.block === 'steps' ? block.steps.map(({ offset }) => offset) : []))
  assert.deepEqual(shown, ['#6', '#4'])
  assert.equal(page.tone, 'warning')
  assert.match(textOf(page), /^⚠️ 1 entry here is damaged and not shown: #5\. \/heald verify says more\.$/m)
  assert.ok(page.buttons.flat().some(({ label }) => label === 'Verify'))
  change(dir, '"pid":4,', '"pid":4444,')
  const none = await ask('ledger', { filter: 'seq:4..5' })
  assert.match(textOf(none), /^⚠️ 2 entries here are damaged and not shown: #5, #4\./m)
  assert.doesNotMatch(textOf(none), /No entry fits/)
  const good = await ask('ledger', { filter: 'seq:1..3' })
  assert.doesNotMatch(textOf(good), /damaged/)
  assert.equal(good.tone, 'info')
})

test('pages of the ledger follow one another, with nothing left out or told twice', async t => {
  const ask = chatOf(await written(t, 25))
  const seen: string[] = []
  for (let filter: string | null = 'kind:exited'; filter !== null; ) {
    const page: Message = await ask('ledger', { filter })
    seen.push(...page.blocks.flatMap(block => (block.block === 'steps' ? block.steps.map(({ offset }) => offset) : [])))
    const older = page.buttons.flat().find(({ label }) => label.startsWith('Older'))
    filter = older === undefined ? null : (/ledger (.*)$/.exec(links.read(older.id)?.line ?? '')?.[1] ?? null)
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 25 }, (_, n) => `#${25 - n}`),
  )
})
