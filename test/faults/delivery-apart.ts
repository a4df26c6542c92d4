import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { emptyAsked } from '../../bot/asked.ts'
import { applyEntry, emptyCards } from '../../bot/cards.ts'
import { createOutbox } from '../../bot/outbox.ts'
import { policyOf } from '../../bot/route.ts'
import { systemClock } from '../../core/clock.ts'
import type { ChannelSpec } from '../../core/config/channel-spec.ts'
import type { Entry } from '../../core/entry.ts'
import { ALL, channelSpec, noticeSpec } from '../bot/stand.ts'
import type { Platform } from '../conformance/platform.ts'
import { until } from '../until.ts'
import { deadChannel } from './delivery-oracle.ts'

const INCIDENTS = 4
const HANGS_MS = 8000
const GRACE_MS = 100
/** From one incident to the next: they are no group, and the platform's pace does not hold the later one up. */
const apartMs = (kind: ChannelSpec['kind']) => (kind === 'whatsapp' ? 5500 : 2200)

/** How long each incident takes to be shown, in ms, beside a channel that hangs and fails and a chat that refuses. */
export async function timesBesideDead(kind: ChannelSpec['kind'], platform: Platform): Promise<number[]> {
  const [dead, chat] = platform.chats
  platform.leave(dead)
  const notice = noticeSpec({
    channels: [channelSpec('console'), channelSpec(kind, { chats: [dead, chat] })],
    routes: [{ match: ALL, to: ['console', kind], graceMs: GRACE_MS }],
  })
  const cards = emptyCards()
  let isUp = false
  const channel = await platform.open({
    onState(state) {
      isUp = state.isUp
    },
  })
  const hung = deadChannel(HANGS_MS)
  const outbox = createOutbox({
    ...{ clock: systemClock, random: Math.random, cards, items: new Map(), asked: emptyAsked(), notice: () => notice },
    place: { host: 'web-1', tz: 'UTC' },
    channels: new Map([
      ['console', hung],
      [kind, channel],
    ]),
    ...{ save: async () => {}, onPosted: () => {}, onOutcome: () => {}, warn: () => {} },
  })
  const times: number[] = []
  try {
    await until('it is up', () => isUp)
    for (let seq = 0; seq < INCIDENTS; seq += 1) {
      const [svc, ts] = [`svc${seq}`, new Date().toISOString()]
      const data = { severity: 'warning', cause: 'killed by SIGKILL', services: [svc] }
      const rest = { v: 1, prev: '0'.repeat(64), mono: 0, boot: 'aaaa0000', h: `${seq}`.padStart(64, 'a') }
      const entry = { ...rest, seq, ts, kind: 'incident.opened', data, svc, inc: `${svc}-${seq}` } as unknown as Entry
      const fromMs = performance.now()
      outbox.take(applyEntry(cards, entry, policyOf(notice, cards.silences, Date.now())))
      outbox.wake()
      await until(`${svc} is shown`, () => platform.shown(chat).some(({ text }) => text.includes(svc)))
      times.push(performance.now() - fromMs)
      await sleep(apartMs(kind))
    }
    assert.ok(platform.shown(dead).length === 0)
    return times
  } finally {
    await outbox.close()
    await channel.close()
    await platform.close()
  }
}
