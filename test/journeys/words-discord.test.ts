import { test } from 'node:test'
import { makeWordsSite } from './words-site.ts'

test('every word on Discord: its help, what is wrong with a wrong use, and what comes of a right one', async t => {
  const site = await makeWordsSite(t, 'discord')
  await site.everyWord()
  await site.sameOrder(site.platform.chats[0], ['/silence job 30m new disk'])
  site.chats.withinLimits()
  await site.stand.verified()
})
