import { relative } from 'node:path'
import type { EventData } from 'node:test'
import { inspect, styleText } from 'node:util'

// Life of a result
// 1. A job (a test file, the lint, the type check) starts: `begin` gives it a page of its own.
// 2. What happens in it is noted on the page; nothing is printed yet, since two jobs run at a time.
// 3. It ends: its line is printed, its failures below it in full, and what it wrote when it failed.
// 4. A job that begins again starts over: only its last page counts, and that it failed before is said at the end.
// 5. `finish` lists what was skipped, what was unsteady and what failed, then the tally, alone on the very last line.

export interface Tally {
  passed: number
  failed: number
  skipped: number
}

/** One job's page. Call `end` once, after the last note. */
export interface Page {
  pass(name: string): void
  /** `error` is whatever was thrown; `where` is `file:line:column`. */
  fail(name: string, error: unknown, where?: string): void
  /** With CI set this is a failure: a test that can't run there tests nothing. */
  skip(name: string, why: string): void
  /** Figures a test wants seen (`t.diagnostic`). */
  note(text: string): void
  /** What the job wrote; shown only when it fails, and then its last part. */
  wrote(text: string): void
  /** Prints the page, and gives its counts. */
  end(tookMs: number): Tally
}

export interface Reporter {
  /** A page for a job; the page it had before, if any, counts no more. */
  begin(job: string): Page
  finish(): Tally
}

/** The last part of a failed job's output that is shown, in characters. */
const SHOWN_OUTPUT = 8_000

export function createReporter(options: { ci: boolean; colour: boolean; out: (text: string) => void }): Reporter {
  const { ci, colour, out } = options
  const pages = new Map<string, { tally: Tally; skips: string[]; failures: string[] }>()
  const unsteady: string[] = []
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text

  function begin(job: string): Page {
    const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
    const skips: string[] = []
    const failures: string[] = []
    const before = pages.get(job)
    const lines: string[] = []
    let output = ''
    const fail: Page['fail'] = (name, error, where) => {
      tally.failed++
      failures.push(`${job}${name === '' ? '' : `: ${name}`}`)
      lines.push(
        paint('red', `  ✖ ${name || job}${where === undefined ? '' : `   ${where}`}`),
        indent(explain(error), 6),
      )
    }
    return {
      pass: () => void tally.passed++,
      fail,
      skip(name, why) {
        if (ci) return fail(name, `skipped (${why}); with CI set a skip is a failure`)
        tally.skipped++
        skips.push(`${job}: ${name}: ${why}`)
      },
      note: text => void lines.push(paint('gray', indent(`ℹ ${text}`, 2))),
      wrote: text => {
        output = (output + text).slice(-SHOWN_OUTPUT)
      },
      end(tookMs) {
        const mark =
          tally.failed > 0 ? paint('red', '✖') : tally.passed > 0 ? paint('green', '✔') : paint('yellow', '−')
        out(`${mark} ${job.padEnd(50)} ${countsOf(tally)}  ${paint('gray', `${(tookMs / 1000).toFixed(1)} s`)}\n`)
        if (tally.failed > 0 && output.trim() !== '') lines.push('  it wrote:', indent(output.trimEnd(), 4, '│ '))
        if (lines.length > 0) out(`${lines.join('\n')}\n`)
        if (before !== undefined && before.tally.failed > 0 && tally.failed === 0) unsteady.push(...before.failures)
        pages.set(job, { tally, skips, failures })
        return tally
      },
    }
  }

  function finish(): Tally {
    const last = [...pages.values()]
    const skips = last.flatMap(page => page.skips)
    const failures = last.flatMap(page => page.failures)
    const sum = (count: keyof Tally) => last.reduce((total, page) => total + page.tally[count], 0)
    const total: Tally = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
    if (skips.length > 0) out(`\nSkipped:\n${skips.map(line => `  ${line}`).join('\n')}\n`)
    if (unsteady.length > 0)
      out(
        `\nUnsteady (failed in full above, passed when run alone):\n${unsteady.map(line => `  ${line}`).join('\n')}\n`,
      )
    if (failures.length > 0) out(`\nFailed (in full above):\n${failures.map(line => `  ${line}`).join('\n')}\n`)
    const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
    out(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`)
    return total
  }

  return { begin, finish }
}

/** A short count for one job's line: zeros are left out, except when nothing ran. */
function countsOf({ passed, failed, skipped }: Tally): string {
  const parts = [`${passed} passed`]
  if (failed > 0) parts.push(`${failed} failed`)
  if (skipped > 0) parts.push(`${skipped} skipped`)
  return parts.join(', ')
}

/** The error in full, without the runner's own frames: its message, where it was thrown, its fields and its causes. */
function explain(error: unknown): string {
  if (typeof error === 'string') return error
  // An assertion's message already holds the difference; inspect would print both values again, at any length.
  const text = error instanceof Error && 'operator' in error && error.stack ? error.stack : inspect(error, { depth: 4 })
  const inside = `file://${process.cwd()}/`
  const lines = text.split('\n').filter(line => !/^\s+at .*(node:internal\/|node:async_hooks)/.test(line))
  return lines.join('\n').replaceAll(inside, '')
}

/** What the test runner wraps around a thrown value: the value itself, or the wrapper when there is none. */
export function thrownIn(details: EventData.TestFail['details']): unknown {
  const { error } = details
  return error.cause ?? error
}

/** `file:line:column`, relative to the folder the run started in; undefined when the event has no place. */
export function placeOf(data: { file?: string | undefined; line?: number; column?: number }): string | undefined {
  if (data.file === undefined || data.line === undefined) return undefined
  return `${relative(process.cwd(), data.file)}:${data.line}:${data.column ?? 1}`
}

function indent(text: string, columns: number, mark = ''): string {
  return text.replaceAll(/^/gm, ' '.repeat(columns) + mark)
}
