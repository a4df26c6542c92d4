import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostFacts } from '../../../core/config/facts.ts'
import { checkConfig } from '../../../core/config/load.ts'
import type { Problem } from '../../../core/config/problem.ts'
import { ABLE, writeConfig } from './folder.ts'

/** What is expected at one ‸ of a text: the key, what is wrong and what to write. */
export type Expected = readonly [path: string, message: RegExp, hint: RegExp]

/** A text with a ‸ before each place where a problem is expected, in order; several at one place: `count` of them. */
export type Case = readonly [name: string, marked: string, expected: readonly Expected[], facts?: HostFacts]

/** One test for each case: each problem is where it is expected, in its words, and there is no other. */
export function testProblems(cases: readonly Case[]): void {
  for (const [name, marked, expected, facts] of cases) {
    test(`a problem has its place: ${name}`, async t => {
      const { text, places } = unmark(marked)
      const checked = await checkConfig(writeConfig(t, text), { facts: facts ?? ABLE })
      const problems = checked.problems ?? []
      assert.deepEqual(
        problems.map(({ line, column }) => `${line}:${column}`),
        places,
        JSON.stringify(problems, null, 1),
      )
      for (const [index, [path, message, hint]] of expected.entries()) {
        const problem = problems[index]
        assert.ok(problem !== undefined)
        assert.ok(path.split('|').includes(problem.path), problem.path)
        assert.match(problem.message, message)
        assert.match(problem.hint, hint)
        assertCaret(problem, text)
      }
      assert.equal(problems.length, expected.length)
    })
  }
}

function unmark(marked: string): { text: string; places: string[] } {
  const places: string[] = []
  let text = ''
  for (const [index, part] of marked.split('‸').entries()) {
    if (index > 0) places.push(`${text.split('\n').length}:${text.length - text.lastIndexOf('\n')}`)
    text += part
  }
  return { text, places }
}

/** The excerpt's caret points at the same character as line and column. */
function assertCaret({ excerpt, line, column }: Problem, text: string): void {
  if (excerpt === undefined) return
  const written = (text.split('\n')[line - 1] ?? '').charAt(column - 1)
  const shown = excerpt.text.charAt(excerpt.caret)
  assert.ok(shown === written || shown === '•' || written === '\t' || written === '', `${shown} for ${written}`)
}
