import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ShownChat } from '../fakes/board.ts'
import { codeNow, SECRET } from './people.ts'
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
  const secret = join(stand.root, 'totp')
  writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 })
  const withCodes = marked.replace('role: admin,', `role: admin, totp: { file: ${secret} },`)
  assert.notEqual(withCodes, marked)
  writeFileSync(stand.configPath, withCodes.replace('sleep 15', 'sleep 100000'))
  await stand.up({ env: Object.fromEntries(tokens) })
  // A bot that is new tells of what comes, not of what was over before.
  await stand.wait('the channels', () => stand.of('channel.up').length === 3)
  const { pid } = await stand.inState('sample', 'ready')
  process.kill(pid ?? assert.fail('it has no process'), 'SIGKILL')
  await stand.wait('the card in every chat', async () =>
    (await chats()).every(({ messages }) => messages.some(({ isOurs, html }) => isOurs && /sample on/.test(html))),
  )
  const act = async (what: object) => {
    const headers = { 'content-type': 'application/json' }
    const done = await fetch(`${page}/do`, { method: 'POST', headers, body: JSON.stringify(what) })
    assert.equal(done.status, 200, await done.text())
  }
  await stand.must('ledger', 'checkpoint')
  for (const [at, platform] of (['discord', 'slack'] as const).entries()) {
    const here = async () => (await chats()).find(each => each.platform === platform) ?? assert.fail()
    const chat = { platform, chat: (await here()).id }
    const answer = (what: RegExp) =>
      stand.wait(`${platform} shows ${what} to nobody else`, async () =>
        (await here()).messages.findLast(({ isPrivate, html }) => isPrivate && what.test(html)),
      )
    const form = (isOpen: boolean) =>
      stand.wait(`${platform} has a form: ${isOpen}`, async () => ((await here()).form !== null) === isOpen)
    await act({ ...chat, text: '/stop sample' })
    const waiting = await answer(/Waiting: stop sample/)
    const [, button] = /data-id="([^"]+)"[^>]*>Approve</.exec(waiting.html) ?? []
    const press = { ...chat, message: waiting.id, button }
    await act(press)
    await form(true)
    await act({ ...chat, code: null })
    await form(false)
    await act(press)
    await form(true)
    await act({ ...chat, code: codeNow(at) })
    await form(false)
    await answer(/Done: stop sample/)
    await act({ ...chat, text: '/start sample' })
    await answer(/Done: start sample/)
    await act({ ...chat, text: '/proof 1' })
    await stand.wait(`${platform} shows a file`, async () =>
      (await here()).messages.some(({ html }) => html.includes('📎 receipt-1.txt')),
    )
  }
  const foreign = await fetch(`${page}/do`, { method: 'POST', body: '{}' })
  assert.equal(foreign.status, 404, 'a form of another page can do nothing')
  await stand.must('down')
  fakes.kill('SIGINT')
  assert.deepEqual(await once(fakes, 'exit'), [0, null])
  await stand.nothingLeft()
  assert.ok(!readFileSync(stand.daemonLog, 'utf8').includes('unhandled'))
})
