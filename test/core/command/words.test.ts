import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { subcommands } from '../../../core/cli/commands.ts'
import { isVerb, usageOf, WORDS, wordSpec } from '../../../core/command/words.ts'
import { rolesTable, wordsTable } from '../../../core/command/words-document.ts'

const ROOT = join(import.meta.dirname, '../../..')

test('the words are those that were promised', () => {
  const promised =
    'status incidents incident ledger show verify proof generations diff rollback deploy restart stop start logs ack resolve silence silences unsilence approve deny whoami oncall freeze unfreeze report help'
  const names = WORDS.map(({ word }) => word as string)
  for (const word of promised.split(' ')) assert.ok(names.includes(word), word)
  assert.equal(new Set(names).size, names.length)
})

test('every word has help, examples and arguments in an order that can be read', () => {
  for (const spec of WORDS) {
    assert.match(spec.summary, /^[A-Z].*\.$/, spec.word)
    assert.ok(spec.summary.length <= 120, spec.word)
    assert.ok(spec.examples.length > 0, spec.word)
    const positional = spec.args.filter(({ type }) => type !== 'flag')
    const firstOptional = positional.findIndex(({ optional }) => optional === true)
    if (firstOptional >= 0)
      assert.ok(
        positional.slice(firstOptional).every(({ optional }) => optional === true),
        spec.word,
      )
    const rest = positional.findIndex(({ type }) => ['text', 'filter', 'receipts'].includes(type))
    if (rest >= 0) assert.equal(rest, positional.length - 1, `${spec.word}: what takes the rest stands last`)
    // Discord: names of options are small letters and dashes, at most 32; descriptions at most 100.
    for (const { name, help } of spec.args) {
      assert.match(name, /^[a-z-]{1,32}$/)
      assert.ok(help.length <= 100, `${spec.word} ${name}`)
    }
  }
})

test('what changes something is bound, coded and for operators as the table promises', () => {
  const of = (key: 'destructive' | 'code') => WORDS.filter(spec => spec[key]).map(({ word }) => word as string)
  assert.deepEqual(of('code'), ['rollback', 'deploy', 'stop', 'unfreeze'])
  assert.deepEqual(of('destructive'), ['rollback', 'deploy', 'restart', 'stop', 'unfreeze'])
  for (const { word, does, role } of WORDS) if (does === 'orders') assert.notEqual(role, 'viewer', word)
  assert.ok(isVerb('rollback') && !isVerb('approve') && !isVerb('status') && !isVerb('constructor'))
})

test('every word is a subcommand, with the usage and summary of the table; but a code is never an argument', () => {
  const load = async () => assert.fail()
  const rows = subcommands({ up: load, bot: load, whatsapp: load, doctor: load, fakes: load, init: load })
  for (const spec of WORDS) {
    const row = rows.find(({ name }) => name === spec.word)
    assert.ok(row !== undefined, `heald ${spec.word}`)
    if (spec.word === 'ledger' || spec.word === 'help') continue
    assert.equal(row.summary, spec.summary)
    const args = spec.args.filter(({ type }) => type !== 'code')
    assert.ok(row.usage.startsWith(usageOf({ args })), `heald ${spec.word} ${row.usage}`)
    assert.doesNotMatch(row.usage, /CODE/)
  }
})

test('docs/commands.md has the tables as they are', () => {
  const text = readFileSync(join(ROOT, 'docs/commands.md'), 'utf8')
  const [, table] = /<!-- words -->\n([\s\S]*?)\n<!-- \/words -->/.exec(text) ?? []
  assert.equal(table, wordsTable(), 'put the output of wordsTable() between the marks')
  const [, roles] = /<!-- roles -->\n([\s\S]*?)\n<!-- \/roles -->/.exec(text) ?? []
  assert.equal(roles, rolesTable(), 'put the output of rolesTable() between the marks')
  assert.equal(wordSpec('rollback')?.code, true)
})
