import type { Card } from '../../bot/card.ts'
import { cardItemId, type Item, newItem } from '../../bot/item.ts'
import type { Message } from '../../bot/message.ts'
import { addPing } from '../../bot/pings.ts'
import { render } from '../../bot/render.ts'
import type { Scene } from './scenes.ts'
import { PLACE, type Story } from './story.ts'

/** The story's newest card, as it is drawn now. */
export function sceneOf(name: string, caption: string, story: Story, ping: Message | null = null): Scene {
  return { name, caption, atMs: story.nowMs(), card: render(story.card(), PLACE), ping }
}

/** The answer with a sound that a critical card gets. */
export function pingOf(card: Card): Message {
  const items = new Map<string, Item>()
  const common = { channel: 'telegram', chat: '1', card: card.id, graceMs: 0 }
  addPing(items, newItem({ id: cardItemId(card.id, 'telegram', '1'), what: 'card', ...common }), card, PLACE)
  return wordsIn(items)
}

export function wordsIn(items: ReadonlyMap<string, Item>): Message {
  for (const { words } of items.values()) if (words !== null) return words
  throw new Error('nobody is called')
}
