import { type Path, parseSource, type SourceTree } from './document.ts'
import { isName, type Lines, linesOf } from './excerpt.ts'
import { type Complaint, explain } from './explain.ts'
import { type HostFacts, hostFacts } from './facts.ts'
import { exampleAt } from './keys.ts'
import { channelsIn, hasCron, secretPaths } from './notices.ts'
import { ConfigFault, type Problem } from './problem.ts'
import { checkRelations } from './relations.ts'
import { folderOf, resolveFile } from './resolve.ts'
import { fileSchema } from './schema.ts'
import { readSource } from './source.ts'
import type { HostConfig } from './spec.ts'
import { findMissing } from './surroundings.ts'

/**
 * Life of a configuration
 *
 * 1. Bytes become text (source.ts), text a tree of values that remember where they stand (document.ts).
 * 2. The schema reads each value (schema.ts), relations.ts looks at what concerns several; both name everything wrong.
 * 3. explain.ts finds the words, excerpt.ts the line to show, without secrets.
 * 4. What is left without errors is written out in full (resolve.ts): defaults in, paths absolute.
 *
 * The daemon has this done by a short-lived child (load-apart.ts), so that it keeps neither YAML nor zod in memory.
 */

export type Checked =
  | { readonly config: HostConfig; readonly warnings: readonly Problem[]; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly Problem[] }

export interface CheckOptions {
  /** What the host can do; left out: looked up. */
  readonly facts?: HostFacts
  /** Also look for folders, programs and users that are named but missing, and warn of them. */
  readonly warn?: boolean
}

/** More than this nobody reads; the last one then says how many are left. */
const MAX_PROBLEMS = 200

/**
 * Checks the file at `path`, and answers with the configuration or with everything that is wrong with it, in the order
 * of the file. Rejects with a Fault (`config.missing`, `config.unreadable`) when there is no file to check.
 */
export async function checkConfig(path: string, options: CheckOptions = {}): Promise<Checked> {
  const source = await readSource(path)
  if ('message' in source) return { problems: [{ file: path, path: '', severity: 'error', ...source }] }
  const tree = parseSource(source.text)
  if (!tree.broken && (tree.value === undefined || tree.value === null)) {
    const hint = 'run: heald init --force  (writes a first heald.yaml here), or list the services to run'
    return { problems: [{ file: path, line: 1, column: 1, path: '', message: 'is empty', hint, severity: 'error' }] }
  }
  const found: Located[] = tree.findings.map(finding => ({ ...finding, on: 'key' }))
  const read = tree.broken ? undefined : fileSchema.safeParse(tree.value)
  const judged: Complaint[] = [
    ...(read?.error === undefined ? [] : explain(read.error.issues, tree.value)),
    ...(read === undefined ? [] : checkRelations(tree.value, options.facts ?? hostFacts(), folderOf(path))),
    // The library that reads them is loaded only where there are some.
    ...(read === undefined || !hasCron(tree.value) ? [] : (await import('./cron.ts')).checkCrons(tree.value)),
  ]
  // What the parser could not read has no value, which is not the writer's mistake.
  const unread = new Set(found.map(item => JSON.stringify(item.path)))
  const complaints: Located[] = [...found, ...judged.filter(item => !unread.has(JSON.stringify(item.path)))]
  const hidden: Path[] = [
    ['ledger', 'redact'],
    ...secretPaths(tree.value),
    ...complaints.filter(item => item.hide).map(item => item.path),
  ]
  const lines = linesOf(source.text, tree, hidden)
  const describe = (list: readonly Located[], severity: Problem['severity']) =>
    describeAll({ file: path, tree, lines, severity }, list)
  if (complaints.length > 0 || read?.data === undefined) return { problems: describe(complaints, 'error') }
  const config = resolveFile(read.data, channelsIn(tree.value), path, source.sha256)
  const missing = options.warn === true ? await findMissing(config, (options.facts ?? hostFacts()).isRoot) : []
  if (options.warn === true && config.services.length === 0) {
    missing.push({
      path: [],
      message: 'names no service, so there is nothing to heal',
      hint: `write ${exampleAt(['services'])}`,
    })
  }
  const warnings = describe(
    missing.map(item => ({ ...item, on: 'value' })),
    'warning',
  )
  return { config, warnings }
}

/** The checked configuration. Rejects with a `ConfigFault` (`config.invalid`) that lists every problem. */
export async function loadConfig(path: string, facts: HostFacts = hostFacts()): Promise<HostConfig> {
  const checked = await checkConfig(path, { facts })
  if (checked.problems !== undefined) throw new ConfigFault(path, checked.problems)
  return checked.config
}

/** A complaint, and where it is when the parser said so itself. */
type Located = Complaint & { readonly offset?: number }

interface Surface {
  readonly file: string
  readonly tree: SourceTree
  readonly lines: Lines
  readonly severity: Problem['severity']
}

function describeAll({ file, tree, lines, severity }: Surface, complaints: readonly Located[]): Problem[] {
  const offsetOf = ({ offset, on, path }: Located) =>
    offset ?? (on === 'key' ? tree.keyOffset(path) : tree.valueOffset(path))
  const located = complaints.map(item => ({ ...item, at: offsetOf(item) })).sort((a, b) => a.at - b.at)
  const problems = located.slice(0, MAX_PROBLEMS).map(
    ({ at, path, message, hint }): Problem => ({
      file,
      ...lines.position(at),
      path: pathText(path),
      message,
      hint,
      severity,
      excerpt: lines.excerpt(at),
    }),
  )
  const next = located[MAX_PROBLEMS]
  if (next !== undefined) {
    const message = `and ${located.length - MAX_PROBLEMS} more problems from here on`
    problems.push({ file, ...lines.position(next.at), path: '', message, hint: 'mend the ones above first', severity })
  }
  return problems
}

/** `services.agent.run[0]`. Of a key that is no name only the beginning is shown: the rest may be a secret. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += (text === '' ? '' : '.') + (isName(step) ? step : `${/^[\w.-]{0,40}/.exec(step)?.[0] ?? ''}…`)
  }
  return text
}
