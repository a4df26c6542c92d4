import { type Path, parseSource } from './document.ts'
import { linesOf, plain } from './excerpt.ts'
import { type Complaint, explain } from './explain.ts'
import { type HostFacts, hostFacts } from './facts.ts'
import { ConfigFault, type Problem } from './problem.ts'
import { checkRelations } from './relations.ts'
import { resolveFile } from './resolve.ts'
import { fileSchema } from './schema.ts'
import { readSource } from './source.ts'
import type { HostConfig } from './spec.ts'

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
  | { readonly config: HostConfig; readonly problems?: undefined }
  | { readonly config?: undefined; readonly problems: readonly Problem[] }

/** More than this nobody reads; the last one then says how many are left. */
const MAX_PROBLEMS = 200

/**
 * Checks the file at `path`, and answers with the configuration or with everything that is wrong with it, in the order
 * of the file. Rejects with a Fault (`config.missing`, `config.unreadable`) when there is no file to check.
 */
export async function checkConfig(path: string, facts: HostFacts = hostFacts()): Promise<Checked> {
  const source = await readSource(path)
  if ('message' in source) return { problems: [{ file: path, path: '', severity: 'error', ...source }] }
  const tree = parseSource(source.text)
  const complaints: (Complaint & { readonly offset?: number })[] = tree.findings.map(finding => ({
    ...finding,
    on: 'key',
  }))
  if (!tree.broken) {
    if (tree.value === undefined || tree.value === null) {
      const hint = 'run: heald init  (writes a first heald.yaml to a new place), and begin with its services'
      return { problems: [{ file: path, line: 1, column: 1, path: '', message: 'is empty', hint, severity: 'error' }] }
    }
    const read = fileSchema.safeParse(tree.value)
    complaints.push(
      ...(read.success ? [] : explain(read.error.issues, tree.value)),
      ...checkRelations(tree.value, facts),
    )
    if (read.success && complaints.length === 0) return { config: resolveFile(read.data, path, source.sha256) }
  }
  const hidden: Path[] = [['ledger', 'redact'], ...complaints.filter(item => item.hide).map(item => item.path)]
  const lines = linesOf(source.text, tree, hidden)
  const located = complaints.map(item => ({
    ...item,
    offset: item.offset ?? (item.on === 'key' ? tree.keyOffset(item.path) : tree.valueOffset(item.path)),
  }))
  located.sort((a, b) => a.offset - b.offset)
  const problems = located.slice(0, MAX_PROBLEMS).map(
    ({ offset, path: where, message, hint }): Problem => ({
      file: path,
      ...lines.position(offset),
      path: pathText(where),
      message,
      hint,
      severity: 'error',
      excerpt: lines.excerpt(offset),
    }),
  )
  const last = located[MAX_PROBLEMS]
  if (last !== undefined) {
    const message = `and ${located.length - MAX_PROBLEMS} more problems from here on`
    const hint = 'mend the ones above first'
    problems.push({ file: path, ...lines.position(last.offset), path: '', message, hint, severity: 'error' })
  }
  return { problems }
}

/** The checked configuration. Rejects with a `ConfigFault` (`config.invalid`) that lists every problem. */
export async function loadConfig(path: string, facts: HostFacts = hostFacts()): Promise<HostConfig> {
  const checked = await checkConfig(path, facts)
  if (checked.problems !== undefined) throw new ConfigFault(path, checked.problems)
  return checked.config
}

/** `services.agent.run[0]`. A name that isn't one is shown without what follows an equals sign: it may be a secret. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += (text === '' ? '' : '.') + plain(shorten(step))
  }
  return text
}

function shorten(key: string): string {
  const name = /^[^=]*/.exec(key)?.[0] ?? ''
  const cut = name.length < key.length ? `${name}=…` : name
  return cut.length > 64 ? `${cut.slice(0, 63)}…` : cut
}
