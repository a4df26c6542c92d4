import { codeOf, Fault } from '../fault.ts'
import type { Incident } from '../incident/fold.ts'
import { changeLines, changeTitle, factsOf, type Report, reportHtml, reportMarkdown } from '../incident/report.ts'
import { timeline } from '../incident/timeline.ts'
import { rolledBack, whatChanged } from '../incident/what-changed.ts'
import { receiptOf } from '../ledger/receipt.ts'
import { readTail } from '../ledger/side.ts'
import { oneWord } from './arguments.ts'
import { withNearest } from './ask.ts'
import { paint } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { knownIncidents, leftOut } from './incidents.ts'
import { entriesOf, findOldIncident, hostOf, ledgerFolder } from './record.ts'
import { beside, cleanLine, cleanLines, columnsOf, cutTo, wrapTo } from './text.ts'
import { ago, fullTime } from './time.ts'

/** `heald incident ID`: the facts, then each step with the time since the first one. */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  const id = oneWord(words, 'incident', 'ID')
  const form = values.report
  if (form !== undefined && form !== 'md' && form !== 'html') {
    throw new Fault('usage.value', `--report has to be md or html, not "${form}"`)
  }
  const report = await reportOn(context, id, values['without-lines'] !== true)
  if (form === 'md') context.out(reportMarkdown(report))
  else if (form === 'html') context.out(reportHtml(report))
  else if (context.json) context.out(`${JSON.stringify(reportJson(report))}\n`)
  else context.out(reportText(report, context))
  return EXIT.done
}

async function reportOn(context: Context, id: string, hasLines: boolean): Promise<Report> {
  const { state } = context
  const warnings: string[] = []
  // On standard error too: who gets the report may not be who made it.
  const warn = (text: string) => {
    warnings.push(text)
    context.err(`heald: ${text}\n`)
  }
  const known = await knownIncidents(context)
  known.warnings.forEach(warn)
  const incident = known.incidents.find(one => one.id === id) ?? (await oldIncident(context, id, warn))
  if (incident === null) throw unknownIncident(id, known.incidents)
  const entries = await entriesOf(state, incident.entries, ({ seq, why }) =>
    warn(`entry #${seq} of this incident is damaged: ${cleanLine(why)}. Run "heald ledger verify".`),
  )
  const dir = ledgerFolder(state)
  const steps = timeline(entries, entry => {
    if (!hasLines) return null
    try {
      return readTail(dir, entry)
    } catch (error) {
      warn(`the last lines kept for entry #${entry.seq} can't be read: ${codeOf(error)}.`)
      return null
    }
  })
  return {
    host: await hostOf(state),
    incident,
    steps,
    rolledBack: rolledBack(entries),
    changed: whatChanged(entries),
    missing: incident.entryCount - incident.entries.length,
    warnings,
  }
}

async function oldIncident({ state, signal }: Context, id: string, warn: (text: string) => void) {
  let damaged = 0
  const found = await findOldIncident(state, id, signal, () => damaged++)
  leftOut(damaged).forEach(warn)
  return found
}

function unknownIncident(id: string, incidents: readonly Incident[]): Fault {
  const fault = new Fault('incident.unknown', `there is no incident "${id}"`, { hint: '"heald incidents" lists them' })
  return withNearest(
    fault,
    id,
    incidents.map(incident => incident.id),
  )
}

function reportJson({ host, incident, steps, rolledBack, changed, warnings }: Report): object {
  const timeline = steps.map(({ h, ...step }) => ({ ...step, receipt: receiptOf(step.seq, h) }))
  return { ...incident, host, timeline, rolledBack, changed, warnings }
}

function changesText({ changed }: Report, { columns, colour }: Context): string {
  const blocks = changed.map(change => {
    const title = wrapTo(changeTitle(change), columns).join('\n')
    const lines = changeLines(change).map(line => paint(`  │ ${cutTo(line, columns - 4)}`, 'dim', colour))
    return `${title}\n${lines.join('\n')}\n\n`
  })
  return blocks.length === 0 ? '' : `${paint('What changed', 'bold', colour)}\n${blocks.join('')}`
}

function reportText(report: Report, context: Context): string {
  const { columns, colour, tz, nowMs } = context
  const { incident, steps } = report
  const when = (ts: string) => `${fullTime(ts, tz)}, ${ago(ts, nowMs())}`
  const facts = factsOf(report, when).map(([name, value]) => beside(name.padEnd(14), 14, value, columns))
  const offsetWidth = Math.max(0, ...steps.map(step => step.offset.length))
  const lines = steps.flatMap(step => {
    const end = ` #${step.seq}`
    const room = Math.max(20, columns - offsetWidth - 4 - columnsOf(end))
    const words = wrapTo(cleanLine(step.words), room).join(`\n${' '.repeat(offsetWidth + 4)}`)
    const tail = step.tail === null || step.tail === '' ? [] : cleanLines(step.tail).trimEnd().split('\n')
    const kept = tail.map(line =>
      paint(`  ${' '.repeat(offsetWidth)}  │ ${cutTo(line, columns - offsetWidth - 6)}`, 'dim', colour),
    )
    return [`  ${step.offset.padStart(offsetWidth)}  ${words}${paint(end, 'dim', colour)}`, ...kept]
  })
  const hint = steps.length === 0 ? 'The ledger holds no entries of it any more.' : ''
  const head = `${paint(`Incident ${cleanLine(incident.id)}`, 'bold', colour)}\n${facts.join('\n')}\n\n`
  return `${head}${changesText(report, context)}${lines.join('\n')}${hint}\n`
}
