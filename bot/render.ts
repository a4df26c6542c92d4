import { cleanLine, cleanLines } from '../core/cli/text.ts'
import { clockTime } from '../core/cli/time.ts'
import type { Incident } from '../core/incident/fold.ts'
import { spanOf } from '../core/incident/measure.ts'
import { type Card, type Incidents, LEFT_OUT_AT, type Silence, type Switch } from './card.ts'
import type { Block, Fact, Message, TimedStep } from './message.ts'

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
    blocks: [...bodyOf(card, place), ...changesOf(card), ...linesOf(card), ...stepsOf(card), ...continued(card)],
    footer: [card.receipt, place.host].filter(part => part !== '').join(' · '),
    buttons: [],
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
  }
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
  const open = members.filter(({ state }) => state !== 'resolved').length
  const all = `${namesOf(members)} on ${host}`
  if (isOver) return `${all} are well again`
  return open === members.length ? `${all} are down` : `${open} of ${members.length} still down: ${all}`
}

/** `a and b`, `a, b and c`, `a, b and 98 others`. */
function namesOf(members: readonly Incident[]): string {
  const names = members.map(incident => nameOf(incident, 'incident'))
  const [first, second, third] = names
  if (names.length === 2) return `${first} and ${second}`
  return `${first}, ${second} and ${names.length === 3 ? third : `${names.length - 2} others`}`
}

function oneWords(incident: Incident | undefined, kind: Card['kind'], isOver: boolean): string {
  if (isOver) return kind === 'ledger' ? 'is settled' : kind === 'channel' ? 'works again' : 'is well again'
  if (kind === 'ledger') return 'is damaged'
  if (kind === 'channel') return 'does not work'
  if (incident?.cause.startsWith('crash loop')) return 'is in a crash loop'
  return /hang|did not answer|not ready/.test(incident?.cause ?? '') ? 'is not well' : 'is down'
}

function nameOf(incident: Incident | undefined, kind: Card['kind']): string {
  if (kind === 'ledger') return 'the ledger'
  return incident?.services[0]?.replace(/^channel:/, 'channel ') ?? 'a service'
}

const SWITCH_LOOKS: { readonly [state in Switch['state']]: readonly [Message['tone'], string, string, string] } = {
  'under way': ['info', '🔄', 'Switch', 'is being switched to'],
  'rolling back': ['warning', '⏪', 'Rollback', 'is being rolled back from'],
  committed: ['good', '🟢', 'Committed', 'is on'],
  'rolled back': ['warning', '⏪', 'Rolled back', 'was rolled back from'],
  failed: ['warning', '🟠', 'Failed', 'was not switched to'],
  held: ['critical', '⛔', 'Held', 'is held: people are needed; it was to be on'],
}

function switchLooks({ state, target, to }: Switch, host: string) {
  const [tone, icon, label, words] = SWITCH_LOOKS[state]
  return { tone, icon, title: `${label}: ${target} on ${host} ${words} ${to}` }
}

function bodyOf(card: Card, place: Place): Block[] {
  const { about } = card
  switch (about.what) {
    case 'incidents':
      return incidentBody(card, about, place)
    case 'switch':
      return switchBody(card, about, place)
    case 'silence':
      return silenceBody(about, place)
  }
}

function incidentBody(card: Card, { members, count }: Incidents, place: Place): Block[] {
  const [only, ...more] = members
  const facts: Fact[] = [{ name: 'Since', value: moment(card.openedMs, place) }]
  if (more.length === 0 && only !== undefined) {
    if (only.downMs !== null) facts.push({ name: 'Down for', value: spanOf(only.downMs) })
    facts.push({ name: 'Restarts', value: String(only.attempts) })
    if (only.ackedBy !== null) facts.push({ name: 'Acknowledged by', value: only.ackedBy })
    if (only.how !== null) facts.push({ name: 'Ended', value: only.how })
  }
  if (count > 1) facts.push({ name: 'Incidents', value: String(count) })
  if (card.next !== '' && !card.isOver) facts.push({ name: 'Next', value: card.next })
  const text = more.length === 0 && only !== undefined ? causeOf(only, card.kind) : listOf(members, card.kind)
  return [
    { block: 'text', text },
    { block: 'facts', facts },
  ]
}

/** What is still down comes first. */
function listOf(members: readonly Incident[], kind: Card['kind']): string {
  const sorted = [...members].sort((a, b) => Number(a.state === 'resolved') - Number(b.state === 'resolved'))
  const lines = sorted.slice(0, MOST_LISTED).map(incident => `${stateWords(incident)} ${causeOf(incident, kind)}`)
  return [...lines, ...(sorted.length > lines.length ? [`… and ${sorted.length - lines.length} more`] : [])].join('\n')
}

function stateWords({ state, downMs }: Incident): string {
  if (state === 'resolved') return `✅ well again${downMs === null ? '' : ` after ${spanOf(downMs)}`} ·`
  return state === 'acked' ? '👀 acknowledged ·' : '❗ down ·'
}

function causeOf(incident: Incident, kind: Card['kind']): string {
  return kind === 'ledger' ? incident.cause : `${nameOf(incident, kind)}: ${incident.cause}`
}

function switchBody(card: Card, { from, to, by, why, state }: Switch, place: Place): Block[] {
  const facts: Fact[] = [{ name: 'Since', value: moment(card.openedMs, place) }]
  if (from !== '') facts.push({ name: 'From', value: from })
  facts.push({ name: 'To', value: to })
  if (by !== '') facts.push({ name: 'By', value: by })
  if (card.next !== '') facts.push({ name: 'Next', value: card.next })
  const text: Block[] = why === '' || state === 'committed' ? [] : [{ block: 'text', text: why }]
  return [...text, { block: 'facts', facts }]
}

function silenceBody({ untilMs, by, why }: Silence, place: Place): Block[] {
  const facts: Fact[] = untilMs < Number.MAX_SAFE_INTEGER ? [{ name: 'Until', value: moment(untilMs, place) }] : []
  if (by !== '') facts.push({ name: 'By', value: by })
  return [...(why === '' ? [] : [{ block: 'text' as const, text: why }]), { block: 'facts', facts }]
}

function changesOf({ changes }: Card): Block[] {
  return changes.map(({ title, lines }) => ({ block: 'log', title: `${title}:`, text: lines.join('\n') }))
}

function linesOf({ lastLines }: Card): Block[] {
  return lastLines === null ? [] : [{ block: 'log', title: `${lastLines.title}:`, text: lastLines.lines.join('\n') }]
}

function stepsOf({ steps, leftOut, openedMs, about }: Card): Block[] {
  if (about.what === 'silence' || steps.length === 0) return []
  const all: TimedStep[] = steps.map(({ atMs, words }) => ({
    offset: `+${spanOf(Math.max(0, atMs - openedMs))}`,
    words,
  }))
  if (leftOut > 0) all.splice(LEFT_OUT_AT, 0, { offset: '', words: `… ${leftOut} more` })
  return [{ block: 'steps', steps: all }]
}

function continued({ isContinued }: Card): Block[] {
  return isContinued ? [{ block: 'text', text: 'Continued: what was told of this before is not known any more.' }] : []
}

function moment(atMs: number, { tz }: Place) {
  return { atMs, text: `${clockTime(atMs, atMs, tz)} ${tz}` }
}

/** Text of services, operators and configuration may hold anything. */
export function cleaned(message: Message): Message {
  return {
    ...message,
    title: cleanLine(message.title),
    footer: cleanLine(message.footer),
    blocks: message.blocks.map(cleanBlock),
  }
}

function cleanBlock(block: Block): Block {
  switch (block.block) {
    case 'text':
      return { ...block, text: cleanLines(block.text) }
    case 'facts':
      return {
        ...block,
        facts: block.facts.map(({ name, value }) => ({
          name: cleanLine(name),
          value: typeof value === 'string' ? cleanLine(value) : value,
        })),
      }
    case 'steps':
      return { ...block, steps: block.steps.map(({ offset, words }) => ({ offset, words: cleanLine(words) })) }
    case 'log':
      return { ...block, title: cleanLine(block.title), text: cleanLines(block.text) }
  }
}
