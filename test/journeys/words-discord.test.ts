import { test } from 'node:test'
import { makeWordsSite } from './words-site.ts'

/** Discord's clients send no command without what it needs, nor with what it has no option for or that is none of its choices. */
const UNSAID = [
  ...[
    'ack',
    'approve',
    'deny',
    'deploy',
    'deploy app',
    'diff',
    'diff app',
    'incident',
    'logs',
    'proof',
    'report',
    'resolve',
  ],
  ...['restart', 'rollback', 'show', 'silence', 'silence job', 'stop', 'unsilence'],
  ...['commands all', 'incidents all', 'oncall now', 'silences job', 'unfreeze app', 'whoami please'],
  ...['logs flap many', 'report {incident} pdf', `freeze ${'x'.repeat(301)}`],
  // Words for the host only.
  ...['unlock', 'unlock bob'],
]

test('every word on Discord: its help, what is wrong with a wrong use, and what comes of a right one', async t => {
  const site = await makeWordsSite(t, 'discord')
  await site.everyWord(UNSAID)
  await site.sameOrder(site.platform.chats[0], ['/silence job 30m new disk'])
  site.chats.withinLimits()
  await site.stand.verified()
})
