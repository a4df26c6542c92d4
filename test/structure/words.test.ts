import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { expectNone, isGolden, projectFiles, ROOT, textOf } from './project.ts'

// The words are put together here so that this file does not hold what it forbids.
const word = (...parts: string[]) => parts.join('')

const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [
    new RegExp(`\\b(${word('TO', 'DO')}|${word('FIX', 'ME')}|${word('X', 'XX')}|${word('HA', 'CK')})\\b`),
    'do it, or file an issue',
  ],
  [
    new RegExp(word('bio', 'me-ignore|@ts-', '(ignore|expect-error|nocheck)|es', 'lint-disable')),
    'a checker is not silenced; the code is put right',
  ],
  // How the project is made is nobody's concern who reads it.
  [
    new RegExp(
      `\\b${word('(cl', 'aude|anth', 'ropic|open', 'ai|chat', 'gpt|co', 'pilot|ge', 'mini|ll', 'ms?)')}\\b`,
      'i',
    ),
    'a tool',
  ],
  [
    new RegExp(word('language ', 'model|coding ', 'assistant|AI', '[- ](generated|assisted)|co-', 'authored-by'), 'i'),
    'a tool',
  ],
  [new RegExp(word('sub', '-?agent|\\b(?<!no-)sand', 'box\\b'), 'i'), 'a way of working'],
  // Paths and hosts of one machine mean nothing on another.
  [new RegExp(word('(^|[\\s\'"`(=:])/', '(work|root)', '/')), 'a path of one machine'],
  [new RegExp(word('/tmp/', 'n24|\\.\\./sha', 'red/|/home/', '(?!\\$|<|alice|agent)\\w')), 'a path of one machine'],
  [
    new RegExp(word('registry\\.', '(npmjs|yarnpkg|npmmirror)|deb\\.', 'debian\\.org|art', 'ifactory'), 'i'),
    'a registry host',
  ],
]

const SOURCES = projectFiles().filter(
  file => !isGolden(file) && file !== 'LICENSE' && !/\.(png|jpg|gif|svg|ico|gz|zst|lock)$/.test(file),
)

test('no forbidden words', () => {
  const findings = SOURCES.flatMap(file =>
    textOf(file)
      .split('\n')
      .flatMap((line, index) => {
        const hit = FORBIDDEN.find(([pattern]) => pattern.test(line))
        return hit === undefined ? [] : [`${file}:${index + 1} (${hit[1]}): ${line.trim().slice(0, 100)}`]
      }),
  )
  expectNone(findings, 'These lines hold words that do not belong in the project:')
})

test('a document that is named exists', () => {
  const findings = SOURCES.filter(file => file !== 'test/structure/words.test.ts').flatMap(file =>
    [...textOf(file).matchAll(/\b[A-Z][A-Z_]{3,}\.md\b/g)]
      .map(([name]) => name)
      .filter(name => !existsSync(join(ROOT, name)) && !existsSync(join(ROOT, 'docs', name)))
      .map(name => `${file} names ${name}`),
  )
  expectNone(findings, 'A reader would look for these documents in vain:')
})

test('no test is left out for good, alone, or as a plan', () => {
  const pattern = new RegExp(
    word('\\b(test|it|describe|suite|t)\\.(on', 'ly|to', 'do)\\(|\\b(sk', 'ip|to', 'do|on', 'ly):\\s*(true|[\'"`])'),
  )
  const findings = projectFiles()
    .filter(file => file.endsWith('.test.ts') && !file.startsWith('test/structure/'))
    .flatMap(file =>
      textOf(file)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    )
  expectNone(findings, 'A test is skipped only at run time, for a tool that is missing, with t.skip and the reason:')
})

test('the words are found', () => {
  const finds = (line: string) => FORBIDDEN.some(([pattern]) => pattern.test(line))
  assert.ok(finds(`// ${word('TO', 'DO')}: later`))
  assert.ok(finds(`const path = '/${'work'}/main'`))
  assert.ok(finds(`see https://registry.${'npmjs'}.org`))
  assert.ok(finds(`an ${'LL'}M wrote this`))
  assert.ok(!finds('the agent rewrites its state at work/main'))
})
