import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLACK_PACE } from '../../../adapters/chat/slack.ts'
import { pace as telegramPace } from '../../../adapters/chat/telegram-payload.ts'
import { createPace } from '../../../bot/pace.ts'
import { createWorkspace } from '../../fakes/slack/workspace.ts'
import { createFlood } from '../../fakes/telegram/flood.ts'

const MINUTES = 5

for (const chats of [['C1'], ['C1', 'C2', 'C3']])
  test(`edits and posts in ${chats.length} channels of Slack, as fast as they may go: no limit is passed`, t => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
    const workspace = createWorkspace()
    const pace = createPace(() => SLACK_PACE)
    const count = { edit: 0, post: 0 }
    for (let ms = 0; ms < MINUTES * 60_000; ms += 20) {
      for (const [at, chat] of chats.entries()) {
        // A post now and then, all else edits, as in a storm.
        const act = (ms / 20 + at) % 97 === 0 ? 'post' : 'edit'
        if (pace.waitMs(chat, act, ms % 3 === 0, ms) > 0) continue
        pace.note(chat, act, ms)
        workspace.takeTurn(act === 'edit' ? 'chat.update' : 'chat.postMessage', chat)
        count[act] += 1
      }
      t.mock.timers.tick(20)
    }
    t.diagnostic(`${count.edit} edits and ${count.post} posts in ${MINUTES} minutes`)
    assert.deepEqual(workspace.breaches, [])
    assert.ok(count.edit > MINUTES * 30, `${count.edit} edits`)
  })

for (const people of [1, 60])
  test(`a group and ${people} other chats of Telegram, as fast as they may go: no limit is passed`, t => {
    let nowMs = 0
    const flood = createFlood(() => nowMs)
    const pace = createPace(telegramPace)
    const chats = [-1001234567890, ...Array.from({ length: people }, (_, n) => 5000 + n)]
    let count = 0
    for (; nowMs < MINUTES * 60_000; nowMs += 20)
      for (const chat of chats) {
        if (pace.waitMs(String(chat), 'edit', true, nowMs) > 0) continue
        pace.note(String(chat), 'edit', nowMs)
        flood.take(chat, chat < 0)
        count += 1
      }
    t.diagnostic(`${count} requests in ${MINUTES} minutes`)
    assert.deepEqual(flood.breaches, [])
    assert.ok(count > MINUTES * 60, `${count} requests`)
  })
