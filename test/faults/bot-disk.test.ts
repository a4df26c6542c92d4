import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeChats } from '../journeys/chats.ts'

const QUICK = { restart: { backoff: { base: '5ms', cap: '50ms', resetAfter: '100ms' } } }

test('the disk of the bot is full: healing goes on, cards go out, it is said once, and nothing is doubled afterwards', async t => {
  const chats = await makeChats(t)
  const { stand } = chats
  const folder = join(stand.root, 'bot')
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'heald-test', folder], { stdio: 'pipe' })
  } catch {
    return t.skip('no small disk can be mounted here')
  }
  stand.onEnd(() => execFileSync('umount', ['-l', folder]))
  chats.configure({
    services: { api: { run: ['sleep', '100000'], ...QUICK }, web: { run: ['sleep', '100001'], ...QUICK } },
    bot: { state: folder },
  })
  await chats.up()
  const crash = async (name: string): Promise<void> => {
    const healed = stand.of('service.recovered', name).length
    process.kill(await stand.onlyProcess(name), 'SIGKILL')
    await stand.wait(`${name} is healed`, () => stand.of('service.recovered', name).length > healed)
  }
  const resolved = (name: string) => (texts: readonly string[]) =>
    texts.filter(text => text.includes(name) && /Resolved|Caught up/.test(text)).length === 1
  await crash('api')
  await chats.everywhere('the card of api', resolved('api'))
  await stand.wait('its state is kept', () => statfsSync(folder).bfree < statfsSync(folder).blocks)

  const ballast = join(folder, 'ballast')
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(ballast, Buffer.alloc(bavail * bsize))
  assert.equal(statfsSync(folder).bavail, 0)
  await crash('web')
  await chats.everywhere('the card of web', resolved('web'))
  await crash('web')
  const log = async (): Promise<string> => (await stand.cli('logs', 'bot')).stdout
  const said = await stand.wait('the bot says it', async () => {
    const lines = (await log()).split('\n').filter(line => line.includes("can't be saved"))
    return lines.length > 0 ? lines : null
  })
  assert.match(said[0] ?? '', /no space left on device/)
  assert.equal(said.length, 1)
  assert.equal((await stand.service('bot')).restarts, 0)
  const shown = () => chats.all.map(platform => chats.texts(platform).length)
  const before = shown()

  rmSync(ballast)
  await crash('api')
  await stand.wait('the bot says that it is well', async () => (await log()).includes('the state can be saved again'))
  const { pid } = await stand.service('bot')
  process.kill(pid ?? 0, 'SIGKILL')
  await stand.wait('another bot', async () => {
    const now = await stand.service('bot')
    return now.state === 'ready' && now.pid !== pid
  })
  await crash('web')
  await stand.wait('all is over', async () => (await stand.status()).incidents.open === 0)
  const old = /Warning|Critical/
  await chats.everywhere('no card is left open', texts => texts.every(text => !old.test(text)))
  for (const [at, count] of shown().entries())
    assert.ok(count <= (before[at] ?? 0) + 2, `${chats.all[at]?.name}: ${count} messages after ${before[at]}`)
  chats.withinLimits()
})
