import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ShownChat } from '../fakes/board.ts'
import { freePort } from './port.ts'
import { makeStand, NODE, ROOT } from './stand.ts'

test('the fakes: what they print runs, a crash arrives in every chat, and Ctrl-C leaves nothing', async t => {
  const stand = await makeStand(t)
  const port = await freePort()
  const fakes = stand.start([NODE, join(ROOT, 'test/fakes/run.ts'), '--port', String(port)])
  let printed = ''
  fakes.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  await stand.wait('the configuration', () => printed.includes('slack:'))
  const page = `http://127.0.0.1:${port}`
  const chats = async (): Promise<ShownChat[]> => (await (await fetch(`${page}/chats`)).json()) as ShownChat[]
  assert.equal((await chats()).length, 6)
  assert.match(await (await fetch(page)).text(), /<main>/)

  const again = await stand.run([NODE, join(ROOT, 'test/fakes/run.ts'), '--port', String(port)])
  assert.equal(again.code, 1)
  assert.match(again.stderr, new RegExp(`port ${port} of 127.0.0.1 is taken`))

  const tokens = [...printed.matchAll(/export (\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value])
  assert.equal(tokens.length, 4)
  // The mark lets the stand find what runs. It is the sample's and the bot's, which gets the variables of tokens only.
  const marked = printed.replace('sample: {', `sample: { env: { HEALD_MARK: "${stand.mark}/sample" },`)
  writeFileSync(stand.configPath, marked.replace('sleep 15', 'sleep 100000'))
  await stand.up({ env: Object.fromEntries(tokens) })
  // A crash that is over before the bot has begun is nobody's news.
  await stand.wait(
    'the channels are up',
    async () => (await stand.status()).channels.every(({ state }) => state === 'up'),
    40_000,
  )
  const { pid } = await stand.inState('sample', 'ready')
  process.kill(pid ?? assert.fail('it has no process'), 'SIGKILL')
  await stand.wait('the card in every chat', async () =>
    (await chats()).every(({ messages }) => messages.some(({ isOurs, html }) => isOurs && /sample on/.test(html))),
  )
  const said = await fetch(`${page}/do`, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ platform: 'slack', chat: 'C0ONE', text: '/status' }),
  })
  assert.equal(said.status, 200)
  const foreign = await fetch(`${page}/do`, { method: 'POST', body: '{}' })
  assert.equal(foreign.status, 404, 'a form of another page can do nothing')
  await stand.must('down')
  fakes.kill('SIGINT')
  assert.deepEqual(await once(fakes, 'exit'), [0, null])
  await stand.nothingLeft()
  assert.ok(!readFileSync(stand.daemonLog, 'utf8').includes('unhandled'))
})
