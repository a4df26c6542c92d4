import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { codeOf } from '../../core/fault.ts'
import { makeChats } from '../journeys/chats.ts'
import { peopleOf } from '../journeys/people.ts'

const QUICK = {
  restart: { backoff: { base: '5ms', cap: '50ms', resetAfter: '100ms' } },
  crashLoop: { failures: 1000, within: '1s' },
}

/** Until nothing more goes in: heald may have written the last of it itself. */
function fillDisk(path: string): void {
  const { bavail, bsize } = statfsSync(dirname(path))
  try {
    writeFileSync(path, Buffer.alloc((bavail + 1) * bsize))
    assert.fail('there is room left')
  } catch (error) {
    assert.equal(codeOf(error), 'ENOSPC')
  }
}

test('while the ledger can not be written, orders from chats are refused with the reason, and questions are answered', async t => {
  const chats = await makeChats(t)
  const { stand } = chats
  mkdirSync(stand.state, { mode: 0o700 })
  try {
    const how = ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'heald-test', stand.state]
    execFileSync('mount', how, { stdio: 'pipe' })
  } catch {
    return t.skip('no small disk can be mounted here')
  }
  stand.onEnd(() => execFileSync('umount', ['-l', stand.state]))
  const services = { web: { run: ['sleep', '100000'], ...QUICK }, job: { run: ['sleep', '100001'], ...QUICK } }
  chats.configure({ services, operators: peopleOf(chats), routes: [{ to: [] }] })
  await chats.up()
  const pid = await stand.onlyProcess('job')

  const ballast = join(stand.state, 'ballast')
  fillDisk(ballast)
  // There is room left within the last block of a file.
  await stand.wait('nothing is recorded', async () => {
    process.kill(await stand.onlyProcess('web'), 'SIGKILL')
    return (await stand.status()).daemon.recording === 'degraded'
  })
  const { why = '' } = (await stand.status()).daemon
  for (const platform of chats.all) {
    const answered = (says: RegExp) =>
      stand.wait(`${platform.name} answers ${says}`, () => platform.answers().some(({ text }) => says.test(text)))
    platform.say(chats.chatOf(platform), '/restart job')
    await answered(/orders are refused while nothing can be recorded: .*the disk is full/i)
    platform.say(chats.chatOf(platform), '/status')
    await answered(/2 services|3 services/)
  }
  assert.match(why ?? '', /the disk is full/)
  assert.equal(await stand.onlyProcess('job'), pid, 'nothing was done')

  rmSync(ballast)
  await stand.wait('it records again', async () => (await stand.status()).daemon.recording === 'ok')
  assert.deepEqual(stand.of('command.requested'), [], 'nothing is done later')
  chats.telegram.say(chats.chatOf(chats.telegram), '/restart job')
  await stand.wait('it is done now', () => stand.of('command.succeeded').length === 1)
  await stand.verified()
})
