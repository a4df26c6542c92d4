import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceState, ServiceStatus, Status } from '../api/control.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { unknownService } from '../heal/unknown-service.ts'
import { sizeOf } from '../incident/measure.ts'
import { optionalWord } from './arguments.ts'
import { askStatus, withNearest } from './ask.ts'
import { type Colour, paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { type Cell, type Column, table } from './table.ts'
import { targetTable } from './target-table.ts'
import { cleanLine, counted, wrapTo } from './text.ts'
import { ago, agoAt } from './time.ts'

/** At most two redraws a second: a person sees no more, and the daemon is asked each time. */
const WATCH_EVERY_MS = 500

export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  const service = optionalWord(words, 'status', 'SERVICE')
  if (service !== null && values.watch === true)
    throw new Fault('usage.option', '--watch shows all services: leave the name out', {
      hint: 'Usage: heald status --watch',
    })
  if (service !== null) return oneService(context, service)
  if (values.watch === true) return context.tty && !context.json ? watchScreen(context) : watchLines(context)
  const status = await askStatus(context)
  context.out(context.json ? `${JSON.stringify(status)}\n` : statusText(status, context))
  return isWell(status) ? EXIT.done : EXIT.bad
}

async function oneService(context: Context, name: string): Promise<number> {
  const status = await askStatus(context)
  const names = status.services.map(each => each.name)
  const services = status.services.filter(each => each.name === name)
  const [found] = services
  if (found === undefined) throw withNearest(unknownService(name), name, names)
  const one = { ...status, services, targets: status.targets.filter(({ name: target }) => target === found.target) }
  context.out(context.json ? `${JSON.stringify(one)}\n` : statusText(one, context))
  return isWell(one) ? EXIT.done : EXIT.bad
}

type Look = Pick<Context, 'columns' | 'colour' | 'tz' | 'nowMs'>

const STATES = {
  ready: ['●', 'green'],
  starting: ['◐', 'cyan'],
  unhealthy: ['▲', 'yellow'],
  backoff: ['↻', 'yellow'],
  looping: ['‼', 'red'],
  stopping: ['◌', 'dim'],
  stopped: ['○', 'dim'],
  held: ['■', 'red'],
} as const satisfies Record<ServiceState, readonly [icon: string, colour: Colour]>

const UNWELL: ReadonlySet<ServiceState> = new Set(['unhealthy', 'backoff', 'looping', 'held'])

function isWell({ daemon, services, targets }: Status): boolean {
  const isHeld = targets.some(target => target.state === 'held')
  return daemon.recording === 'ok' && !isHeld && !services.some(service => UNWELL.has(service.state))
}

const COLUMNS: readonly Column[] = [
  { title: 'SERVICE' },
  { title: 'STATE' },
  { title: 'PID', align: 'right' },
  { title: 'SINCE' },
  { title: 'RESTARTS', align: 'right' },
  { title: 'CHECK', shrinks: true },
  { title: 'GENERATION', shrinks: true },
  { title: 'INCIDENT' },
  { title: 'WHY', wraps: true },
]

/** The whole answer for a person: who and how, a line for each trouble of heald itself, a row a service and a target. */
export function statusText(status: Status, look: Look, isCut = false): string {
  const { services, targets } = status
  const now = look.nowMs()
  const head = headLines(status, now, look.tz).flatMap(([text, colour]) =>
    wrapTo(cleanLine(text), look.columns, isCut ? 1 : undefined).map(line => paint(line, colour, look.colour)),
  )
  const rows = services.map(service => rowOf(service, now))
  const body = rows.length === 0 ? '' : `\n${table(COLUMNS, rows, look.columns, look.colour)}`
  const switched = targets.length === 0 ? '' : `\n${targetTable(targets, look.columns, look.colour)}`
  return `${head.join('\n')}\n${body}${switched}`
}

type Line = [text: string, colour?: Colour | undefined]

function headLines(status: Status, now: number, tz: string): Line[] {
  const { host, version, daemon, ledger, services, targets, incidents, channels } = status
  const unwell = services.filter(service => UNWELL.has(service.state)).length
  const trouble = services.length === 0 ? '' : unwell === 0 ? ', none in trouble' : `, ${unwell} in trouble`
  const lines: Line[] = [
    [`${host}: ${counted(services.length, 'service')}${trouble}`, 'bold'],
    [`heald ${version}, pid ${daemon.pid}, ${sizeOf(daemon.rssBytes)}, started ${agoAt(daemon.startedTs, now, tz)}`],
    [`ledger: ${counted(ledger.size, 'entry', 'entries')}, receipt ${ledger.receipt}`],
  ]
  if (daemon.recording === 'degraded') {
    const why = daemon.why ?? 'the reason is not known'
    lines.push([`NOT RECORDING: ${why}. Services are still healed; orders are refused until this is over.`, 'red'])
  }
  if (daemon.frozen) {
    const by = daemon.frozenBy === null ? '' : ` (${daemon.frozenBy})`
    lines.push([`FROZEN: nothing is changed on its own until "heald unfreeze"${by}.`, 'yellow'])
  }
  const held = targets.filter(target => target.state === 'held').map(target => target.name)
  if (held.length > 0)
    lines.push([`HELD: nothing is switched or rolled back there on its own any more: ${held.join(', ')}`, 'red'])
  if (channels.length > 0) lines.push(channelLine(channels))
  const { awaiting } = status.commands
  if (awaiting > 0) {
    const verb = awaiting === 1 ? 'waits' : 'wait'
    lines.push([`${counted(awaiting, 'command')} ${verb} for approval: see "heald commands"`, 'yellow'])
  }
  if (incidents.open > 0) {
    const verb = incidents.open === 1 ? 'is' : 'are'
    const worst = incidents.worst === null ? '' : `, the worst ${incidents.worst}`
    const colour = incidents.worst === 'critical' ? 'red' : 'yellow'
    lines.push([`${counted(incidents.open, 'incident')} ${verb} open${worst}: see "heald incidents"`, colour])
  }
  return lines
}

function channelLine(channels: Status['channels']): Line {
  const told = channels.map(
    ({ name, state, why }) => `${name} ${state}${why === null || state === 'up' ? '' : ` (${why})`}`,
  )
  return [`channels: ${told.join(', ')}`, channels.every(({ state }) => state === 'up') ? undefined : 'yellow']
}

function rowOf(service: ServiceStatus, now: number): Cell[] {
  const [icon, colour]: readonly [string, Colour | undefined] = STATES[service.state] ?? ['?', undefined]
  const { verdict, error } = service.check
  const check = verdict === 'none' ? '' : error === null || error === '' ? verdict : `${verdict}: ${error}`
  return [
    service.name,
    { text: `${icon} ${service.state}`, colour },
    service.pid === null ? '' : String(service.pid),
    ago(service.sinceTs, now),
    String(service.restarts),
    verdict === 'fail' ? { text: check, colour: 'yellow' } : check,
    service.generation ?? '',
    service.incident ?? '',
    service.why ?? '',
  ]
}

/** The other screen of the terminal, redrawn in place: nothing flickers and the scroll-back stays as it was. */
async function watchScreen(context: Context): Promise<number> {
  const over = new AbortController()
  const stopKeys = context.onKey?.(key => (key === 'q' || key === 'Q' || key === '\x04') && over.abort())
  const signal = AbortSignal.any([context.signal, over.signal])
  context.out('\x1b[?1049h\x1b[?25l')
  try {
    while (!signal.aborted) {
      const text = await statusOrWhyNot({ ...context, columns: context.columns, signal })
      if (signal.aborted) break
      const keys = context.onKey === undefined ? 'Ctrl-C ends' : 'q ends'
      const room = Math.max(1, (context.rows ?? 24) - 1)
      const lines = text.trimEnd().split('\n')
      const shown =
        lines.length > room ? [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} more lines`] : lines
      context.out(
        `\x1b[H${shown.map(line => `${line}\x1b[K\n`).join('')}${paint(keys, 'dim', context.colour)}\x1b[K\x1b[J`,
      )
      await sleep(WATCH_EVERY_MS, undefined, { signal }).catch(endOfWait)
    }
  } finally {
    stopKeys?.()
    context.out('\x1b[?25h\x1b[?1049l')
  }
  return EXIT.done
}

/** A daemon that is away for a moment (an upgrade) does not end the watch. */
async function statusOrWhyNot(context: Context): Promise<string> {
  try {
    // The lines of a screen are for the services.
    return statusText(await askStatus(context), context, true)
  } catch (error) {
    if (codeOf(error) === 'unknown') throw error
    return `heald: ${cleanLine(messageOf(error))}\nwaiting for it …`
  }
}

/** Not a terminal: one answer after another, each time that something other than time, memory or ledger changed. */
async function watchLines(context: Context): Promise<number> {
  let last = ''
  while (!context.signal.aborted) {
    const status = await askStatus(context)
    const { services, targets, channels, incidents, daemon } = status
    const now = JSON.stringify([services, targets, channels, incidents, daemon.pid, daemon.recording, daemon.frozen])
    if (now !== last)
      context.out(
        context.json ? `${JSON.stringify(status)}\n` : `${last === '' ? '' : '\n'}${statusText(status, context)}`,
      )
    last = now
    await sleep(WATCH_EVERY_MS, undefined, { signal: context.signal }).catch(endOfWait)
  }
  return EXIT.done
}

function endOfWait(error: unknown): void {
  if (codeOf(error) !== 'ABORT_ERR') throw error
}
