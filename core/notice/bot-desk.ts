import type { Report } from '../api/bot-report.ts'
import type { BotControl } from '../api/bot-routes.ts'
import type { Status } from '../api/control.ts'
import { tokenBucket } from '../api/token-bucket.ts'
import type { Clock } from '../clock.ts'
import type { ChatCommands } from '../command/port.ts'
import type { BotSpec, NoticeSpec } from '../config/notice-spec.ts'
import type { HostConfig } from '../config/spec.ts'
import type { Data, Draft } from '../entry.ts'
import { Fault } from '../fault.ts'
import { allIncidents, findIncident, type Incidents } from '../incident/fold.ts'
import type { Head } from '../ledger/ledger.ts'
import { type CheckpointStore, checkpointDesk } from './checkpoint-desk.ts'
import { deliveryKey, type NoticeMemory, silenceStatus, witnessKey } from './memory.ts'
import type { Tails } from './tails.ts'

export interface BotDeskOptions {
  readonly clock: Clock
  readonly memory: NoticeMemory
  readonly incidents: Incidents
  readonly config: () => HostConfig
  readonly head: () => Head
  readonly status: () => Status
  /** The last lines that a service wrote, by the entry that tells of its end. */
  readonly tails: Pick<Tails, 'of'>
  readonly checkpoints: CheckpointStore
  readonly commands: ChatCommands
  readonly append: (draft: Draft) => Promise<unknown>
  /** The bot has told how this channel is, as it is recorded now. */
  readonly onTold: (channel: string) => void
  /** Resolves when the ledger's past is known. */
  readonly whenReady: () => Promise<unknown>
}

/** The bot's slice of the configuration. */
export interface BotConfig {
  readonly host: string
  readonly tz: string
  /** Secrets only as the places where they are read. Of the fallback's words only the first: others may be secret. */
  readonly notice: NoticeSpec
  readonly bot: BotSpec
  /** Names of services, for silences and routes. */
  readonly services: readonly string[]
}

/**
 * What a bot in an attacker's hands may add to the ledger: an entry each 5 s, and 200 at once after a rest. A sound one tells
 * of each card once a chat; what is too much for now it tells again.
 */
const RATE = { perS: 1 / 5, burst: 200 }

/** Answers the bot's questions and takes its reports. */
export function createBotDesk(options: BotDeskOptions): BotControl {
  const { memory, incidents, onTold } = options
  const take = tokenBucket(options.clock, RATE)
  const checkpoints = checkpointDesk(options.checkpoints)

  function mustBeConfigured(channel: string): void {
    const known = options.config().notice.channels.map(({ kind }) => kind as string)
    if (known.includes(channel)) return
    throw new Fault('channel.unknown', `there is no channel ${JSON.stringify(channel.slice(0, 100))}`, {
      hint: `configured are: ${known.join(', ')}`,
    })
  }

  function isKnown(report: Report): boolean {
    if (report.what === 'delivered') {
      const before = memory.deliveries.get(deliveryKey({ ...report, incident: null }))
      return before?.reference === report.reference && before.which === report.which
    }
    if (report.what === 'checkpoint.posted')
      return memory.witnesses.get(witnessKey(report.channel, report.chat))?.size === report.size
    const before = memory.channels.get(report.channel)
    const isUp = report.what === 'channel.up'
    if (before === undefined || before.isUp !== isUp) return false
    return report.what === 'channel.up' || (before.why === report.why && before.isFinal === report.isFinal)
  }

  function draftOf(report: Report): Draft {
    if (report.what === 'checkpoint.posted') {
      const { channel, chat, size, root, reference } = report
      return { kind: report.what, data: { size, root, where: channel, chat, reference } }
    }
    if (report.what !== 'delivered') {
      const { what, channel, why } = report
      const final: Data = report.what === 'channel.down' ? { final: report.isFinal } : {}
      return { kind: what, data: { channel, why, ...final } }
    }
    const { what: _, incident, step, ...where } = report
    const known = [incident ?? '', report.card, report.card.replace(/^incident:/, '')]
    const inc = known.find(id => findIncident(incidents, id) !== undefined)
    return {
      kind: 'channel.delivered',
      ...(inc === undefined ? {} : { inc }),
      data: { ...where, ...(step === null ? {} : { step }) },
    }
  }

  const { request, command, commands, offers, complete } = options.commands
  return {
    ...{ request, command, commands, offers, complete },
    async query(what, seq) {
      if (what === 'tail') return { text: seq === null ? null : options.tails.of(seq) }
      if (what === 'config') return botConfigOf(options.config())
      if (what === 'head') return options.head()
      if (what === 'checkpoint') return await checkpoints.latest()
      if (what === 'status') return options.status()
      await options.whenReady()
      if (what === 'incidents') return allIncidents(incidents)
      if (what === 'silences') return [...memory.silences.values()].map(silenceStatus)
      if (what === 'posted') return [...memory.witnesses.values()]
      return [...memory.deliveries.values()]
    },
    async report(report) {
      mustBeConfigured(report.channel)
      // A report of what is known already costs nothing that would have to be saved.
      if (isKnown(report)) {
        if (isOfHealth(report)) onTold(report.channel)
        return { recorded: false }
      }
      const waitMs = take()
      if (waitMs > 0)
        throw new Fault('request.rate', `too many reports: one each ${1 / RATE.perS} s is taken`, { retry: waitMs })
      if (report.what === 'checkpoint.posted') await checkpoints.posted(report.size, report.root)
      const recorded = await options.append(draftOf(report))
      if (recorded === null)
        throw new Fault('ledger.degraded', 'it could not be recorded', { hint: 'report it again', retry: 5000 })
      if (isOfHealth(report)) onTold(report.channel)
      return { recorded: true }
    },
  }
}

function isOfHealth({ what }: Report): boolean {
  return what === 'channel.up' || what === 'channel.down'
}

export function botConfigOf({ host, tz, notice, bot, services }: HostConfig): BotConfig {
  const { channels, routes, logs, flap, escalation, maintenance } = notice
  return {
    ...{ host, tz, bot, services: services.map(({ name }) => name) },
    notice: { channels, routes, logs, flap, escalation, maintenance, fallback: notice.fallback.slice(0, 1) },
  }
}
