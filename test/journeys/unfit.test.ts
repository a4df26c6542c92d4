import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeBetween } from './between.ts'
import { makeChats } from './chats.ts'

test('an entry that is changed on its way to the bot is told of in every chat, once, and leads to nothing else', async t => {
  const chats = await makeChats(t)
  const { stand, all } = chats
  const job = { run: ['sleep', '100000'], stop: { timeout: '2s' } }
  chats.configure({ services: { 'job-a': job, 'job-b': job, 'job-c': job }, bot: { run: 'unit' } })
  await stand.up()
  const socket = join(stand.root, 'forged.sock')
  await makeBetween(t, socket, join(stand.state, 'bot.sock'), {
    change: text => text.replaceAll('"services":["job-a"]', '"services":["job-b"]'),
  })
  await chats.startBot(socket)

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
