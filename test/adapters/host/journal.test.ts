import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openJournal } from '../../../adapters/host/journal.ts'
import { temporary } from './nix-stand.ts'

test('of what a run wrote the last 2 KiB are kept, from a line’s start where there is one', async t => {
  const folder = temporary(t)
  writeFileSync(join(folder, 'journalctl'), `#!/bin/sh\nexec cat ${folder}/said\n`, { mode: 0o755 })
  const { PATH } = process.env
  process.env.PATH = `${folder}:${PATH}`
  t.after(() => {
    process.env.PATH = PATH
  })
  const { tail } = openJournal()
  const tailOf = (text: string) => {
    writeFileSync(join(folder, 'said'), text)
    return tail('0'.repeat(32))
  }
  assert.equal(await tailOf('one\ntwo\n'), 'one\ntwo\n')
  assert.equal(await tailOf(`${'x'.repeat(3000)}\nthe end\n`), 'the end\n')
  assert.equal(await tailOf(`${'x'.repeat(3000)}the end\n`), `…${'x'.repeat(2040)}the end\n`)
})
