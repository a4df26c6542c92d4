import type { Incident } from '../../core/incident/fold.ts'
import { spanOf } from '../../core/incident/measure.ts'
import type { Step } from '../../core/incident/timeline.ts'
import { warningText } from '../../core/incident/warning.ts'
import type { Attachment } from '../channel.ts'
import type { Fact, TimedStep } from '../message.ts'
import { type Answer, answer, at, button, cut, footer, lines, paged, type Render, type Showing } from './answer.ts'

const PER_PAGE = 8
const STEPS_PER_PAGE = 12
const MOST_CAUSE = 200
const MOST_BUTTONS = 4
const MOST_LINES = 15

type Told = Incident & {
  readonly timeline: readonly (Omit<Step, 'h'> & { readonly receipt: string })[]
  /** Left out by a core from before. */
  readonly warnings?: readonly string[]
}

/** `incidents`. */
export const incidents: Render = (data, _args, showing) => {
  const all = data as readonly Incident[]
  const open = all.filter(({ state }) => state !== 'resolved').length
  const { shown, row, note } = paged(all, PER_PAGE, showing)
  return answer(
    {
      ...{ icon: open === 0 ? '🟢' : '🔴', tone: open === 0 ? 'good' : 'warning' },
      title: open === 0 ? 'No incident is open' : `${open} ${open === 1 ? 'incident is' : 'incidents are'} open`,
      blocks: lines(...shown.map(each => lineOf(each, showing))),
      footer: footer(note, showing.place.host),
      buttons: [row, shown.slice(0, MOST_BUTTONS).map(({ id }) => button(showing.links.say(`incident ${id}`), id))],
    },
    showing,
  )
}

function lineOf({ id, state, severity, openedTs, downMs, cause, ackedBy }: Incident, showing: Showing): string {
  const icon = iconOf({ state, severity })
  const how =
    state === 'resolved'
      ? `resolved after ${spanOf(downMs ?? Number.NaN)}`
      : ackedBy === null
        ? severity
        : `${severity}, acknowledged by ${ackedBy}`
  return `${icon} ${id}: ${how}, since ${at(openedTs, showing)}: ${cut(cause, MOST_CAUSE)}`
}

function iconOf({ state, severity }: Pick<Incident, 'state' | 'severity'>): string {
  if (state !== 'open') return state === 'resolved' ? '🟢' : '👀'
  return severity === 'critical' ? '🔴' : severity === 'warning' ? '🟠' : '🔵'
}

/** `incident ID`: the newest page of steps is the last one, and the first that is shown is the first. */
export const incident: Render = (data, _args, showing) => {
  const told = data as Told
  const warning = warningText(told.warnings ?? [])
  const tone = told.state === 'resolved' ? 'good' : told.severity
  const { shown, row, note } = paged(told.timeline, STEPS_PER_PAGE, showing)
  const steps: TimedStep[] = shown.map(({ offset, words, seq }) => ({ offset, words: `${words} #${seq}` }))
  const kept = showing.hasLogs
    ? shown.flatMap(({ tail, seq }) => (tail === null || tail === '' ? [] : [{ tail, seq }]))
    : []
  return answer(
    {
      ...{ icon: iconOf(told), tone: warning !== '' && tone !== 'critical' ? 'warning' : tone },
      title: `Incident ${told.id}: ${cut(told.cause, 100)}`,
      blocks: [
        ...lines(warning === '' ? '' : `⚠️ ${warning}`),
        { block: 'facts', facts: factsOf(told, showing) },
        { block: 'steps', steps },
        ...kept.slice(-1).map(({ tail, seq }) => ({
          ...{ block: 'log' as const, title: `the last lines kept for #${seq}` },
          text: tail.trimEnd().split('\n').slice(-MOST_LINES).join('\n'),
        })),
      ],
      footer: footer(note, told.timeline.at(-1)?.receipt ?? '', showing.place.host),
      buttons: [[...row, button(showing.links.say(`report ${told.id}`), 'Report')]],
    },
    showing,
  )
}

function factsOf(
  { state, severity, services, openedTs, resolvedTs, downMs, attempts, ackedBy, how }: Incident,
  showing: Showing,
): Fact[] {
  const moment = (ts: string) => ({ atMs: Date.parse(ts), text: `${at(ts, showing)} ${showing.place.tz}` })
  return [
    { name: 'State', value: ackedBy === null ? state : `${state}, acknowledged by ${ackedBy}` },
    { name: 'Severity', value: severity },
    { name: 'Services', value: services.join(', ') || 'none' },
    { name: 'Opened', value: moment(openedTs) },
    ...(resolvedTs === null ? [] : [{ name: 'Resolved', value: moment(resolvedTs) }]),
    ...(downMs === null ? [] : [{ name: 'Down for', value: spanOf(downMs) }]),
    { name: 'Restarts', value: String(attempts) },
    ...(how === null ? [] : [{ name: 'How', value: how }]),
  ]
}

/** `report ID`: the file that core has made. */
export const report: Render = (data, args, showing): Answer => {
  const { name, text } = data as { readonly name: string; readonly text: string }
  const file: Attachment = { name: name.replaceAll(/[^A-Za-z0-9.-]/g, '-'), text }
  return answer({ icon: '📄', title: `Report of incident ${String(args.id)}` }, showing, file)
}
