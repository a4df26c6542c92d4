import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { Values } from '../../../core/cli/command.ts'
import { run } from '../../../core/cli/ledger.ts'
import { run as keygen } from '../../../core/cli/ledger-keys.ts'
import { rehashed, written } from '../ledger/stand.ts'
import { paperContext } from './context.ts'

/* A terminal obeys what it is sent, and whoever writes the first entry of a ledger names it. */

const UNSAFE = /[\p{Cc}\u202a-\u202e\u2060-\u206f]/u

test('the name of a ledger reaches no terminal as it is, whatever it is', async t => {
  const dir = await written(t, 3)
  const path = join(dir, 'seg/000000000000.jsonl')
  const lines = readFileSync(path, 'utf8').replace('"origin":"test-host/heald"', '"origin":"x\u009b2J\u202egood\u2066"')
  writeFileSync(path, rehashed(lines))
  for (const each of ['head', 'tree', 'cp', 'checkpoint']) rmSync(join(dir, each), { recursive: true, force: true })
  const state = dirname(dir)
  const said = async (
    words: readonly string[],
    values: Values = {},
    more: { json?: boolean } = {},
  ): Promise<string> => {
    const { context, out } = paperContext({ state, tty: true, ...more })
    await (words[0] === 'keygen' ? keygen(context, []) : run(context, words, values))
    assert.ok(out() !== '')
    return out()
  }
  const note = join(state, 'note')
  for (const json of [false, true]) {
    const texts = [await said(['keygen'], {}, { json }), await said(['checkpoint'], {}, { json })]
    writeFileSync(note, paperNote(dir))
    texts.push(await said(['prove', '2'], {}, { json }))
    texts.push(await said(['verify'], {}, { json }))
    texts.push(await said(['verify'], { checkpoint: [note] }, { json }))
    texts.push(await said(['check', note], {}, { json }))
    writeFileSync(note, paperNote(dir).replace(/\n\d+\n/, '\n1\n'))
    texts.push(await said(['verify'], { checkpoint: [note] }, { json }))
    texts.push(await said(['check', note], {}, { json }))
    for (const text of texts) for (const line of text.split('\n')) assert.doesNotMatch(line, UNSAFE, text)
    if (json) for (const text of texts) assert.match(JSON.stringify(JSON.parse(text)), /\u009b|fits/)
  }
})

/** As it stands beside the ledger. */
const paperNote = (dir: string): string => readFileSync(join(dir, 'checkpoint'), 'utf8')
