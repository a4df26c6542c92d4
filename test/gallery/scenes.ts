import type { Message } from '../../bot/message.ts'
import { PLATFORMS } from '../../core/command/port.ts'
import { commands } from './scenes-commands.ts'
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
  /** What somebody has said, where the card is the answer to it; on some platforms nobody else sees it. */
  readonly said?: string
}

/** One picture for each platform. */
export interface Group {
  readonly name: string
  readonly scenes: readonly Scene[]
}

/** What the platform shows: answers are written for it, and only some take words. */
export function scenesOn(name: string): Group[] {
  const platform = PLATFORMS.find(each => each === name)
  return [
    { name: 'crashes', scenes: crashes() },
    { name: 'deploys', scenes: deploys() },
    { name: 'people', scenes: people() },
    ...(platform === undefined ? [] : [{ name: 'commands', scenes: commands(platform) }]),
  ]
}
