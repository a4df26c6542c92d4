import { join } from 'node:path'
import type { ChannelSpec, SecretSpec } from '../core/config/channel-spec.ts'
import type { NoticeSpec } from '../core/config/notice-spec.ts'
import { messageOf } from '../core/fault.ts'
import type { Channel, ChannelEvents, OpenChannel } from './channel.ts'
import { SAYABLE } from './sayable.ts'

export interface OpenOptions {
  /** Folder of the bot's own state; absolute. */
  readonly state: string
  readonly openChannel: (spec: ChannelSpec) => OpenChannel
  readonly readSecret: (secret: SecretSpec) => Promise<string>
  readonly warn: (text: string) => void
}

/** Opens each channel that can be opened; one that can't is told as down for good. */
export async function openChannels(
  { channels }: NoticeSpec,
  { readSecret, warn, state, openChannel }: OpenOptions,
  events: Omit<ChannelEvents, 'onState'> & {
    onState(channel: string, told: Parameters<ChannelEvents['onState']>[0]): void
  },
): Promise<Map<string, Channel>> {
  const { onState, ...others } = events
  const opened = await Promise.all(
    channels.map(async spec => {
      const { kind } = spec
      try {
        const channel = await openChannel(spec)(spec, {
          ...{ readSecret, warn, folder: join(state, kind), words: SAYABLE },
          events: { ...others, onState: told => onState(kind, told) },
        })
        return [[kind, channel] as const]
      } catch (error) {
        warn(`${kind} is off: ${messageOf(error)}`)
        onState(kind, { isUp: false, isFinal: true, why: messageOf(error) })
        return []
      }
    }),
  )
  return new Map(opened.flat())
}
