import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { SecretSpec } from '../../core/config/channel-spec.ts'
import { Fault } from '../../core/fault.ts'
import { secretReader } from '../../core/secret.ts'

const TOKEN = 'xoxb-not-a-real-token'

/** A folder of the test's own. */
function freshFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'heald-secret-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function refused(reading: Promise<string>): Promise<Fault> {
  const error = await reading.then(
    () => assert.fail('it was read'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Fault)
  assert.ok(!`${error.message} ${error.hint}`.includes('not-a-real'), error.message)
  assert.notEqual(error.hint ?? '', '')
  return error
}

/** What is in the file, and what comes of it: the secret, or the code of the Fault. */
const FILES: readonly (readonly [name: string, content: string, secret: string | null, code: string, words: RegExp])[] =
  [
    ['alone', TOKEN, TOKEN, '', /./],
    ['with a line break', `${TOKEN}\n`, TOKEN, '', /./],
    ['with space around', ` \t${TOKEN} \r\n\n`, TOKEN, '', /./],
    ['of 4 KiB', 'x'.repeat(4096), 'x'.repeat(4096), '', /./],
    ['empty', '', null, 'secret.empty', /token is empty/],
    ['of space', ' \n\n', null, 'secret.empty', /token is empty/],
    ['larger', `${TOKEN}${'x'.repeat(4096)}`, null, 'secret.unusable', /larger than 4 KiB/],
    ['of two lines', `${TOKEN}\n${TOKEN}`, null, 'secret.unusable', /more in it than one secret/],
    ['with a name', `TOKEN = ${TOKEN}`, null, 'secret.unusable', /more in it than one secret/],
    ['with other letters', `${TOKEN}ü`, null, 'secret.unusable', /more in it/],
  ]

for (const [name, content, secret, code, words] of FILES)
  test(`a secret in a file ${name}`, async t => {
    const file = join(freshFolder(t), 'token')
    writeFileSync(file, content)
    const read = secretReader({})({ file })
    if (secret !== null) assert.equal(await read, secret)
    else {
      const fault = await refused(read)
      assert.equal(fault.code, code)
      assert.match(fault.message, words)
    }
  })

/** What is no file that can be read. */
const PLACES: readonly (readonly [name: string, make: (path: string) => void, code: string, words: RegExp])[] = [
  ['nothing', () => {}, 'secret.missing', /token is not there/],
  ['a folder', path => mkdirSync(path), 'secret.unreadable', /token is not a file/],
  ['a pipe', path => execFileSync('mkfifo', [path]), 'secret.unreadable', /token is not a file/],
  ['below a file', path => writeFileSync(join(path, '..', 'file'), ''), 'secret.missing', /is not there/],
]

for (const [name, make, code, words] of PLACES)
  test(`a secret in ${name}`, async t => {
    const folder = freshFolder(t)
    const file = join(folder, name === 'below a file' ? 'file/token' : 'token')
    make(join(folder, 'token'))
    const fault = await refused(secretReader({})({ file }))
    assert.equal(fault.code, code)
    assert.match(fault.message, words)
  })

test('a secret in a device is refused', async () => {
  assert.equal((await refused(secretReader({})({ file: '/dev/zero' }))).code, 'secret.unreadable')
})

test('a secret in a variable: there, not there, empty, inherited', async () => {
  const read = secretReader({ A: ` ${TOKEN}\n`, B: ' ', C: 'not-a-real token' })
  assert.equal(await read({ env: 'A' }), TOKEN)
  const codes: readonly (readonly [SecretSpec, string, RegExp])[] = [
    [{ env: 'B' }, 'secret.empty', /the variable B is empty/],
    [{ env: 'C' }, 'secret.unusable', /the variable C has more/],
    [{ env: 'D' }, 'secret.missing', /the variable D is not set/],
    [{ env: 'toString' }, 'secret.missing', /the variable toString is not set/],
  ]
  for (const [secret, code, words] of codes) {
    const fault = await refused(read(secret))
    assert.equal(fault.code, code)
    assert.match(fault.message, words)
  }
})

test('a secret is read anew each time', async t => {
  const file = join(freshFolder(t), 'token')
  writeFileSync(file, 'one')
  const read = secretReader({})
  assert.equal(await read({ file }), 'one')
  writeFileSync(file, 'two')
  assert.equal(await read({ file }), 'two')
})

test('a disk that does not answer is not waited for', async t => {
  const folder = freshFolder(t)
  const [file, pipe] = [join(folder, 'token'), join(folder, 'pipe')]
  writeFileSync(file, TOKEN)
  execFileSync('mkfifo', [pipe])
  // Every thread that Node reads files with waits for somebody to write into the pipe.
  const waiting = Array.from({ length: 64 }, () => open(pipe, 'r'))
  const release = () => openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  const late = setTimeout(release, 10_000)
  const fault = await refused(secretReader({}, 100)({ file }))
  clearTimeout(late)
  assert.deepEqual([fault.code, fault.retry], ['secret.unreadable', 'now'])
  assert.match(fault.message, /token can't be read in time/)
  const end = release()
  for (const handle of await Promise.all(waiting)) await handle.close()
  closeSync(end)
  assert.equal(await secretReader({})({ file }), TOKEN)
})
