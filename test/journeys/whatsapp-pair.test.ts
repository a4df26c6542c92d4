import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWhatsAppFake } from '../fakes/whatsapp/server.ts'
import { CHATS } from '../fakes/whatsapp/stand.ts'
import { makeStand } from './stand.ts'

const AGENT = { run: ['sleep', '1000'] }

test('heald whatsapp pair shows a code, says how to scan it, and is done when the telephone has', {
  timeout: 120_000,
}, async t => {
  const stand = await makeStand(t)
  const fake = await startWhatsAppFake()
  t.after(() => fake.close())
  const [group] = CHATS
  fake.account.chats.set(group, { id: group, name: 'Night shift', participants: [fake.account.me] })
  const config = (more: object) =>
    stand.configure({
      services: { agent: AGENT },
      routes: [{ to: ['whatsapp', 'console'] }],
      channels: { console: {}, ...more },
    })
  config({ whatsapp: { chats: [group], browserArgs: fake.browserArgs } })
  const words = ['whatsapp', 'pair', '--config', stand.configPath]
  const pairing = stand.start(stand.heald(...words))
  let [stdout, stderr] = ['', '']
  pairing.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  pairing.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise(resolve => pairing.once('close', resolve))
  await stand.wait('a code', () => stdout.includes('scan this code'))
  fake.scan()
  assert.equal(await ended, 0, stderr)
  assert.match(stdout, /█/)
  assert.match(stdout, /Linked devices, Link a device; scan this code/)
  assert.match(stdout, /Linked\. A bot that runs begins to use it by itself/)
  assert.match(stderr, /can be banned/)
  const again = await stand.cli(...words)
  assert.notEqual(again.code, 0)
  assert.match(again.stderr, /a device is linked already\n\s+Unlink it on the telephone first/)
  stand.configure({ services: { agent: AGENT }, channels: { console: {} } })
  const without = await stand.cli(...words)
  assert.match(without.stderr, /has no channel whatsapp/)
  assert.equal((await stand.cli('whatsapp')).code, 2)
})
