import { cleanLine, cleanLines } from '../cli/text.ts'
import { receiptOf } from '../ledger/receipt.ts'
import { timelineSvg } from './drawing.ts'
import type { Incident } from './fold.ts'
import { spanOf } from './measure.ts'
import type { Step } from './timeline.ts'
import { warningText } from './warning.ts'
import type { RolledBack, WhatChanged } from './what-changed.ts'

export interface Report {
  readonly host: string
  readonly incident: Incident
  readonly steps: readonly Step[]
  readonly rolledBack: readonly RolledBack[]
  readonly changed: readonly WhatChanged[]
  /** Some entries of a long incident are not listed. */
  readonly missing: number
  /** Entries of it that are damaged, and whatever else a reader has to know, in sentences. */
  readonly warnings: readonly string[]
}

/**
 * The facts above the timeline, in the order of importance: `[name, value]`. Cleaned of control characters.
 * @param when puts a time into words; left out, it stays ISO 8601 in UTC
 */
export function factsOf(
  { host, incident, missing, rolledBack, warnings }: Report,
  when = (ts: string): string => ts,
): [name: string, value: string][] {
  const { state, severity, services, cause, openedTs, resolvedTs, downMs, attempts, ackedBy, how } = incident
  const facts: [string, string | null][] = [
    ['Cause', cause],
    ['State', ackedBy === null ? state : `${state}, acknowledged by ${ackedBy}`],
    ['Severity', severity],
    ['Services', services.join(', ')],
    ['Host', host === '' ? null : host],
    ['Opened', when(openedTs)],
    ['Resolved', resolvedTs === null ? null : `${when(resolvedTs)}${how === null ? '' : ` (${how})`}`],
    ['Down for', downMs === null ? null : spanOf(downMs)],
    ['Restarts tried', String(attempts)],
    ['Warning', warningText(warnings)],
    ['Rolled back', rolledBack.map(rollbackText).join('; ')],
    [
      'Not listed',
      missing === 0 ? null : `${missing} entries between the first and the last ones; "heald ledger list" has them`,
    ],
  ]
  return facts.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, cleanLine(value)]]))
}

function rollbackText({ target, from, to }: RolledBack): string {
  return `${target}${from === null ? '' : ` from ${from}`}${to === null ? '' : ` to ${to}`}`
}

/** What stands above the lines of one generation's changes. Cleaned of control characters. */
export function changeTitle({ generation, target }: WhatChanged): string {
  return cleanLine(`${generation} of ${target}, which is quarantined, had changed:`)
}

/** The lines themselves, with how many are left out. Cleaned of control characters. */
export function changeLines({ lines, more }: WhatChanged): string[] {
  return [...lines.map(cleanLine), ...(more === 0 ? [] : [`… and ${more} more ${more === 1 ? 'line' : 'lines'}`])]
}

const VERIFY =
  'Each step ends with its receipt: the number of its entry in the ledger of this host and the beginning of that entry\'s SHA-256. "heald ledger verify" checks the ledger.'

/** The report as Markdown (CommonMark with tables), safe whatever a service called itself or wrote. */
export function reportMarkdown(report: Report): string {
  const facts = factsOf(report).map(([name, value]) => `| ${name} | ${markdown(value)} |`)
  const steps = report.steps.map(step => {
    const tail =
      step.tail === null || step.tail === '' ? '' : `\n\n${indented(fenced(cleanLines(step.tail).trimEnd()))}\n`
    return `- **${step.offset}** ${markdown(cleanLine(step.words))} (\`${receiptOf(step.seq, step.h)}\`)${tail}`
  })
  const changes = report.changed.map(
    change => `${markdown(changeTitle(change))}\n\n${fenced(changeLines(change).join('\n'))}`,
  )
  return [
    `# Incident ${markdown(report.incident.id)}`,
    ['| | |', '|---|---|', ...facts].join('\n'),
    ...(changes.length === 0 ? [] : ['## What changed', ...changes]),
    '## Timeline',
    steps.join('\n') || 'The ledger holds no entries of it any more.',
    VERIFY,
    '',
  ].join('\n\n')
}

/** The report as one HTML page that needs nothing else: no scripts, no outside files. */
export function reportHtml(report: Report): string {
  const title = html(`Incident ${report.incident.id}`)
  const facts = factsOf(report).map(([name, value]) => `<tr><th>${html(name)}</th><td>${html(value)}</td></tr>`)
  const steps = report.steps.map(step => {
    const tail = step.tail === null || step.tail === '' ? '' : `<pre>${html(cleanLines(step.tail).trimEnd())}</pre>`
    const words = html(cleanLine(step.words))
    return `<tr><td class="n">${html(step.offset)}</td><td>${words}${tail}</td><td class="n" title="${html(step.h)}"><code>${html(receiptOf(step.seq, step.h))}</code></td></tr>`
  })
  const changes = report.changed.map(
    change => `<p>${html(changeTitle(change))}</p>\n<pre>${html(changeLines(change).join('\n'))}</pre>\n`,
  )
  const changed = changes.length === 0 ? '' : `<h2>What changed</h2>\n${changes.join('')}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884 }
.n { white-space: nowrap; font-variant-numeric: tabular-nums }
td { overflow-wrap: anywhere }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8882; padding: .5rem }
</style>
</head>
<body>
<h1>${title}</h1>
<table>
${facts.join('\n')}
</table>
${changed}<h2>Timeline</h2>
${timelineSvg(report.steps, html)}<table>
${steps.join('\n')}
</table>
<p>${html(VERIFY)}</p>
</body>
</html>
`
}

const ENTITIES: { readonly [char: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, char => ENTITIES[char] ?? char)
}

/** What could begin markup, a link or an address; `<` and `&` become entities for renderers that allow HTML. */
function markdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]#|~@]|:(?=\/\/)|\.(?<=www\.)/g, '\\$&')
    .replace(/[&<>]/g, char => ENTITIES[char] ?? char)
}

function fenced(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(run => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text}\n${fence}`
}

/** Belongs to the list item above it. */
function indented(text: string): string {
  return text.replace(/^/gm, '  ')
}
