import type { NoticeSpec } from '../core/config/notice-spec.ts'
import { cleaned } from './cleaned.ts'
import { type Item, newItem } from './item.ts'
import type { Message } from './message.ts'
import type { Place } from './render.ts'

/** In every chat, with a sound: what heald hands over as its record can't be all true. */
export function raiseUnfit(
  items: Map<string, Item>,
  why: string,
  { notice, place }: { notice: NoticeSpec; place: Place },
): void {
  const words = unfitPost(why, place)
  for (const { kind: channel, chats } of notice.channels)
    for (const chat of chats) {
      const id = `unfit ${why}|${channel}|${chat}`
      if (!items.has(id)) items.set(id, newItem({ id, what: 'alarm', channel, chat, card: '', graceMs: 0, words }))
    }
}

function unfitPost(why: string, { host }: Place): Message {
  return cleaned({
    ...{ tone: 'critical', icon: '🔴' },
    title: `The record does not fit: heald on ${host}`,
    blocks: [
      {
        block: 'text',
        text: `What heald hands over to this bot as its record is not a whole chain (${why}). What does not fit is left out, so cards may miss something. To look, on the host: heald ledger verify`,
      },
    ],
    ...{ footer: host, buttons: [] },
  })
}
