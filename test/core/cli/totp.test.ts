import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run } from '../../../core/cli/totp.ts'
import { temporaryFolder } from '../api/stand.ts'
import { paperContext } from './context.ts'

async function totp(t: TestContext, operators: object, words: string[], { json = false } = {}) {
  const folder = temporaryFolder(t)
  const config = join(folder, 'heald.yaml')
  writeFileSync(config, JSON.stringify({ host: 'web-1', services: { a: { run: ['sh'] } }, operators }))
  const { context, out } = paperContext({ json })
  // Awaited by the test, which may expect that it fails.
  const code = run(context, words, { config })
  code.catch(() => {})
  return { folder, code, said: out }
}

const alice = { role: 'admin', totp: { file: 'totp-alice' } }

test('a secret that is not there yet is made for its owner alone, and shown as a code to scan', async t => {
  const { folder, code, said } = await totp(t, { alice }, ['alice'])
  assert.equal(await code, 0)
  const path = join(folder, 'totp-alice')
  const secret = readFileSync(path, 'utf8').trim()
  assert.match(secret, /^[A-Z2-7]{32}$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.match(said(), new RegExp(`otpauth://totp/heald%20web-1%3Aalice\\?secret=${secret}&`))
  assert.match(said(), /[▀▄█]{10}/, 'a QR code in half blocks')
  assert.match(said(), /A new secret was made/)
})

test('one that is there is shown again, and never changed', async t => {
  const folder = temporaryFolder(t)
  const config = join(folder, 'heald.yaml')
  writeFileSync(config, JSON.stringify({ host: 'web-1', services: { a: { run: ['sh'] } }, operators: { alice } }))
  writeFileSync(join(folder, 'totp-alice'), 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n', { mode: 0o600 })
  const { context, out } = paperContext({ json: true })
  assert.equal(await run(context, ['alice'], { config }), 0)
  const { uri, isNew } = JSON.parse(out())
  assert.match(uri, /secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&/)
  assert.equal(isNew, false)
  assert.equal(readFileSync(join(folder, 'totp-alice'), 'utf8'), 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n')
})

test('who is not known, has no place for a secret, or one that is none', async t => {
  await assert.rejects((await totp(t, { alice }, ['alcie'])).code, { code: 'operator.unknown', hint: /alice/ })
  await assert.rejects((await totp(t, { bob: { role: 'viewer' } }, ['bob'])).code, {
    code: 'totp.unset',
    hint: /totp: \{ file: \/etc\/heald\/totp-bob \}/,
  })
  await assert.rejects((await totp(t, { alice }, [])).code, { code: 'usage.words' })
  const gone = await totp(t, { alice: { ...alice, totp: { file: 'no/such/folder/totp' } } }, ['alice'])
  await assert.rejects(gone.code, { code: 'totp.unwritable' })
  assert.equal(existsSync(join(gone.folder, 'no')), false)
  const folder = temporaryFolder(t)
  const config = join(folder, 'heald.yaml')
  writeFileSync(config, JSON.stringify({ services: { a: { run: ['sh'] } }, operators: { alice } }))
  writeFileSync(join(folder, 'totp-alice'), 'not-base32-at-all-0189\n', { mode: 0o600 })
  await assert.rejects(run(paperContext().context, ['alice'], { config }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'totp.secret')
    assert.doesNotMatch(error.message, /0189/)
    return true
  })
})
