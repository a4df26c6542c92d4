import assert from 'node:assert/strict'
import { chownSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeStand } from './stand.ts'

const OTHER = 54_321

/** Files and folders in `folder` that are not that user's; what is removed meanwhile is nobody's. */
function notTheirs(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter(name => (lstatSync(join(folder, name), { throwIfNoEntry: false })?.uid ?? OTHER) !== OTHER)
}

/** What heald does itself where no daemon runs. */
const WRITERS = [['keygen'], ['ledger', 'checkpoint'], ['ledger', 'erase', '1']]

test('root takes nothing in the state of another user away from them', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const stand = await makeStand(t)
  const { state, root, home, configPath } = stand
  const totp = join(root, 'totp-alice')
  stand.configure({
    services: { calm: { run: ['sleep', '1000'] } },
    operators: { alice: { role: 'admin', totp: { file: totp } } },
  })
  for (const path of [root, home, configPath]) chownSync(path, OTHER, OTHER)
  const wrap = ['setpriv', `--reuid=${OTHER}`, `--regid=${OTHER}`, '--clear-groups']
  await stand.up({ wrap })
  await stand.must('down')
  await stand.nothingLeft()
  assert.deepEqual(notTheirs(state), [])

  for (const words of [...WRITERS, ['up', '--config', configPath]]) {
    const { code, stderr } = await stand.cli(...words)
    assert.equal(code, 2, `${words.join(' ')}: ${stderr}`)
    assert.match(stderr, /belongs to user 54321's heald/)
    assert.ok(stderr.replaceAll(/\s+/g, ' ').includes(`sudo -u '#54321' heald … --state ${state}`), stderr)
    assert.deepEqual(notTheirs(state), [], words.join(' '))
  }
  // Not in the state folder, and read by the daemon all the same.
  await stand.must('totp', 'alice', '--config', configPath)
  assert.equal(statSync(totp).uid, OTHER)
  assert.equal(statSync(totp).mode & 0o777, 0o600)

  const { checks } = await stand.json<{ checks: { id: string; state: string; why: string }[] }>('doctor')
  const told = checks.find(({ id }) => id === 'state')
  assert.equal(told?.state, 'missing')
  assert.match(told?.why ?? '', /belongs to user 54321/)
  assert.deepEqual(notTheirs(state), [])

  await stand.up({ wrap })
  assert.equal((await stand.status()).daemon.recording, 'ok')
  // What runs is only asked.
  for (const words of [['keygen'], ['ledger', 'checkpoint']]) await stand.must(...words)
  await stand.must('down')
  await stand.nothingLeft()
  assert.deepEqual(notTheirs(state), [])
  await stand.verified()
})

test('who may not look into a state is told whose it is', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const stand = await makeStand(t)
  chownSync(stand.root, OTHER, OTHER)
  for (const path of [stand.state, join(stand.state, 'ledger'), join(stand.state, 'ledger/seg')]) {
    mkdirSync(path, { mode: 0o700 })
    chownSync(path, OTHER, OTHER)
  }
  writeFileSync(join(stand.state, 'ledger/seg/000000000000.jsonl'), '')
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
  for (const words of [['ledger', 'verify'], ['keygen'], ['incidents']]) {
    const { stderr } = await stand.run([...nobody, ...stand.heald(...words)])
    assert.ok(stderr.includes(`sudo -u '#54321' heald …`), stderr)
  }
})
