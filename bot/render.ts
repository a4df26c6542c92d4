import { clockTime } from '../core/cli/time.ts'
import type { Incident } from '../core/incident/fold.ts'
import { spanOf } from '../core/incident/measure.ts'
import { adviceOf } from './advice.ts'
import { buttonsOf } from './buttons.ts'
import { type Card, type Incidents, LEFT_OUT_AT, type Silence, type Switch } from './card.ts'
import { cleaned } from './cleaned.ts'
import { commandLooks, commandText } from './command-words.ts'
import type { Block, Fact, Message, TimedStep } from './message.ts'
import { commandFacts, viewIn } from './render-command.ts'

export interface Place {
  readonly host: string
  /** Of the host: for platforms that can't show a moment in the reader's own. */
  readonly tz: string
}

const MOST_LISTED = 25

/** A card as a message. Pure: the same card always gives the same message, so that nothing is edited without need. */
export function render(card: Card, place: Place): Message {
  return cleaned({
    ...looksOf(card, place),
    blocks: [
      ...leadOf(card),
      ...factsOf(card, place),
      ...changesOf(card),
      ...linesOf(card),
      ...stepsOf(card),
      ...continued(card),
    ],
    footer: footerOf(card, place),
    buttons: buttonsOf(card),
  })
}

/** Above all: what state it is in, by icon and word. */
export function looksOf(card: Card, { host }: Place): Pick<Message, 'tone' | 'icon' | 'title'> {
  const { about } = card
  switch (about.what) {
    case 'incidents':
      return incidentLooks(card, about, host)
    case 'switch':
      return switchLooks(about, host)
    case 'silence':
      return {
        ...{ tone: 'info', icon: card.isOver ? '🔔' : '🔕' },
        title: `${card.isOver ? 'Silence is over' : 'Silenced'}: ${about.match} on ${host}`,
      }
    case 'command':
      return commandLooks(viewIn(about), host)
  }
}

/** What names it elsewhere: its incident, the receipt of its newest entry, and the host. */
export function footerOf({ about, receipt }: Card, { host }: Place): string {
  const [only, ...more] = about.what === 'incidents' ? about.members : []
  const id = about.what === 'command' ? about.command.id : only === undefined || more.length > 0 ? '' : only.id
  return [id, receipt, host].filter(part => part !== '').join(' · ')
}

function incidentLooks({ severity, isOver, isAcked, kind }: Card, { members, count }: Incidents, host: string) {
  const [only] = members
  const label = isOver ? 'Resolved' : severity === 'critical' ? 'Critical' : severity === 'warning' ? 'Warning' : 'Info'
  const icon = isOver ? '🟢' : isAcked ? '👀' : severity === 'critical' ? '🔴' : severity === 'warning' ? '🟠' : '🔵'
  const words =
    members.length > 1
      ? groupWords(members, isOver, host)
      : `${nameOf(only, kind)} on ${host} ${oneWords(only, kind, isOver)}`
  const times = members.length === 1 && count > 1 ? `, ${count} times` : ''
  const acked = isAcked ? ' (acknowledged)' : ''
  return { tone: isOver ? ('good' as const) : severity, icon, title: `${label}: ${words}${times}${acked}` }
}

function groupWords(members: readonly Incident[], isOver: boolean, host: string): string {
  const open = members.filter(({ state }) => state !== 'resolved')
  const all = `${namesOf(members)} on ${host}`
  if (isOver) return `${all} are well again`
  if (open.length === members.length) return `${all} are down`
  return `${open.length} of ${members.length} are still down on ${host}: ${namesOf(open)}`
}

/** `a and b`, `a, b and c`, `a, b and 98 others`. */
function namesOf(members: readonly Incident[]): string {
  const names = members.map(incident => nameOf(incident, 'incident'))
  const [first, second, third] = names
  if (names.length === 1) return `${first}`
  if (names.length === 2) return `${first} and ${second}`
  return `${first}, ${second} and ${names.length === 3 ? third : `${names.length - 2} others`}`
}

function oneWords(incident: Incident | undefined, kind: Card['kind'], isOver: boolean): string {
  if (isOver && incident?.how === 'stopped') return 'was stopped'
  if (isOver) return kind === 'ledger' ? 'is settled' : kind === 'channel' ? 'works again' : 'is well again'
  if (kind === 'ledger') return 'is damaged'
  if (kind === 'channel') return 'does not work'
  if (incident?.cause.startsWith('crash loop')) return 'is in a crash loop'
  return /hang|did not answer|not ready/.test(incident?.cause ?? '') ? 'hangs' : 'is down'
}

function nameOf(incident: Incident | undefined, kind: Card['kind']): string {
  if (kind === 'ledger') return 'the ledger'
  return incident?.services[0]?.replace(/^channel:/, 'channel ') ?? 'a service'
}

const SWITCH_LOOKS: { readonly [state in Switch['state']]: readonly [Message['tone'], string, string] } = {
  'under way': ['info', '🔄', 'Deploying'],
  'rolling back': ['warning', '⏪', 'Rolling back'],
  committed: ['good', '🟢', 'Deployed'],
  'rolled back': ['warning', '⏪', 'Rolled back'],
  failed: ['warning', '🟠', 'Not deployed'],
  held: ['critical', '⛔', 'Held'],
}

function switchLooks(about: Switch, host: string) {
  const [tone, icon, label] = SWITCH_LOOKS[about.state]
  return { tone, icon, title: `${label}: ${about.target} on ${host} ${switchWords(about)}` }
}

function switchWords({ state, from, to, back }: Switch): string {
  switch (state) {
    case 'under way':
      return from === '' ? `goes to ${to}` : `goes from ${from} to ${to}`
    case 'rolling back':
      return back === '' ? `leaves ${to}` : `goes back from ${to} to ${back}`
    case 'committed':
      return `is on ${to}`
    case 'rolled back':
      return back === '' ? `has left ${to}` : `is on ${back} again, not on ${to}`
    case 'failed':
      return from === '' ? `could not be switched to ${to}` : `is still on ${from}, not on ${to}`
    case 'held':
      return 'needs people'
  }
}

/** What a person who is woken needs first: what it is, what heald does next, and what is left to do for them. */
export function leadOf(card: Card): Block[] {
  const { about } = card
  if (about.what === 'command') return textBlock(commandText(viewIn(about)))
  const what = about.what === 'incidents' ? incidentText(card, about) : sentence(about.why)
  const next = card.next === '' || card.isOver ? heldNext(card) : `Next: heald ${card.next}.`
  const advice = adviceOf(card)
  return textBlock([what, next, advice === '' ? '' : `You: ${advice}.`].filter(line => line !== ''))
}

function textBlock(lines: readonly string[]): Block[] {
  return lines.length === 0 ? [] : [{ block: 'text', text: lines.join('\n') }]
}

/** One that is held is over for heald, and for nobody else. */
function heldNext({ about, next }: Card): string {
  return about.what === 'switch' && about.state === 'held' && next !== '' ? `Next: heald ${next}.` : ''
}

function incidentText(card: Card, { members }: Incidents): string {
  const [only, ...more] = members
  if (only === undefined || more.length > 0) return listOf(members, card.kind)
  if (!card.isOver) return sentence(only.cause.replace(SAID, ''))
  const after = only.downMs === null ? '' : ` after ${spanOf(only.downMs)}`
  return [sentence(only.cause), only.how === null ? '' : sentence(`over${after}: ${only.how}`)].join('\n').trim()
}

/** What is still down comes first. */
function listOf(members: readonly Incident[], kind: Card['kind']): string {
  const sorted = [...members].sort((a, b) => Number(a.state === 'resolved') - Number(b.state === 'resolved'))
  const lines = sorted
    .slice(0, MOST_LISTED)
    .map(incident => `${stateWords(incident)} ${nameOf(incident, kind)}: ${incident.cause}`)
  return [...lines, ...(sorted.length > lines.length ? [`… and ${sorted.length - lines.length} more`] : [])].join('\n')
}

function stateWords({ state, downMs }: Incident): string {
  if (state === 'resolved') return `✅ well again${downMs === null ? '' : ` after ${spanOf(downMs)}`} ·`
  return state === 'acked' ? '👀 acknowledged ·' : '❗ down ·'
}

/** What the title of an open one says already. */
const SAID = /^(crash loop|hangs|the ledger is damaged): /

function sentence(text: string): string {
  const [first = ''] = text
  return text === '' ? '' : `${first.toUpperCase()}${text.slice(first.length)}${/[.!?…]$/.test(text) ? '' : '.'}`
}

function factsOf(card: Card, place: Place): Block[] {
  const { about } = card
  switch (about.what) {
    case 'incidents':
      return [{ block: 'facts', facts: incidentFacts(card, about, place) }]
    case 'switch':
      return [{ block: 'facts', facts: switchFacts(card, about, place) }]
    case 'silence':
      return [{ block: 'facts', facts: silenceFacts(card, about, place) }]
    case 'command':
      return [{ block: 'facts', facts: commandFacts(card, about, place) }]
  }
}

function incidentFacts(card: Card, { members, count }: Incidents, place: Place): Fact[] {
  const [only, ...more] = members
  const facts: Fact[] = [{ name: 'Since', value: moment(card.openedMs, place) }]
  if (more.length === 0 && only !== undefined) {
    if (only.attempts > 0) facts.push({ name: 'Restarts', value: String(only.attempts) })
    if (only.ackedBy !== null) facts.push({ name: 'Acknowledged by', value: only.ackedBy })
  }
  if (count > 1) facts.push({ name: 'Incidents', value: String(count) })
  return facts
}

function switchFacts(card: Card, { from, to, back, by, state }: Switch, place: Place): Fact[] {
  const facts: Fact[] = [{ name: 'Since', value: moment(card.openedMs, place) }]
  if (state === 'held') {
    if (back !== '') facts.push({ name: 'Runs', value: back })
    if (to !== back) facts.push({ name: 'Failed', value: to })
  } else if (state === 'rolling back' || state === 'rolled back') {
    facts.push({ name: 'Left', value: to })
    if (back !== '') facts.push({ name: 'Back to', value: back })
  } else {
    if (from !== '') facts.push({ name: 'From', value: from })
    facts.push({ name: 'To', value: to })
  }
  if (by !== '') facts.push({ name: 'By', value: by })
  return facts
}

function silenceFacts({ isOver, openedMs, changedMs }: Card, { untilMs, by }: Silence, place: Place): Fact[] {
  const facts: Fact[] = []
  if (isOver) facts.push({ name: 'From', value: moment(openedMs, place, changedMs) })
  if (isOver) facts.push({ name: 'To', value: moment(changedMs, place) })
  else if (untilMs < Number.MAX_SAFE_INTEGER) facts.push({ name: 'Until', value: moment(untilMs, place, openedMs) })
  if (by !== '') facts.push({ name: 'By', value: by })
  return facts
}

function changesOf({ changes }: Card): Block[] {
  return changes.map(({ title, lines }) => ({ block: 'log', title: title, text: lines.join('\n') }))
}

function linesOf({ lastLines }: Card): Block[] {
  return lastLines === null ? [] : [{ block: 'log', title: lastLines.title, text: lastLines.lines.join('\n') }]
}

function stepsOf(card: Card): Block[] {
  const { steps, leftOut, openedMs, about } = card
  if (about.what === 'silence' || steps.length === 0) return []
  const all: TimedStep[] = steps.map(({ atMs, words }) => ({
    offset: `+${spanOf(Math.max(0, atMs - openedMs))}`,
    words: shortStep(words, about),
  }))
  if (leftOut > 0) all.splice(LEFT_OUT_AT, 0, { offset: '', words: `… ${leftOut} more` })
  return [{ block: 'steps', steps: all }]
}

/** Where all steps are about one, its name need not stand in each, nor the cause that stands above. */
function shortStep(words: string, about: Card['about']): string {
  const only = about.what === 'incidents' && about.members.length === 1 ? about.members[0] : undefined
  if (about.what === 'command') return words
  const name = about.what === 'switch' ? about.target : (only?.services[0] ?? '')
  if (name === '' || !words.startsWith(name)) return words
  const short = words.slice(name.length).replace(/^:? /, '')
  return short === only?.cause ? 'ended' : short
}

function continued({ isContinued, id }: Card): Block[] {
  if (!isContinued) return []
  const text = `Followed from here on: its earlier steps are in "heald incident ${id}", and in an older message if there was one.`
  return [{ block: 'text', text }]
}

/** With its date where that is not the day of `dayMs`. */
export function moment(atMs: number, { tz }: Place, dayMs = atMs) {
  return { atMs, text: `${clockTime(atMs, dayMs, tz)} ${tz}` }
}
