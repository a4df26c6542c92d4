import { BOT } from '../config/bot-name.ts'
import { messageOf } from '../fault.ts'
import { LEDGER } from '../folded.ts'
import { createBotDesk } from './bot-desk.ts'
import { botPresence } from './bot-presence.ts'
import { botSocket } from './bot-socket.ts'
import { channelHealth } from './channel-health.ts'
import { escalation } from './escalation.ts'
import { silenceStatus } from './memory.ts'
import type { Notices, NoticesOptions } from './on-demand.ts'
import { silences } from './silences.ts'
import { recentTails } from './tails.ts'

/**
 * Life of a notice, core's side
 *
 * 1. Core never calls the bot: what happens is in the ledger, and the bot follows that by its own socket (`bot-socket.ts`).
 * 2. What the bot tells of in return (a channel is down, a message is out) becomes entries too (`bot-desk.ts`).
 * 3. All that needs a clock is timed here and written down: silences that end, maintenance that begins, escalation that
 *    is due. So it happens with a dead bot, and once, however often heald is started anew.
 */
export function createNotices(options: NoticesOptions): Notices {
  let hasBegun = false
  const tails = recentTails(() => ({ logs: options.config().notice.logs, redact: options.config().ledger.redact }))
  const presence = botPresence(options.follow)
  const control = createBotDesk({ ...options, tails, onTold: presence.told })
  const socket = botSocket({ ...options, control, follow: presence.follow })

  /** One that was started for other channels, or by another version of heald. */
  function renewBot(): void {
    const { supervisor, warn } = options
    if (!supervisor.stale(options.config()).includes(BOT)) return
    supervisor
      .service(BOT)
      .restart('heald')
      .catch((error: unknown) => warn(messageOf(error)))
  }

  const health = channelHealth({ ...options, presence })

  const silent = silences({ ...options, names })

  const escalating = escalation({
    ...options,
    run: async (argv, input) => (await import('./fallback.ts')).runFallback(argv, input, options.clock),
  })

  /** All that may have notices. */
  function names(): string[] {
    const { services, targets, notice } = options.config()
    return [
      ...[...services, ...targets].map(({ name }) => name),
      ...notice.channels.map(({ kind }) => `channel:${kind}`),
      LEDGER,
    ]
  }

  return {
    noteTail: tails.note,
    async apply(config) {
      await Promise.all([socket.apply(config), silent.apply(config)])
    },
    begin() {
      const config = options.config()
      health.look(config)
      silent.look()
      escalating.look(config)
      if (hasBegun) return
      hasBegun = true
      renewBot()
    },
    take(entries) {
      health.take(entries)
      escalating.take(entries)
    },
    channels: () => health.statuses(options.config()),
    silences: () => [...options.memory.silences.values()].map(silenceStatus),
    checkSilence: async order => silent.check(order),
    silence: silent.create,
    unsilence: silent.end,
    release() {
      health.release()
      silent.release()
      escalating.release()
    },
    close: timeoutMs => socket.close(timeoutMs),
  }
}
