import { codeOf } from '../fault.ts'
import { allIncidents, type Incident, type Severity } from '../incident/fold.ts'
import { spanOf } from '../incident/measure.ts'
import { noWords } from './arguments.ts'
import { askIncidents } from './ask.ts'
import type { Colour } from './colour.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { foldIncidents } from './record.ts'
import { type Column, table } from './table.ts'
import { ago, agoAt } from './time.ts'

const SHOWN_RESOLVED = 20

/** `heald incidents`: open ones and the last resolved ones, newest first. */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  noWords(words, 'incidents')
  const { incidents, fromFiles, warnings } = await knownIncidents(context)
  for (const warning of warnings) context.err(`heald: ${warning}\n`)
  if (context.json) {
    context.out(`${JSON.stringify(incidents)}\n`)
    return EXIT.done
  }
  if (fromFiles) context.err('The daemon does not answer; this is what the ledger says.\n')
  const shown = values.all === true ? incidents : withoutOld(incidents)
  context.out(incidents.length === 0 ? 'There have been no incidents.\n' : listText(shown, context))
  const more = incidents.length - shown.length
  if (more > 0) context.out(`… and ${more} older ones: heald incidents --all\n`)
  return EXIT.done
}

export interface KnownIncidents {
  /** Newest first. */
  readonly incidents: readonly Incident[]
  readonly fromFiles: boolean
  /** What a reader has to know of them, in sentences. */
  readonly warnings: readonly string[]
}

/** From the daemon, or from the ledger's files when it does not answer. */
export async function knownIncidents(context: Context): Promise<KnownIncidents> {
  try {
    return { incidents: await askIncidents(context), fromFiles: false, warnings: [] }
  } catch (error) {
    if (codeOf(error) !== 'daemon.unreachable' && codeOf(error) !== 'daemon.timeout') throw error
    let damaged = 0
    const incidents = await foldIncidents(context.state, context.signal, () => damaged++)
    return { incidents: allIncidents(incidents), fromFiles: true, warnings: leftOut(damaged) }
  }
}

/** The warning that so many lines were no entries; none for 0. */
export function leftOut(damaged: number): string[] {
  return damaged === 0 ? [] : [`damaged lines of the ledger were left out: ${damaged}. Run "heald ledger verify".`]
}

function withoutOld(incidents: readonly Incident[]): readonly Incident[] {
  let resolved = 0
  return incidents.filter(incident => incident.state !== 'resolved' || ++resolved <= SHOWN_RESOLVED)
}

const COLOURS = { info: 'cyan', warning: 'yellow', critical: 'red' } as const satisfies Record<Severity, Colour>

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'STATE' },
  { title: 'SEVERITY' },
  { title: 'OPENED' },
  { title: 'DOWN', align: 'right' },
  { title: 'RESTARTS', align: 'right' },
  { title: 'CAUSE', wraps: true },
]

function listText(incidents: readonly Incident[], { columns, colour, tz, nowMs }: Context): string {
  const rows = incidents.map(({ id, state, severity, openedTs, downMs, attempts, cause }) => [
    id,
    state === 'resolved' ? { text: `○ ${state}`, colour: 'dim' as const } : `● ${state}`,
    state === 'resolved' ? severity : { text: severity, colour: COLOURS[severity] },
    { text: agoAt(openedTs, nowMs(), tz), short: ago(openedTs, nowMs()) },
    downMs === null ? '' : spanOf(downMs),
    String(attempts),
    cause,
  ])
  return table(COLUMNS, rows, columns, colour)
}
