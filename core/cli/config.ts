import { statSync } from 'node:fs'
import { formatDuration } from '../config/duration.ts'
import { findConfig, SYSTEM_CONFIG } from '../config/find.ts'
import { checkConfig } from '../config/load.ts'
import type { Problem } from '../config/problem.ts'
import { formatSize } from '../config/size.ts'
import type { HostConfig, ProbeSpec, ServiceSpec } from '../config/spec.ts'
import { Fault } from '../fault.ts'
import { paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { noticeSummary } from './notice-summary.ts'
import { table } from './table.ts'
import { cleanLine, wrapLines } from './text.ts'

/** `heald config check [FILE]`: every problem with its place, or a summary of the services and of where notices go. */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  const [verb, named, ...rest] = words
  const option = typeof values.config === 'string' ? values.config : undefined
  if (verb !== 'check' || rest.length > 0 || (named !== undefined && option !== undefined)) {
    const message =
      verb === undefined ? 'heald config needs to be told what to do' : 'heald config knows only "check", for one file'
    throw new Fault('usage.words', message, { hint: 'write: heald config check [FILE]' })
  }
  const file = named ?? option
  const path = findConfig(file, process.cwd())
  if (path === null) {
    throw new Fault('config.missing', `there is no heald.yaml in this folder, and no ${SYSTEM_CONFIG}`, {
      hint: 'name the file (heald config check FILE), or write a first one with: heald init',
    })
  }
  const checked = await checkConfig(path, { warn: true })
  const problems = checked.problems ?? checked.warnings
  const ok = checked.problems === undefined
  // Problems carry the absolute path for programs; people see the name they gave.
  const shown = file ?? (path === SYSTEM_CONFIG ? path : 'heald.yaml')
  if (context.json) {
    const services = checked.config?.services.map(service => service.name) ?? []
    const channels = checked.config?.notice.channels.map(({ kind }) => kind) ?? []
    const { routes = [] } = checked.config?.notice ?? {}
    const { sha256 = null } = checked.config ?? {}
    context.out(`${JSON.stringify({ ok, file: path, sha256, services, channels, routes, problems })}\n`)
    return ok ? EXIT.done : EXIT.bad
  }
  context.out(problemsText(problems, shown, context.colour))
  context.out(checked.config === undefined ? verdictText(problems, shown) : summaryText(checked.config, shown, context))
  if (problems.length > 0) context.out(rootText(path, shown))
  return ok ? EXIT.done : EXIT.bad
}

/** What who is not root is told of a file of root's: heald runs as root then, and may what its reader may not. */
export function rootText(path: string, file: string, uid = process.getuid?.()): string {
  if (uid === 0 || statSync(path, { throwIfNoEntry: false })?.uid !== 0) return ''
  return `You are not root, and the file is root's. Check it as root: sudo heald config check ${cleanLine(file)}\n`
}

/** One block a problem: place, key, what is wrong and what to write; under it the line with a caret. */
export function problemsText(problems: readonly Problem[], file: string, colour: boolean): string {
  const places = problems.map(({ line, column }) => cleanLine(`${file}:${line}:${column}`))
  const placeWidth = Math.max(0, ...places.map(place => place.length))
  const pathWidth = Math.min(40, Math.max(0, ...problems.map(({ path }) => path.length)))
  const lineWidth = Math.max(0, ...problems.map(({ line }) => String(line).length))
  const blocks = problems.map(({ line, path, message, hint, severity, excerpt }, index) => {
    const place = paint((places[index] ?? '').padEnd(placeWidth), severity === 'error' ? 'red' : 'yellow', colour)
    const key = pathWidth === 0 ? '' : `  ${paint(cleanLine(path).padEnd(pathWidth), 'bold', colour)}`
    const words = `${severity === 'warning' ? 'warning: ' : ''}${cleanLine(message)}; ${cleanLine(hint)}`
    const head = `${place}${key}  ${words}\n`
    if (excerpt === undefined) return head
    const gutter = (text: string) => paint(`  ${text.padStart(lineWidth)} | `, 'dim', colour)
    const caret = paint('^', severity === 'error' ? 'red' : 'yellow', colour)
    return `${head}${gutter(String(line))}${excerpt.text}\n${gutter('')}${' '.repeat(excerpt.caret)}${caret}\n`
  })
  return blocks.join('')
}

function verdictText(problems: readonly Problem[], file: string): string {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return `\n${cleanLine(file)} has ${count}. Nothing of it is used until all are mended.\n`
}

function summaryText(config: HostConfig, file: string, { columns, colour }: Context): string {
  const count = config.services.length === 1 ? 'one service' : `${config.services.length} services`
  const good = `${cleanLine(file)} is good: ${count} on host ${config.host}, times in ${config.tz}.`
  const head = `${wrapLines(good, columns)}\n`
  const notices = noticeSummary(config.notice, { columns, colour })
  if (config.services.length === 0) return `${head}${notices}`
  const rows = config.services.map(service => [
    service.name,
    service.run.join(' '),
    checkText(service),
    service.dependsOn.join(', '),
    service.user ?? '',
    service.limits.memoryBytes === undefined ? '' : formatSize(service.limits.memoryBytes),
  ])
  const titles = [
    { title: 'SERVICE' },
    { title: 'RUNS', shrinks: true },
    { title: 'CHECKED BY', shrinks: true },
    { title: 'AFTER' },
    { title: 'AS USER' },
    { title: 'MEMORY', align: 'right' },
  ] as const
  return `${head}\n${table(titles, rows, columns, colour)}${notices}`
}

function checkText({ probes }: ServiceSpec): string {
  const probe = probes.liveness ?? probes.readiness ?? probes.startup
  return probe === undefined
    ? 'its process alone'
    : `${whatIsChecked(probe.check)} every ${formatDuration(probe.everyMs)}`
}

function whatIsChecked(check: ProbeSpec['check']): string {
  if (check.kind === 'http') return check.url
  if (check.kind === 'tcp') return `${check.host}:${check.port}`
  return check.kind === 'exec' ? check.argv.join(' ') : check.path
}
