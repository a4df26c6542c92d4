import type { ChatCommands, CommandQueries } from '../command/port.ts'
import { Fault } from '../fault.ts'
import { type Body, checkKeys, textIn } from './body.ts'
import { type Report, reportFrom } from './bot-report.ts'
import { askFrom } from './bot-request.ts'
import { followFrom, type Route } from './routes.ts'

/** What the bot may ask of core. Errors are Faults. */
export interface BotControl extends ChatCommands {
  /** `seq`: which entry's last lines (`tail`). */
  query(what: PlainQuery, seq: number | null): Promise<unknown>
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
  'command',
  'commands',
  'offers',
  'complete',
] as const
export type Query = (typeof QUERIES)[number]
export type PlainQuery = Exclude<Query, keyof CommandQueries>

const LONGEST_ID = 200

/** The bot's socket: four verbs, nothing else. Whoever takes the bot over has these and no more. */
export const BOT_ROUTES: readonly Route<BotControl>[] = [
  { method: 'GET', path: '/v1/follow', answer: (_control, ask, follow) => followFrom(ask, follow) },
  {
    method: 'POST',
    path: '/v1/query',
    answer: async (control, { body }) => ({ json: await queried(control, body) }),
  },
  {
    method: 'POST',
    path: '/v1/report',
    answer: async (control, { body }) => ({ json: await control.report(reportFrom(body)) }),
  },
  {
    method: 'POST',
    path: '/v1/request',
    answer: async (control, { body }) => ({ json: await control.request(askFrom(body)) }),
  },
]

async function queried(control: BotControl, body: Body): Promise<unknown> {
  const what = QUERIES.find(each => each === body.what)
  switch (what) {
    case undefined:
      throw new Fault('request.body', `"what" has to be one of ${QUERIES.join(', ')}`)
    case 'command':
      checkKeys(body, { what: 'string', id: 'string' })
      return control.command(textIn(body, 'id', LONGEST_ID))
    case 'commands':
      checkKeys(body, { what: 'string' })
      return control.commands()
    case 'offers':
      checkKeys(body, { what: 'string', about: 'string' })
      return control.offers(textIn(body, 'about', LONGEST_ID))
    case 'complete': {
      checkKeys(body, { what: 'string', type: 'string', begin: 'string' })
      const begin = typeof body.begin === 'string' ? body.begin.slice(0, LONGEST_ID) : ''
      return control.complete(textIn(body, 'type', LONGEST_ID), begin)
    }
    default:
      checkKeys(body, { what: 'string', seq: 'number' })
      return control.query(what, typeof body.seq === 'number' ? body.seq : null)
  }
}
