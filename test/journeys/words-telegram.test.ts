import { test } from 'node:test'
import { makeWordsSite } from './words-site.ts'

test('every word on Telegram: its help, what is wrong with a wrong use, and what comes of a right one', async t => {
  const site = await makeWordsSite(t, 'telegram')
  await site.everyWord()
  // In a group the clients write `/silence@heald_bot job …`.
  await site.sameOrder(site.platform.chats[0], [
    '/silence job 30m new disk',
    '/Silence   job  30m  new disk',
    '/heald silence job 30m new disk',
  ])
  site.chats.withinLimits()
  await site.stand.verified()
})
