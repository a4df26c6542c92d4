import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ROOT } from './project.ts'

// A runner that swallows a failure makes every other test worthless, so it is run here on files that fail in each way.

const FILES = {
  'passes.test.ts': `import { test } from 'node:test'; test('a', () => {}); test('b', t => t.diagnostic('p50 0.5 ms'))`,
  'skips.test.ts': `import { test } from 'node:test'; test('ready', () => {}); test('without', t => t.skip('needs X'))`,
  'fails.test.ts': `import { test, describe } from 'node:test'
    describe('group', () => { test('inner', () => { console.log('said before'); throw new Error('inner went wrong') }) })`,
  'unsteady.test.ts': `import { existsSync, writeFileSync } from 'node:fs'; import { test } from 'node:test'
    const mark = new URL('./ran', import.meta.url)
    test('shaky', () => { if (!existsSync(mark)) { writeFileSync(mark, ''); throw new Error('not at first') } })`,
  'exits.test.ts': `import { test } from 'node:test'; test('fine', () => {}); process.on('exit', () => process.exit(3))`,
  'hooks.test.ts': `import { before, describe, test } from 'node:test'
    describe('group', () => { before(() => { throw new Error('no ground') }); test('never', () => {}) })`,
  'empty.test.ts': `// nothing`,
  'hangs.test.ts': `import { test } from 'node:test'; process.on('SIGTERM', () => {})
    test('done', () => { setInterval(() => {}, 1000) })`,
}

/** Runs the runner on some of the files and returns what it printed, line by line, and its exit code. */
function runOn(
  t: TestContext,
  names: readonly (keyof typeof FILES)[],
  env: NodeJS.ProcessEnv = {},
  flags: string[] = [],
) {
  const dir = mkdtempSync(join(tmpdir(), 'heald-runner-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  for (const name of names) writeFileSync(join(dir, name), FILES[name])
  const { NODE_TEST_CONTEXT: _, CI: __, ...inherited } = process.env
  const argv = [join(ROOT, 'test/run.ts'), '--dir', dir, ...flags]
  const { stdout, stderr, status } = spawnSync(process.execPath, argv, {
    env: { ...inherited, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  })
  const lines = `${stdout}${stderr}`.trimEnd().split('\n')
  return { text: stdout, last: lines.at(-1), status }
}

test('passing tests: their count is the last line, and the exit code is 0', t => {
  const { text, last, status } = runOn(t, ['passes.test.ts'])
  assert.equal(last, '2 passed, 0 failed')
  assert.equal(status, 0)
  assert.match(text, /ℹ p50 0\.5 ms/)
})

test('a file that passes when it runs again, alone, passed, and is named as unsteady', t => {
  const { text, last, status } = runOn(t, ['passes.test.ts', 'unsteady.test.ts'])
  assert.equal(last, '3 passed, 0 failed')
  assert.equal(status, 0)
  assert.match(text, /Error: not at first/)
  assert.match(text, /Unsteady .*:\n {2}\S*unsteady\.test\.ts: shaky\n/)
})

test('a failing test: its error, its place and what it wrote are shown, and the exit code is 1', t => {
  const { text, last, status } = runOn(t, ['passes.test.ts', 'fails.test.ts'])
  assert.equal(last, '2 passed, 1 failed')
  assert.equal(status, 1)
  assert.match(text, /✖ inner +\S*fails\.test\.ts:2:\d+/)
  assert.match(text, /Error: inner went wrong/)
  assert.match(text, /│ said before/)
})

test('a skipped test is listed with its reason', t => {
  const { text, last, status } = runOn(t, ['skips.test.ts'])
  assert.equal(last, '1 passed, 0 failed, 1 skipped')
  assert.equal(status, 0)
  assert.match(text, /Skipped:\n.*without: needs X/)
})

test('with CI set a skipped test is a failure', t => {
  const { text, last, status } = runOn(t, ['skips.test.ts'], { CI: 'true' })
  assert.equal(last, '1 passed, 1 failed')
  assert.equal(status, 1)
  assert.match(text, /skipped \(needs X\)/)
})

test('a file that fails outside its tests, or has none, is a failure', t => {
  const { text, last, status } = runOn(t, ['exits.test.ts', 'empty.test.ts', 'hooks.test.ts'])
  // fine passed; exit code 3, no tests, the hook, and the test that never ran
  assert.equal(last, '1 passed, 4 failed')
  assert.equal(status, 1)
  assert.match(text, /exit code 3/)
  assert.match(text, /the file has no tests/)
  assert.match(text, /no ground/)
})

test('a file that does not end is ended, and is a failure', t => {
  const { text, last, status } = runOn(t, ['hangs.test.ts', 'passes.test.ts'], {}, ['--file-seconds', '3'])
  assert.equal(last, '3 passed, 1 failed')
  assert.equal(status, 1)
  assert.match(text, /did not end within 3 s/)
})

test('a pattern picks files by their path, and one that picks none is a failure', t => {
  assert.equal(runOn(t, ['passes.test.ts', 'fails.test.ts'], {}, ['passes']).last, '2 passed, 0 failed')
  const none = runOn(t, ['passes.test.ts'], {}, ['no-such-file'])
  assert.equal(none.last, '0 passed, 1 failed')
  assert.equal(none.status, 1)
})
