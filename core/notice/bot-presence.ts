import type { Follow } from '../api/routes.ts'

/**
 * Whether a bot is there: it follows the ledger for as long as it is. One that went, even by a kill -9, takes with it what it
 * has told of its channels; the next one tells anew.
 */
export interface BotPresence {
  /** The bot's way to follow the ledger. */
  readonly follow: Follow
  isThere(): boolean
  /** Of this channel, since a bot is there. */
  hasTold(channel: string): boolean
  told(channel: string): void
}

export function botPresence(follow: Follow): BotPresence {
  const channels = new Set<string>()
  let following = 0

  return {
    async *follow(fromSeq, signal) {
      following += 1
      try {
        yield* follow(fromSeq, signal)
      } finally {
        following -= 1
        if (following === 0) channels.clear()
      }
    },
    isThere: () => following > 0,
    hasTold: channel => channels.has(channel),
    told: channel => void channels.add(channel),
  }
}
