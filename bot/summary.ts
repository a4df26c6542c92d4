import { clockTime } from '../core/cli/time.ts'
import type { Severity } from '../core/incident/fold.ts'
import { spanOf } from '../core/incident/measure.ts'
import { type Card, rankOf, worse } from './card.ts'
import { cleaned } from './cleaned.ts'
import type { Message } from './message.ts'
import type { Place } from './render.ts'

/** What was over before a chat could be told of it, in one message. Plain JSON, bounded. */
export interface Summary {
  readonly reason: 'unreachable' | 'quiet hours'
  /** Not before. */
  readonly dueMs: number
  readonly fromMs: number
  readonly toMs: number
  readonly incidents: number
  readonly services: readonly Told[]
  /** Incidents of services that are not listed any more. */
  readonly others: number
  /** Switches, silences and the like, by their titles; the newest. */
  readonly titles: readonly string[]
}

interface Told {
  readonly service: string
  readonly count: number
  readonly severity: Severity
  readonly longestMs: number
}

const MOST_SERVICES = 60
const MOST_TITLES = 20

export function emptySummary(reason: Summary['reason'], atMs: number, dueMs: number): Summary {
  return { reason, dueMs, fromMs: atMs, toMs: atMs, incidents: 0, services: [], others: 0, titles: [] }
}

/** The summary with one more card in it, which is over. */
export function withCard(summary: Summary, card: Card, title: string): Summary {
  const span = {
    fromMs: Math.min(summary.fromMs, card.openedMs),
    toMs: Math.max(summary.toMs, card.changedMs),
  }
  const { about } = card
  if (about.what !== 'incidents') return { ...summary, ...span, titles: [...summary.titles, title].slice(-MOST_TITLES) }
  let { services, others } = summary
  // Which of several services the repeated ones were of is not known any more.
  const [only, ...more] = about.members
  const each = only !== undefined && more.length === 0 ? about.count : 1
  for (const incident of about.members) {
    const told = { service: incident.services[0] ?? 'the ledger', count: each, severity: incident.severity }
    const longestMs = incident.downMs ?? 0
    const at = services.findIndex(({ service }) => service === told.service)
    const known = services[at]
    if (known !== undefined) services = services.with(at, added(known, { ...told, longestMs }))
    else if (services.length < MOST_SERVICES) services = [...services, { ...told, longestMs }]
    else others += each
  }
  others += about.count - each * about.members.length
  return { ...summary, ...span, services, others, incidents: summary.incidents + about.count }
}

function added(known: Told, more: Told): Told {
  return {
    service: known.service,
    count: known.count + more.count,
    severity: worse(known.severity, more.severity),
    longestMs: Math.max(known.longestMs, more.longestMs),
  }
}

export function renderSummary(summary: Summary, { host, tz }: Place): Message {
  const { reason, fromMs, toMs, incidents, services, others, titles } = summary
  const [from, to] = [clockTime(fromMs, toMs, tz), clockTime(toMs, toMs, tz)]
  const span = `${from === to ? to : `${from}–${to}`} ${tz}`
  const sorted = [...services].sort((a, b) => rankOf(b.severity) - rankOf(a.severity) || b.count - a.count)
  const lines = sorted.map(told => `${told.severity === 'critical' ? '🔴' : '🟠'} ${told.service}: ${lineOf(told)}`)
  if (others > 0) lines.push(`… and ${others} more`)
  const why =
    reason === 'quiet hours'
      ? `Quiet hours, ${span}. All of it is over:`
      : `This chat could not be reached, ${span}. All of it is over:`
  const what = incidents === 1 ? '1 incident' : `${incidents} incidents`
  return cleaned({
    ...{ tone: 'info', icon: '📋' },
    title: `${reason === 'quiet hours' ? 'Digest' : 'Caught up'}: ${what} on ${host}`,
    blocks: [
      { block: 'text', text: [why, ...lines].join('\n') },
      ...(titles.length === 0 ? [] : [{ block: 'text' as const, text: titles.join('\n') }]),
    ],
    ...{ footer: host, buttons: [] },
  })
}

function lineOf({ count, severity, longestMs }: Told): string {
  const times = count === 1 ? 'once' : `${count} times`
  const down = longestMs === 0 ? '' : `, down for ${count === 1 ? '' : 'at most '}${spanOf(longestMs)}`
  return `${times} (${severity})${down}`
}
