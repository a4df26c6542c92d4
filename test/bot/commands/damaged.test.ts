import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { answerOf } from '../../../bot/commands/table.ts'
import { createLinks } from '../../../bot/links.ts'
import type { Message } from '../../../bot/message.ts'
import { foldIncidents } from '../../../core/cli/record.ts'
import { type AnswersOptions, createAnswers } from '../../../core/command/answers.ts'
import { type CliRun, cliApart } from '../../../core/command/cli-apart.ts'
import type { Args } from '../../../core/command/port.ts'
import type { Word } from '../../../core/command/words.ts'
import type { IncidentRef } from '../../../core/entry.ts'
import type { Incident } from '../../../core/incident/fold.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import type { Verdict } from '../../../core/ledger/verify.ts'
import { entriesIn, exit, folder, opened, optionsFor, ROOT, rehashed, written } from '../../core/ledger/stand.ts'

/*
 * What somebody has done to the ledger's files has to reach whoever asks in a chat: from the files, through the subcommand
 * that core runs for it, to the card.
 */

const links = createLinks()

function textOf({ blocks }: Message): string {
  return blocks.map(block => (block.block === 'text' || block.block === 'log' ? block.text : '')).join('\n')
}

/** Asks as core does for a chat. The daemon is there only where something listens on its socket; the files are. */
function coreOf(dir: string): (word: Word, args: Args) => Promise<unknown> {
  const read = createAnswers({
    config: () => ({ notice: { logs: false } }),
    cli: cliApart({ state: dirname(dir), socket: socketOf(dir) }),
  } as unknown as AnswersOptions)
  const from = { platform: 'slack', user: 'T01/U01', chat: 'C01' } as const
  return (word, args) => read({ word, args, who: null, from })
}

/** The same, as the card that is shown. */
function chatOf(dir: string): (word: Word, args?: Args) => Promise<Message> {
  const core = coreOf(dir)
  return async (word, args = {}) => shown(word, args, await core(word, args))
}

function shown(word: Word, args: Args, data: unknown): Message {
  const showing = {
    ...{ place: { host: 'web-1', tz: 'UTC' }, nowMs: Date.now(), platform: 'slack' as const, line: word, page: 1 },
    ...{ links, hasLogs: false },
  }
  return answerOf({ reply: 'answer', word, args, data }, showing).message
}

function socketOf(dir: string): string {
  return join(dirname(dir), 'heald.sock')
}

/** A daemon that knows of incidents, and of nothing else. */
async function daemonWith(t: TestContext, dir: string, incidents: readonly Incident[]): Promise<void> {
  const server = createServer((_, response) => response.end(JSON.stringify(incidents)))
  server.listen(socketOf(dir))
  await once(server, 'listening')
  t.after(() => server.close())
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

test('what takes longer than its time is ended, and told with the command for the host', async t => {
  const state = dirname(await written(t, 3))
  const cli = cliApart({ state, socket: join(state, 'heald.sock') })
  await assert.rejects(cli({ words: ['ledger', 'check'], input: '#1·00000000', timeoutMs: 1 }), {
    code: 'command.late',
    message: 'it took longer than 0.001 s, or the answer is too long',
    hint: 'nothing of it was answered; on the host it has all the time it needs: heald ledger check',
  })
})

test('receipts are given as much time as a verification', async () => {
  const given: unknown[] = []
  const cli = async (run: CliRun): Promise<string> => {
    given.push(run)
    return '[]'
  }
  const read = createAnswers({ cli } as unknown as AnswersOptions)
  const from = { platform: 'slack', user: 'T01/U01', chat: 'C01' } as const
  await read({ word: 'verify', args: { receipts: '#1·00000000' }, who: null, from })
  await read({ word: 'verify', args: {}, who: null, from })
  assert.deepEqual(given, [
    { words: ['ledger', 'check'], input: '#1·00000000', timeoutMs: 600_000, mayBeBad: true },
    { words: ['ledger', 'verify'], timeoutMs: 600_000, mayBeBad: true },
  ])
})

test('receipts are found in whatever was pasted into a chat', async t => {
  const dir = await written(t, 3)
  const [one, two] = entriesIn(dir).map(({ seq, h }) => receiptOf(seq, h))
  const ask = chatOf(dir)
  for (const receipts of [`${one} ${two}`, `Look: ${one}, and ${two}, thanks`, `> ${one}\n> ${two}`])
    assert.equal((await ask('verify', { receipts })).title, '2 receipts: all of them fit', receipts)
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

/** A ledger with one incident, whose #2 is its exit. */
async function withIncident(t: TestContext): Promise<{ dir: string; id: string }> {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  const inc: IncidentRef = { svc: 'api' }
  const data = { severity: 'warning', cause: 'killed by SIGKILL', services: ['api'] }
  ledger.append({ kind: 'incident.opened', svc: 'api', inc, opens: true, data })
  ledger.append(exit(5, { inc }))
  await ledger.append({ kind: 'incident.resolved', svc: 'api', inc, data: { downMs: 4, how: 'restarted' } })
  await ledger.close(2000)
  return { dir, id: `api-${inc.seq}` }
}

test('an incident and its report say which of their entries are damaged', async t => {
  const { dir, id } = await withIncident(t)
  const { byId } = await foldIncidents(dirname(dir), t.signal, () => {})
  const ask = chatOf(dir)
  const isTold = async (what: RegExp) => {
    const card = await ask('incident', { id })
    assert.match(textOf(card), what)
    assert.equal(card.tone, 'warning')
    for (const form of ['md', 'html'])
      assert.match(
        ((await coreOf(dir)('report', { id, form })) as { text: string }).text.replaceAll('\\', ''),
        what,
        form,
      )
  }
  const good = await ask('incident', { id })
  assert.doesNotMatch(textOf(good), /damaged/)
  assert.equal(good.tone, 'good')
  change(dir, '"pid":5,', '"pid":666,')
  await isTold(/damaged lines of the ledger were left out: 1\. Run ("|&quot;)heald ledger verify/)
  await daemonWith(t, dir, [...byId.values()])
  await isTold(/entry #2 of this incident is damaged: .*Run ("|&quot;)heald ledger verify/)
})

test('an incident of which the beginning is damaged is not said to be unknown', async t => {
  const { dir, id } = await withIncident(t)
  change(dir, 'killed by SIGKILL', 'nothing to see')
  await assert.rejects(chatOf(dir)('incident', { id }), {
    code: 'entry.damaged',
    message: /^entry #1, with which "api-1"/,
  })
})

test('a ledger that was rewritten is told to be another one than was signed, not to have a bad line 0', async t => {
  const dir = await written(t, 9)
  const ledger = await opened(t, dir)
  await ledger.checkpoint()
  await ledger.close(2000)
  const ask = chatOf(dir)
  const good = await ask('verify')
  assert.match(good.title, /^The ledger is whole/)
  assert.doesNotMatch(textOf(good), /pruned/)
  change(dir, '"pid":5,', '"pid":666,')
  const path = join(dir, 'seg/000000000000.jsonl')
  writeFileSync(path, rehashed(readFileSync(path, 'utf8')))
  for (const name of ['head', 'tree']) rmSync(join(dir, name), { recursive: true, force: true })
  const card = await ask('verify')
  assert.equal(card.title, 'THE LEDGER IS NOT THE ONE THAT WAS SIGNED (checkpoint)')
  assert.equal(card.tone, 'critical')
  assert.doesNotMatch(textOf(card), /line 0|segment |\.\.$/m)
  assert.match(textOf(card), /^Its entries are one unbroken chain/m)
  assert.match(textOf(card), /changed the past, or they were put back from a backup/)
})

test('a short receipt speaks of its own entry; for all before it the ledger has to be verified too', async t => {
  const dir = await forged(t)
  const { h = '' } = entriesIn(dir)[8] ?? {}
  const ask = chatOf(dir)
  const card = await ask('verify', { receipts: receiptOf(8, h) })
  assert.match(card.title, /all of them fit/)
  assert.match(textOf(card), /not what was before it: .*\/heald verify/)
  assert.match((await ask('verify')).title, /^THE LEDGER IS DAMAGED at entry #5 /)
  const other = await ask('verify', { receipts: `#8·${'a'.repeat(26)}` })
  assert.doesNotMatch(textOf(other), /before it/)
  const docs = readFileSync(join(ROOT, 'docs/ledger.md'), 'utf8').replaceAll(/\s+/g, ' ')
  assert.match(docs, /shows that this entry is the same, and together with `heald ledger verify` all before it/)
})

const VERDICT: Verdict = {
  ...{ ok: true, size: 9, head: 'a'.repeat(64), firstBad: null, torn: false, provableUpTo: 9, tookMs: 1, void: [] },
  checked: { chain: true, tree: true, checkpoints: true, epochs: true, index: null },
  ...{
    prunedUpTo: 0,
    root: '',
    origin: null,
    vkeys: [],
    keyReceipts: [],
    keysFound: [],
    trusted: 'nothing' as const,
    signedUpTo: 9,
    evidence: [],
    comparedUpTo: 0,
    trouble: null,
    unbelieved: null,
    doubts: [],
    unvouched: [],
    hasWriter: false,
  },
}

function cardOf(verdict: Partial<Verdict>): Message {
  return shown('verify', {}, { ledger: { ...VERDICT, ...verdict } })
}

test('what verify found and what it did not look at both stand on the card', () => {
  assert.doesNotMatch(textOf(cardOf({})), /pruned|no checkpoint|don’t count/)
  assert.match(textOf(cardOf({ prunedUpTo: 4 })), /^The entries before #4 were pruned, as an entry tells/m)
  assert.match(textOf(cardOf({ void: [{ segment: '000000000000', bytes: 1234 }] })), /^1,234 bytes .* don’t count/m)
  const unsigned = cardOf({ signedUpTo: 0, checked: { ...VERDICT.checked, checkpoints: null } })
  assert.match(textOf(unsigned), /There is no checkpoint yet/)
  const bad = { ok: false, provableUpTo: 0, evidence: ['one\n\n— a b\n', 'two\n\n— a c\n'] }
  const twice = cardOf({
    ...bad,
    firstBad: { seq: 3, line: 0, why: 'another one was signed', segment: 'old.checkpoint' },
  })
  assert.equal(twice.title, 'THE LEDGER IS NOT THE ONE THAT WAS SIGNED (old.checkpoint)')
  assert.match(textOf(twice), /^another one was signed\.$/m)
  assert.match(textOf(twice), /none of them is proved/)
  assert.match(textOf(twice), /one\n\n— a b\n+two\n\n— a c/)
  const line = cardOf({ ...bad, firstBad: { seq: 3, line: 4, why: 'no hash', segment: '000000000000' } })
  assert.equal(line.title, 'THE LEDGER IS DAMAGED at entry #3 (line 4 of segment 000000000000)')
  assert.match(textOf(line), /^Nothing before it can be proved\.$/m)
})
