import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runBot } from '../../bot/bot.ts'
import type { ChannelEvents, Word } from '../../bot/channel.ts'
import { BOT_ROUTES } from '../../core/api/bot-routes.ts'
import type { Status } from '../../core/api/control.ts'
import { serve } from '../../core/api/server.ts'
import { systemClock } from '../../core/clock.ts'
import type { Reply } from '../../core/command/port.ts'
import { createBotDesk } from '../../core/notice/bot-desk.ts'
import { temporaryFolder } from '../core/api/stand.ts'
import { configOf, notebook, TELEGRAM } from '../core/notice/stand.ts'
import { fakeChat } from '../fakes/chat.ts'
import { NO_COMMANDS } from '../fakes/no-commands.ts'
import { until } from '../until.ts'

test('a bot that ends hears nothing any more before it waits for anything; what was said before is answered', async t => {
  const folder = temporaryFolder(t)
  const book = notebook()
  const config = configOf({ channels: [TELEGRAM] })
  const happened: string[] = []
  // Core answers as soon as the channel is deaf, and not before.
  const deaf = Promise.withResolvers<void>()
  const answer: Reply = { reply: 'answer', word: 'silences', args: {}, data: [] }
  const control = createBotDesk({
    ...{ clock: book.clock, memory: book.folded.notices, incidents: book.folded.incidents, append: book.append },
    config: () => config,
    head: () => ({ size: 0, h: 'ab', recording: 'ok' }),
    checkpoints: { latest: () => null, keep: async () => {}, keyOf: async () => null },
    status: () => ({ host: 'web-1' }) as Status,
    whenReady: async () => {},
    commands: {
      ...NO_COMMANDS,
      async request() {
        happened.push('asked')
        await deaf.promise
        return answer
      },
    },
    tails: { of: () => null },
    onTold: () => {},
  })
  const ending = new AbortController()
  const server = await serve({
    ...{ socket: join(folder, 'bot.sock'), routes: BOT_ROUTES, control },
    async *follow() {
      await new Promise(resolve => ending.signal.addEventListener('abort', resolve))
    },
  })
  t.after(() => server.close(100))

  const opened = Promise.withResolvers<ChannelEvents>()
  const chat = fakeChat('telegram', { tellTwins: false })
  const running = runBot({
    ...{ socket: join(folder, 'bot.sock'), state: join(folder, 'bot'), clock: systemClock, random: () => 0.5 },
    ...{ readSecret: async () => '', warn: text => void happened.push(text), signal: ending.signal },
    openChannel:
      () =>
      async (_spec, { events }) => {
        opened.resolve(events)
        return {
          ...chat.channel,
          deafen() {
            happened.push('deaf')
            deaf.resolve()
          },
          close: async () => void happened.push('closed'),
        }
      },
  })
  const word: Word = {
    ...{ platform: 'telegram', user: '1', name: 'Alice', chat: '-100', key: 'telegram:9:-100:1', saidMs: null },
    ...{ button: null, text: '/silences', options: null, code: null, isPaced: false, askCode: null, showBusy: null },
    hide: async () => true,
    async reply() {
      happened.push('answered')
      return null
    },
  }
  void (await opened.promise).onWord(word)
  await until('core is asked', () => happened.includes('asked'))
  ending.abort()
  await running
  assert.deepEqual(happened, ['asked', 'deaf', 'answered', 'closed'])
})
