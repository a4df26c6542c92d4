import { Fault } from '../fault.ts'
import { checkKeys } from './body.ts'
import { type Report, reportFrom } from './bot-report.ts'
import { followFrom, type Route } from './routes.ts'

/** What the bot may ask of core. Errors are Faults. */
export interface BotControl {
  /** `seq`: which entry's last lines (`tail`). */
  query(what: Query, seq: number | null): Promise<unknown>
  /** Resolves once it is durable. `recorded` is false for what was known already. */
  report(report: Report): Promise<{ readonly recorded: boolean }>
}

export const QUERIES = [
  'config',
  'head',
  'incidents',
  'status',
  'silences',
  'deliveries',
  'tail',
  'checkpoint',
  'posted',
] as const
export type Query = (typeof QUERIES)[number]

/** The bot's socket: four verbs, nothing else. Whoever takes the bot over has these and no more. */
export const BOT_ROUTES: readonly Route<BotControl>[] = [
  { method: 'GET', path: '/v1/follow', answer: (_control, ask, follow) => followFrom(ask, follow) },
  {
    method: 'POST',
    path: '/v1/query',
    answer: async (control, { body }) => {
      checkKeys(body, { what: 'string', seq: 'number' })
      const what = QUERIES.find(each => each === body.what)
      if (what === undefined) throw new Fault('request.body', `"what" has to be one of ${QUERIES.join(', ')}`)
      return { json: await control.query(what, typeof body.seq === 'number' ? body.seq : null) }
    },
  },
  {
    method: 'POST',
    path: '/v1/report',
    answer: async (control, { body }) => ({ json: await control.report(reportFrom(body)) }),
  },
  {
    method: 'POST',
    path: '/v1/request',
    answer: () => {
      throw new Fault('request.later', 'orders from chats are not taken by this version of heald', {
        hint: 'use the command line on the host',
      })
    },
  },
]
