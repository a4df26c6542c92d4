import type { Delivery, SentReport } from '../core/api/bot-report.ts'
import { request, stream } from '../core/api/client.ts'
import type { SilenceStatus } from '../core/api/notice-control.ts'
import type { Ask, CommandView, Offer, Reply } from '../core/command/port.ts'
import type { Entry } from '../core/entry.ts'
import type { Incident } from '../core/incident/fold.ts'
import type { BotConfig } from '../core/notice/bot-desk.ts'
import type { SignedForPosts } from '../core/notice/checkpoint-desk.ts'
import type { Witness } from '../core/notice/memory.ts'
import { fittingEntries } from './fitting.ts'

/** The daemon, through the bot's own socket. Everything rejects with a Fault when it can't be reached. */
export interface CoreLink {
  config(): Promise<BotConfig>
  /** How many entries there are. */
  head(): Promise<number>
  /** Open ones, newest first. */
  incidents(): Promise<readonly Incident[]>
  /** Those that stand. */
  silences(): Promise<readonly Pick<SilenceStatus, 'id' | 'match' | 'untilTs'>[]>
  /** Where cards stand, as far as they were reported. */
  deliveries(): Promise<readonly Delivery[]>
  /** What a service wrote last, by the entry of its end; null where that may not be shown, or is not there any more. */
  tail(seq: number): Promise<string | null>
  /** The newest checkpoint that core has signed; null: there is none. */
  checkpoint(): Promise<SignedForPosts | null>
  /** By chat: the newest checkpoint that was reported as posted. */
  posted(): Promise<readonly Witness[]>
  report(report: SentReport): Promise<void>
  /** What a person said. Rejects with a Fault for them, too, when core says no. */
  request(ask: Ask, timeoutMs: number): Promise<Reply>
  /** Null: there is none, or it ended long ago. */
  command(id: string): Promise<CommandView | null>
  /** What may be done now about an incident (its id) or a target (`target:<name>`). */
  offers(about: string): Promise<readonly Offer[]>
  /** Values that an argument of this type may have. */
  complete(type: string, begin: string): Promise<readonly string[]>
  /**
   * Entries from `fromSeq` on, as they become durable, in the batches they come in; ends with the connection. What does not
   * fit the chain is not among them.
   */
  follow(fromSeq: number, signal: AbortSignal): AsyncIterable<Entry>
}

const TIMEOUT_MS = 10_000

/** `onUnfit`: something that core has sent of the ledger does not fit, and why. */
export function openCoreLink(socket: string, onUnfit: (why: string) => void): CoreLink {
  const query = (what: string, more: object = {}) =>
    request(socket, 'POST', '/v1/query', { what, ...more }, { timeoutMs: TIMEOUT_MS })
  return {
    config: async () => (await query('config')) as BotConfig,
    async head() {
      const { size } = (await query('head')) as { readonly size: number }
      return size
    },
    async incidents() {
      const all = (await query('incidents')) as readonly Incident[]
      return all.filter(({ state }) => state !== 'resolved')
    },
    silences: async () => (await query('silences')) as readonly SilenceStatus[],
    deliveries: async () => (await query('deliveries')) as readonly Delivery[],
    tail: async seq => ((await query('tail', { seq })) as { readonly text: string | null }).text,
    checkpoint: async () => (await query('checkpoint')) as SignedForPosts | null,
    posted: async () => (await query('posted')) as readonly Witness[],
    report: async report => void (await request(socket, 'POST', '/v1/report', report, { timeoutMs: TIMEOUT_MS })),
    async request({ from, said, code, ...more }, timeoutMs) {
      const body = { ...from, ...said, ...(code === null ? {} : { code }), ...more }
      return (await request(socket, 'POST', '/v1/request', body, { timeoutMs })) as Reply
    },
    command: async id => (await query('command', { id })) as CommandView | null,
    offers: async about => (await query('offers', { about })) as readonly Offer[],
    complete: async (type, begin) => (await query('complete', { type, begin })) as readonly string[],
    follow: (fromSeq, signal) => fittingEntries(stream(socket, `/v1/follow?from=${fromSeq}`, signal), onUnfit),
  }
}
