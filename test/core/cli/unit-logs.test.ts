import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { unitLogs } from '../../../core/cli/unit-logs.ts'
import { temporaryFolder } from '../api/stand.ts'
import { paperContext } from './context.ts'

/** A journal that says and does what `script` does, and a systemd that does what `systemd` does. */
function journal(t: TestContext, script: string, systemd = 'exit 1'): void {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'journalctl'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  writeFileSync(join(folder, 'systemctl'), `#!/bin/sh\n${systemd}\n`, { mode: 0o755 })
  const { PATH } = process.env
  process.env.PATH = `${folder}:${PATH}`
  t.after(() => {
    process.env.PATH = PATH
  })
}

/** What it said, and what it complained of; where it is followed, until it says something. */
async function said({ follow = false } = {}): Promise<{ text: string; err: string }> {
  let text = ''
  const ending = new AbortController()
  const take = (bytes: Buffer) => {
    text += bytes
    if (follow) ending.abort()
  }
  const { context, err } = paperContext({ signal: ending.signal })
  await unitLogs(context, 'web.service', { lines: 5, follow, take })
  return { text, err: err() }
}

test('a journal that fails is told, not taken for a unit that wrote nothing', async t => {
  journal(t, 'echo "No journal files were opened due to insufficient permissions." >&2; exit 1')
  await assert.rejects(said(), {
    code: 'logs.journal',
    message: "the journal can't be asked: No journal files were opened due to insufficient permissions.",
  })
})

test('one that has nothing of the unit, or is left by whoever follows it, is no failure', async t => {
  journal(t, 'echo "some files are old" >&2')
  assert.deepEqual(await said(), { text: '', err: 'some files are old\n' })
  journal(t, 'echo one; exec sleep 600')
  assert.deepEqual(await said({ follow: true }), { text: 'one\n', err: '' })
})

test('a unit under another name is looked up by its own', async t => {
  journal(t, 'for last; do :; done; echo "$last"', 'echo nginx.service')
  assert.deepEqual(await said(), { text: 'nginx.service\n', err: '' })
  journal(t, 'for last; do :; done; echo "$last"')
  assert.deepEqual(await said(), { text: 'web.service\n', err: '' }, 'where systemd does not answer')
})
