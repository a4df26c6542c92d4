import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { subcommands } from '../../core/cli/commands.ts'
import { formatDuration } from '../../core/config/duration.ts'
import { checkConfig } from '../../core/config/load.ts'
import {
  botShape,
  channelShapes,
  escalationShape,
  maintenanceShape,
  noticeShapes,
  routeShape,
} from '../../core/config/notice-schema.ts'
import { operatorShape, policyShape } from '../../core/config/people-schema.ts'
import { SAMPLE } from '../../core/config/sample.ts'
import { probeShape, serviceShape, shapes, switchShape, targetShape, topShape } from '../../core/config/schema.ts'
import { DEFAULT_PER_DAY, DEFAULT_PER_HOUR } from '../../core/config/targets.ts'
import { expectNone, ROOT, textOf } from './project.ts'

// What is written for people has to stay true: keys, defaults, commands, examples and links.

const DOCUMENTS = [
  'README.md',
  'docs/configuration.md',
  'docs/healing.md',
  'docs/rolling-back.md',
  'docs/notices.md',
  'docs/platforms.md',
  'docs/commands.md',
  'docs/units.md',
  'docs/installing.md',
]
const unread = () => assert.fail('only names are read')
const table = subcommands({ init: unread, up: unread, bot: unread, whatsapp: unread, fakes: unread, doctor: unread })

/** The fenced blocks of one language. */
function blocks(document: string, language: string): string[] {
  return [...textOf(document).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , text = '']) => text)
}

test('every configuration that is shown passes the check', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'heald-documents-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const shown = DOCUMENTS.flatMap(document => blocks(document, 'yaml'))
  assert.ok(shown.length >= 2)
  for (const [index, text] of [...shown, SAMPLE].entries()) {
    const path = join(folder, `${index}.yaml`)
    writeFileSync(path, text)
    const { problems } = await checkConfig(path)
    assert.deepEqual(problems, undefined, text)
  }
})

test('the configuration page has every key, and no other', () => {
  const notices = [...Object.values(channelShapes), ...Object.values(noticeShapes), ...[routeShape, escalationShape]]
  const maps = [
    ...[topShape, serviceShape, probeShape, targetShape, switchShape, ...Object.values(shapes)],
    ...[...notices, maintenanceShape, botShape, operatorShape, policyShape],
  ]
  const known = new Set(maps.flatMap(Object.keys))
  const text = textOf('docs/configuration.md')
  const rows = text.split('\n').flatMap(line => /^\| (`.*?`) +\|/.exec(line)?.[1] ?? [])
  const inRows = rows.flatMap(row => [...row.matchAll(/`(\w+)`/g)].map(([, key = '']) => key))
  expectNone(
    inRows.filter(key => !known.has(key)),
    'These keys do not exist:',
  )
  expectNone(
    [...known].filter(key => !text.includes(`\`${key}\``)),
    'These keys are missing in docs/configuration.md:',
  )
})

test('the configuration page has the true defaults', () => {
  const text = textOf('docs/configuration.md')
  const defaultOf = (key: string) =>
    text
      .split('\n')
      .find(line => line.startsWith(`| \`${key}\` `))
      ?.split('|')[2]
      ?.trim()
  const { backoff, crashLoop, stop, logs } = shapes
  const written = (ms: number) => (ms === 0 ? '0' : formatDuration(ms).replace(' ', '').replace('1m', '60s'))
  for (const [key, field] of Object.entries({ ...backoff, every: probeShape.every, timeout: probeShape.timeout })) {
    const ms = field.parse(undefined)
    assert.equal(defaultOf(key), `\`${written(ms)}\``, key)
  }
  assert.equal(defaultOf('failures'), `\`${probeShape.failures.parse(undefined)}\``)
  assert.equal(defaultOf('successes'), `\`${probeShape.successes.parse(undefined)}\``)
  const { activationDeadline, blameWindow, irreversible, keepGood } = targetShape
  assert.equal(defaultOf('activationDeadline'), `\`${written(activationDeadline.parse(undefined))}\``)
  assert.equal(defaultOf('blameWindow'), `\`${blameWindow.parse(undefined) / 3_600_000}h\``)
  assert.equal(defaultOf('irreversible'), `\`${irreversible.parse(undefined)}\``)
  assert.equal(defaultOf('keepGood'), `\`${keepGood.parse(undefined)}\``)
  assert.equal(defaultOf('probation'), `\`${written(switchShape.probation.parse(undefined))}\``)
  assert.equal(defaultOf('passes'), `\`${switchShape.passes.parse(undefined)}\``)
  assert.ok(text.includes(`\`perHour\` (${DEFAULT_PER_HOUR}) and \`perDay\` (${DEFAULT_PER_DAY})`))
  assert.equal(defaultOf('grace'), `\`${written(routeShape.grace.parse(undefined))}\``)
  assert.equal(defaultOf('unless'), `\`${escalationShape.unless.parse(undefined)}\``)
  assert.equal(defaultOf('apiRoot'), `\`${channelShapes.telegram.apiRoot.parse(undefined)}\``)
  const { changes, within } = noticeShapes.flap
  const flap = `\`changes\` (${changes.parse(undefined)}) \`within\` (${written(within.parse(undefined))})`
  assert.ok(text.includes(flap), flap)
  const crash = `\`failures\` (${crashLoop.failures.parse(undefined)}) \`within\` (${written(crashLoop.within.parse(undefined))})`
  assert.ok(text.includes(crash), crash)
  const stopping = `\`signal\` (${stop.signal.parse(undefined)}) and \`timeout\` (${written(stop.timeout.parse(undefined))})`
  assert.ok(text.includes(stopping), stopping)
  const kept = `\`keep\` (${logs.keep.parse(undefined)})`
  assert.ok(
    text.includes(kept) && text.includes(`\`maxBytes\` (${logs.maxBytes.parse(undefined) / 1024 ** 2}MiB)`),
    kept,
  )
})

test('every command that is named exists, and README.md names them all', () => {
  const names = new Set(table.map(({ name }) => name))
  const said = DOCUMENTS.flatMap(document =>
    [...textOf(document).matchAll(/(?:npx heald|`heald|"heald) ([a-z]+)/g)].map(([, name = '']) => name),
  )
  expectNone(
    said.filter(name => !names.has(name)),
    'There are no such subcommands:',
  )
  const readme = textOf('README.md')
  expectNone(
    [...names].filter(name => !readme.includes(`\`heald ${name}\``)),
    'README.md does not name:',
  )
})

test('links lead to files', () => {
  const findings = [...DOCUMENTS, 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].flatMap(document =>
    [...textOf(document).matchAll(/\]\(([^)#]+)[^)]*\)/g)].flatMap(([, target = '']) =>
      /^https?:/.test(target) || existsSync(join(ROOT, dirname(document), target)) ? [] : [`${document}: ${target}`],
    ),
  )
  expectNone(findings, 'These links lead nowhere:')
})
