import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { makeChats } from './chats.ts'
import { NODE, ROOT } from './stand.ts'

/** Between the bot and heald: what heald answers is changed on its way, where `from` stands. */
async function makeForger(t: TestContext, { path, heald, from, to }: { [name: string]: string }) {
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    const forwarded = request({ socketPath: heald ?? '', method, path: url, headers }, answer => {
      const forge = new Transform({
        transform: (chunk, _, done) => done(null, String(chunk).replaceAll(from ?? '', to ?? '')),
      })
      answer.pipe(forge).pipe(outgoing.writeHead(answer.statusCode ?? 500, answer.headers))
    })
    forwarded.on('error', () => outgoing.destroy())
    outgoing.on('close', () => forwarded.destroy())
    incoming.pipe(forwarded)
  })
  server.listen(path)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
}

test('an entry that is changed on its way to the bot is told of in every chat, once, and leads to nothing else', async t => {
  const chats = await makeChats(t)
  const { stand, all } = chats
  const job = { run: ['sleep', '100000'], stop: { timeout: '2s' } }
  chats.configure({ services: { 'job-a': job, 'job-b': job, 'job-c': job }, bot: { run: 'unit' } })
  await stand.up()
  const socket = join(stand.root, 'forged.sock')
  await makeForger(t, {
    ...{ path: socket, heald: join(stand.state, 'bot.sock') },
    ...{ from: '"services":["job-a"]', to: '"services":["job-b"]' },
  })
  const argv = [NODE, join(ROOT, 'heald.js'), 'bot', '--folder', join(stand.root, 'bot'), '--socket', socket]
  stand.start(argv, { env: chats.env })
  const isUp = async () => {
    const { channels } = await stand.status()
    return channels.length === all.length && channels.every(({ state }) => state === 'up')
  }
  await stand.wait('the channels are up', isUp, 40_000)

  for (let times = 0; times < 2; times += 1) await stand.must('silence', 'job-a', '1h')
  await stand.must('silence', 'job-c', '1h')
  await chats.everywhere('what fits', texts => texts.some(text => text.includes('Silenced: job-c')))
  await chats.everywhere('the alarm', texts => texts.some(text => text.includes('The record does not fit')))
  for (const platform of all) {
    const shown = chats.shown(platform)
    const alarms = shown.filter(({ text }) => text.includes('The record does not fit'))
    assert.deepEqual(
      alarms.map(({ isSilent }) => isSilent),
      [false],
      platform.name,
    )
    assert.match(alarms[0]?.text ?? '', /the hash does not match the line[\s\S]*heald ledger verify/)
    assert.ok(!shown.some(({ text }) => /Silenced: job-[ab]/.test(text)), `${platform.name} shows what is not so`)
  }
  chats.withinLimits()
  await stand.verified()
})
