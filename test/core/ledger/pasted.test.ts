import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { check } from '../../../core/cli/ledger-proofs.ts'
import type { CheckedReceipt } from '../../../core/ledger/check.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { pastedIn } from '../../../core/ledger/pasted.ts'
import { proveEntry } from '../../../core/ledger/prove.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { fullReceiptText } from '../../../core/ledger/tlog-proof.ts'
import { paperContext } from '../cli/context.ts'
import { entriesIn, exit, folder, optionsFor } from './stand.ts'

/** A ledger, and all that can be pasted of it. */
async function stand(t: TestContext) {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  for (let n = 1; n <= 9; n++) await ledger.append(exit(n))
  const first = await ledger.checkpoint()
  await ledger.append(exit(10))
  const second = await ledger.checkpoint()
  await ledger.close(2000)
  const [one, two] = [fullReceiptText(await proveEntry(dir, 3)), fullReceiptText(await proveEntry(dir, 5))]
  const [short, other] = [receiptOf(4, entriesIn(dir)[4]?.h ?? ''), receiptOf(7, entriesIn(dir)[7]?.h ?? '')]
  return { dir, short, other, full: [one, two] as const, notes: [first.note, second.note] as const }
}

/** What `heald ledger check FILE` says of a text. */
async function checked(dir: string, text: string): Promise<{ code: number; said: CheckedReceipt[] }> {
  const path = join(dirname(dir), 'pasted.txt')
  writeFileSync(path, text)
  const { context, out } = paperContext({ state: dirname(dir), json: true })
  const code = await check(context, [path], {})
  return { code, said: JSON.parse(out()) as CheckedReceipt[] }
}

function quoted(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '> ').replaceAll(/ $/gm, '').concat('\n')
}

test('whatever stands in one text is checked each by itself, however it is put together', async t => {
  const { dir, short, other, full, notes } = await stand(t)
  const [F, N, S] = ['full receipt', 'checkpoint', 'receipt']
  const cases: readonly (readonly [text: string, whats: readonly string[]])[] = [
    [full.join(''), [F, F]],
    [full.join('\n'), [F, F]],
    [notes.join(''), [N, N]],
    [notes.join('\n\n'), [N, N]],
    [full[0] + notes[1] + full[1], [F, N, F]],
    [`${short}\n${notes[0]}`, [S, N]],
    [`${notes[0]}${short}\n${full[1]}\n  ${short}  `, [N, S, F, S]],
    [`\n\n${notes[1].trim()}`, [N]],
    [`${notes[1]}   \n`, [N]],
    // In a line of other text, as heald prints it and as people write.
    [`14:02 api: crash ended: it runs again  ${short}  2 s`, [S]],
    [`receipt ${short}`, [S]],
    [`Look: ${short}, thanks (and \`${other}\`).`, [S, S]],
    [`${short} ${other}`, [S, S]],
    [`— Jane: ${short}`, [S]],
    // Quoted, as mail programs and chats do it.
    [quoted(full[0]), [F]],
    [quoted(quoted(full.join('\n'))), [F, F]],
    [quoted(`${notes[0]}${short}\n`) + full[1], [N, S, F]],
  ]
  for (const [text, whats] of cases)
    for (const written of [text, text.replaceAll('\n', '\r\n')]) {
      const { code, said } = await checked(dir, written)
      assert.deepEqual(
        said.map(({ what, fits }) => [what, fits]),
        whats.map(what => [what, true]),
        JSON.stringify(written),
      )
      assert.equal(code, 0)
    }
})

test('what is nothing of ours is unknown, which is no contradiction; the rest is checked all the same', async t => {
  const { dir, short, full, notes } = await stand(t)
  const torn = full[0].slice(0, full[0].indexOf('\n\n') - 3)
  for (const [text, answers] of [
    ['hello', ['unknown null']],
    // What was cut, or is longer than any, is no reason to pass over it.
    [`${short} ${short.slice(0, -1)}`, ['receipt true', 'unknown null']],
    [`all of ${short} and #7·6w5h…`, ['receipt true', 'unknown null']],
    [`${short}a ${short}`, ['unknown null', 'receipt true']],
    [`Look: ${short}\n— Jane`, ['receipt true', 'unknown null']],
    [`hello\n> ${short}`, ['unknown null', 'receipt true']],
    [`${notes[0].split('\n— ')[0]}\n${short}\n`, ['unknown null', 'unknown null', 'unknown null', 'receipt true']],
    [`posted by heald:\n${notes[0]}`, ['unknown null', 'checkpoint true']],
    [`— somebody said\n\n${short}`, ['unknown null', 'receipt true']],
    [`${torn}\n\n${full[1]}`, ['full receipt null', 'full receipt true']],
    [`${torn}\n${notes[1]}`, ['full receipt null', 'unknown null']],
    [notes[0].replace('\n10\n', '\nten\n'), ['unknown null']],
  ] as const) {
    const { code, said } = await checked(dir, text)
    assert.deepEqual(
      said.map(({ what, fits }) => `${what} ${fits}`),
      answers,
      JSON.stringify(text),
    )
    assert.equal(code, 1, 'not all was shown to fit')
  }
  // What can be read and is another one does not fit.
  const forged = notes[0].replace('\n10\n', '\n9\n')
  assert.deepEqual(
    (await checked(dir, forged + short)).said.map(({ what, fits }) => `${what} ${fits}`),
    ['checkpoint false', 'receipt true'],
  )
  assert.deepEqual(pastedIn(' \r\n\n'), [])
})

test('a word that can be nothing but the path of a file is told to be none', async t => {
  const { dir, short } = await stand(t)
  const state = dirname(dir)
  const { context, out } = paperContext({ state, json: true })
  for (const word of ['/no/such/file', 'receipt.txt', './receipt'])
    await assert.rejects(check(context, [short, word], {}), { code: 'usage.path', message: `${word} does not exist` })
  assert.equal(out(), '')
  assert.equal(await check(context, [`Look. ${short}`, 'hello'], {}), 1)
  assert.deepEqual(
    (JSON.parse(out()) as CheckedReceipt[]).map(({ what, fits }) => `${what} ${fits}`),
    ['receipt true', 'unknown null'],
  )
})
