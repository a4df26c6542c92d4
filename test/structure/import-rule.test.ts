import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { importsOf, packageOf } from './imports.ts'
import { expectNone, projectFiles, textOf } from './project.ts'

// News goes up by following the ledger, orders go down by calling. So core knows nobody, the bot knows core, adapters
// know only the shapes they fill, and heald.ts alone puts the parts together.

/** The packages each folder may load; the longest matching folder counts. */
const PACKAGES: Record<string, readonly string[]> = {
  'core/': ['zod', 'yaml', 'croner'],
  'core/cli/totp': ['uqr'],
  'bot/': ['zod', 'lowdb'],
  'adapters/host/': ['execa', 'dbus-next'],
  'adapters/chat/telegram': ['grammy'],
  'adapters/chat/discord': ['discord.js'],
  'adapters/chat/slack': ['@slack/bolt'],
  'adapters/chat/whatsapp': ['whatsapp-web.js', 'uqr'],
}

/** What is wrong with one import, in words; null when nothing is. */
function breach(file: string, specifier: string, typeOnly: boolean): string | null {
  if (specifier.startsWith('node:')) return null
  if (!specifier.startsWith('.')) {
    const place = Object.keys(PACKAGES)
      .filter(prefix => file.startsWith(prefix))
      .sort((a, b) => b.length - a.length)[0]
    const allowed = PACKAGES[place ?? ''] ?? []
    return allowed.includes(packageOf(specifier)) ? null : `may load only node:* ${allowed.join(' ')}`
  }
  const target = posix.join(posix.dirname(file), specifier)
  const from = file.split('/')[0]
  const to = target.split('/')[0]
  if (from === to) return null
  if (from === 'bot' && to === 'core') return null
  if (from === 'adapters' && (to === 'core' || to === 'bot'))
    return typeOnly ? null : 'may import only types from there'
  return `${from}/ may not import ${to}/`
}

test('the import rule: core knows nobody, the bot knows core, adapters know types, heald.ts knows all', () => {
  const sources = projectFiles().filter(file => /^(core|bot|adapters)\/.*\.[cm]?[jt]s$/.test(file))
  assert.ok(sources.length > 10, 'the sources were found')
  const findings = sources.flatMap(file =>
    importsOf(textOf(file)).flatMap(({ line, specifier, typeOnly }) => {
      const wrong = breach(file, specifier, typeOnly)
      return wrong === null ? [] : [`${file}:${line} imports ${specifier}: ${wrong}`]
    }),
  )
  expectNone(findings, 'These imports break the rule in CONTRIBUTING.md:')
})

test('relative imports name a file with its ending', () => {
  const sources = projectFiles().filter(file => /\.[cm]?[jt]s$/.test(file))
  const findings = sources.flatMap(file =>
    importsOf(textOf(file))
      .filter(({ specifier }) => specifier.startsWith('.') && !/\.(js|ts|json)$/.test(specifier))
      .map(({ line, specifier }) => `${file}:${line} imports ${specifier}`),
  )
  expectNone(findings, 'Node needs the ending (.ts) in an import:')
})

test('the rule refuses what it should', () => {
  assert.equal(breach('core/heal/supervise.ts', '../ledger/append.ts', false), null)
  assert.equal(breach('core/config/check.ts', 'zod/v4', false), null)
  assert.equal(breach('adapters/host/process.ts', '../../core/heal/host.ts', true), null)
  assert.equal(breach('adapters/chat/slack.ts', '@slack/bolt', false), null)
  assert.equal(breach('bot/card.ts', '../core/incident/fold.ts', false), null)
  assert.match(breach('core/daemon.ts', '../adapters/host/process.ts', true) ?? '', /core\/ may not import adapters\//)
  assert.match(breach('core/daemon.ts', '../bot/card.ts', true) ?? '', /may not import bot/)
  assert.match(breach('core/daemon.ts', 'execa', false) ?? '', /only node:\* zod yaml croner/)
  assert.match(breach('core/daemon.ts', 'fs', false) ?? '', /only node:/)
  assert.match(breach('adapters/host/process.ts', '../../core/fault.ts', false) ?? '', /only types/)
  assert.match(breach('adapters/chat/table.ts', 'grammy', false) ?? '', /only node:/)
  assert.match(breach('bot/card.ts', '../adapters/chat/slack.ts', false) ?? '', /may not import adapters/)
})

test('imports are found in every shape, and nowhere else', () => {
  const source = [
    "import a from 'one'",
    "import type { B } from 'two'",
    "import { type C, type D } from 'three'",
    "import { type E, f } from 'four'",
    'import {',
    '  g,',
    '  type H,',
    "} from 'five'",
    "export { i } from 'six'",
    "import 'seven'",
    "const j = await import('eight')",
    "// import k from 'comment'",
    "/* import l from 'comment' */",
    "export const m = 'text'",
    "const url = 'http://from'",
    "export * from 'nine'",
    "import type from 'ten'",
    "export type Verdict = 'ok' | 'from'",
    "export interface Probe { from: 'code' }",
  ].join('\n')
  const found = importsOf(source).map(
    ({ line, specifier, typeOnly }) => `${line} ${specifier}${typeOnly ? ' type' : ''}`,
  )
  assert.deepEqual(found, [
    '1 one',
    '2 two type',
    '3 three type',
    '4 four',
    '5 five',
    '9 six',
    '10 seven',
    '11 eight',
    '16 nine',
    '17 ten',
  ])
})
