import type { Message } from '../../bot/message.ts'
import { crashes } from './scenes-crashes.ts'
import { deploys } from './scenes-deploys.ts'
import { people } from './scenes-people.ts'

/** Something that people see: a card as it stands at the end, with what answers to it. */
export interface Scene {
  readonly name: string
  /** One short sentence, that stands over the picture. */
  readonly caption: string
  /** When it is looked at. */
  readonly atMs: number
  readonly card: Message
  /** A message with a sound that answers to the card; null: none. */
  readonly ping: Message | null
}

/** One picture for each platform. */
export interface Group {
  readonly name: string
  readonly scenes: readonly Scene[]
}

export function allScenes(): Group[] {
  return [
    { name: 'crashes', scenes: crashes() },
    { name: 'deploys', scenes: deploys() },
    { name: 'people', scenes: people() },
  ]
}
