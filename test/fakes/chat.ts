import type { Channel, PostHow, Verdict, Window } from '../../bot/channel.ts'
import type { Message } from '../../bot/message.ts'

export type ChatTrouble = 'error' | 'slow down' | 'answer lost' | 'cut' | 'gone' | 'refused' | 'not as it is'

/** A message that people see. */
export interface ShownMessage {
  readonly reference: string
  readonly chat: string
  readonly key: string
  message: Message
  readonly isSilent: boolean
  readonly replyTo: string | null
  edits: number
}

/** A chat platform in memory, behind the channel port: for tests of what comes before an adapter. */
export interface FakeChat {
  readonly channel: Channel
  readonly shown: Map<string, ShownMessage>
  /** What the next requests meet, one each. */
  readonly troubles: ChatTrouble[]
  /** While true, every request fails as if the network were cut. */
  isAway: boolean
  requests: number
  /** Messages that are there more than once. */
  twins(): number
  texts(chat?: string): string[]
  remove(reference: string): void
}

export function fakeChat(
  name: string,
  options: { tellTwins: boolean; pace?: readonly Window[]; mostChars?: number; delay?: () => Promise<unknown> },
): FakeChat {
  const shown = new Map<string, ShownMessage>()
  let count = 0

  async function answer(doIt: () => Verdict): Promise<Verdict> {
    fake.requests += 1
    await options.delay?.()
    if (fake.isAway) return retry('no network')
    const trouble = fake.troubles.shift()
    switch (trouble) {
      case 'error':
        return { ...retry('error 500'), isOpen: true }
      case 'cut':
        return retry('cut')
      case 'slow down':
        return { ...retry('slow down'), afterMs: 2000 }
      case 'answer lost':
        doIt()
        return { ...retry('no answer'), isOpen: true }
      case 'refused':
        return { verdict: 'refused', of: 'chat', why: 'not a member' }
      case 'not as it is':
        return { verdict: 'refused', of: 'message', why: 'bad format' }
      case 'gone':
        return { verdict: 'gone', why: 'removed' }
      case undefined: {
        const verdict = doIt()
        await options.delay?.()
        return verdict
      }
    }
  }
  const retry = (why: string): Extract<Verdict, { verdict: 'retry' }> => ({
    ...{ verdict: 'retry', afterMs: null, of: 'chat', isOpen: false, why },
  })

  const fake: FakeChat = {
    shown,
    troubles: [],
    isAway: false,
    requests: 0,
    twins() {
      const keys = [...shown.values()].map(({ key }) => key)
      return keys.length - new Set(keys).size
    },
    texts: chat =>
      [...shown.values()].filter(each => chat === undefined || each.chat === chat).map(({ message }) => message.title),
    remove: reference => void shown.delete(reference),
    channel: {
      name,
      pace: () => options.pace ?? [],
      fits: message => JSON.stringify(message).length <= (options.mostChars ?? 20_000),
      post: (chat, message, how: PostHow) =>
        answer(() => {
          const twin = [...shown.values()].find(({ key }) => key === how.key)
          if (twin !== undefined && options.tellTwins) return { verdict: 'done', reference: twin.reference }
          count += 1
          const reference = `m${count}`
          shown.set(reference, { reference, chat, message, edits: 0, ...how })
          return { verdict: 'done', reference }
        }),
      edit: (_chat, reference, message) =>
        answer(() => {
          const there = shown.get(reference)
          if (there === undefined) return { verdict: 'gone', why: 'removed' }
          there.message = message
          there.edits += 1
          return { verdict: 'done', reference }
        }),
      close: async () => {},
    },
  }
  return fake
}
