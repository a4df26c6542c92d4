import type { Channel, ChannelEvents, PostHow, Verdict, Word } from '../../../bot/channel.ts'
import { type SlackPlatform, startSlackPlatform } from '../../fakes/slack/platform.ts'
import { until } from '../../until.ts'

type State = Parameters<ChannelEvents['onState']>[0]

/** A platform with one adapter at it, and all that the adapter told. */
export interface Stand {
  readonly platform: SlackPlatform
  readonly channel: Channel
  readonly words: Word[]
  readonly states: State[]
  isUp(): boolean
}

/** Connected, and closed when the test ends. */
export async function standUp(
  t: { after(run: () => Promise<void>): void },
  options: Parameters<typeof startSlackPlatform>[0] = {},
): Promise<Stand> {
  const platform = await startSlackPlatform(options)
  const words: Word[] = []
  const states: State[] = []
  const channel = await platform.open({
    onWord: word => void words.push(word),
    onState: state => void states.push(state),
  })
  t.after(async () => {
    await channel.close()
    await platform.close()
  })
  const isUp = () => states.at(-1)?.isUp === true
  await until('it is up', isUp)
  return { platform, channel, words, states, isUp }
}

let count = 0

export function how(change: Partial<PostHow> = {}): PostHow {
  count += 1
  return { key: `key-${count}`, isAgain: false, isSilent: false, replyTo: null, ...change }
}

export function referenceOf(verdict: Verdict): string {
  if (verdict.verdict !== 'done') throw new Error(`not done: ${JSON.stringify(verdict)}`)
  return verdict.reference
}

/** What nobody caught while the test ran. */
export function uncaught(t: { after(run: () => void): void }): unknown[] {
  const seen: unknown[] = []
  const note = (error: unknown) => void seen.push(error)
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(event, note)
    t.after(() => void process.off(event, note))
  }
  return seen
}
