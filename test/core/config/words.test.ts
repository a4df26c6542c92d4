import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { readArgv, splitWords } from '../../../core/config/words.ts'

test('a line is split as a shell splits it', () => {
  const lines = [
    'node agent.js',
    `  node   --title 'two words'  "a \\"b\\" c" d\\ e `,
    `printf '%s' "a\\b" ''`,
    `a'b'"c"d`,
    'x#y a~b %1 @ + = ,',
  ]
  for (const line of lines) {
    // The real shell says what is right: one argument a line, hex so that nothing is lost.
    const script = `for w in ${line}; do printf %s "$w" | od -An -v -tx1 | tr -d ' \\n'; echo .; done`
    const words = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('.\n').slice(0, -1)
    const expected = words.map(hex => Buffer.from(hex, 'hex').toString())
    assert.deepEqual(splitWords(line), { value: expected }, line)
  }
})

test('any words, quoted, come back as they were', () => {
  const word = fc.string().filter(text => !text.includes('\0'))
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), words => {
      const line = words.map(text => `'${text.replaceAll("'", "'\\''")}'`).join(' ')
      assert.deepEqual(splitWords(line), { value: words })
    }),
  )
})

test('what only a shell understands is refused', () => {
  for (const char of ['$', '`', '|', '&', ';', '<', '>', '(', ')', '*', '?', '{']) {
    const read = splitWords(`run ${char}X`)
    assert.ok('problem' in read, char)
    assert.ok(read.problem.includes(`has a ${char}`))
    assert.match(read.hint, /\[sh, -c, "…"\]/)
    assert.deepEqual(splitWords(`run '${char}X'`), { value: ['run', `${char}X`] })
  }
  const cases: [string, RegExp][] = [
    ['run "$X"', /has a \$/],
    ['run ~/x', /has a ~/],
    ['run #x', /has a #/],
    [`run 'x`, /' that is never closed/],
    ['run "x', /" that is never closed/],
    ['run \\', /backslash/],
    ['run\nstop', /several lines/],
  ]
  for (const [line, problem] of cases) {
    const read = splitWords(line)
    assert.ok('problem' in read, line)
    assert.match(read.problem, problem)
  }
})

test('a command is a list or a line, and names a program', () => {
  assert.deepEqual(readArgv(['node', 'a b', '']), { value: ['node', 'a b', ''] })
  assert.deepEqual(readArgv('node agent.js\n'), { value: ['node', 'agent.js'] })
  const cases: [unknown, RegExp][] = [
    [[], /no program/],
    ['', /no program/],
    [['', 'x'], /no program/],
    [['x', null], /must be text/],
    [7, /must be a list, not a number/],
    [['x', 'a\0b'], /NUL/],
    ['PORT=80 node x', /begins with a variable/],
  ]
  for (const [written, problem] of cases) {
    const read = readArgv(written)
    assert.ok('problem' in read, JSON.stringify(written))
    assert.match(read.problem, problem)
  }
})
