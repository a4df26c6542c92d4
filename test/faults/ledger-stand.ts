import assert from 'node:assert/strict'
import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'

export const ROOT = resolve(import.meta.dirname, '../..')
const WRITER = join(ROOT, 'test/fixtures/ledger-writer.ts')

export interface WriterRun {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly said: readonly string[]
  /** "SEQ H" of each acknowledgement, one a line: for the judge. */
  readonly acked: string
  readonly trouble: string
}

export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'heald-faults-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Runs the small writer, under `before` (strace …) when given; `onStart` gets the process, to kill it. */
export async function runWriter(
  dir: string,
  {
    count,
    callers = 1,
    before = [],
    onLine,
    kill,
    program = WRITER,
  }: {
    readonly count: number
    readonly callers?: number
    readonly before?: readonly string[]
    readonly onLine?: (line: string) => void
    /** Given once: kills the process it started, when the moment has come. */
    readonly kill?: (kill: () => void) => void
    /** In the place of the small writer. */
    readonly program?: string
  },
): Promise<WriterRun> {
  const [command = '', ...args] = [...before, process.execPath, program, dir, String(count), String(callers)]
  const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000, killSignal: 'SIGKILL' }
  const child = spawn(command, args, options)
  let out = ''
  let trouble = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    onLine?.(text)
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    trouble += text
  })
  kill?.(() => child.kill('SIGKILL'))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  // A line that the kill cut short was never told whole.
  const said = out
    .slice(0, out.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
  const acked = said
    .filter(line => /^\d+ [0-9a-f]{64}$/.test(line))
    .map(line => `${line}\n`)
    .join('')
  return { code, signal, said, acked, trouble }
}

/** The independent judge: '' when the folder is good and holds everything that was acknowledged. */
export async function judge(dir: string, acked: string, ...flags: string[]): Promise<string> {
  const list = `${dir}.acked`
  writeFileSync(list, acked)
  const child = spawn('python3', [join(ROOT, 'test/faults/check_ledger.py'), dir, '--acked', list, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const [code] = (await once(child, 'close')) as [number | null]
  rmSync(list)
  return code === 0 ? '' : said.trim()
}

export interface TracedCall {
  readonly name: string
  /** Which one of its name in its thread, from 1. */
  readonly nth: number
  readonly about: string
}

/**
 * The calls of a trace (`strace -f -y -o FILE`) that concern `dir`, numbered as `inject=…:when=` counts them: each thread
 * for itself. A place that several threads have stands there once.
 */
export function tracedCalls(traceFile: string, dir: string): TracedCall[] {
  const counts = new Map<string, number>()
  const calls = new Map<string, TracedCall>()
  for (const line of readFileSync(traceFile, 'utf8').split('\n')) {
    const found = /^(\d+) +([a-z0-9]+)\((.*)/.exec(line)
    const [, thread = '', name = '', about = ''] = found ?? []
    if (name === '' || !about.includes(dir)) continue
    const nth = (counts.get(`${thread} ${name}`) ?? 0) + 1
    counts.set(`${thread} ${name}`, nth)
    calls.set(`${name} ${nth}`, { name, nth, about: about.slice(0, 160) })
  }
  return [...calls.values()]
}

/** A trace without these calls is not one of what was to be struck. */
export function mustCall(places: readonly TracedCall[], names: readonly string[]): void {
  for (const name of names)
    assert.ok(
      places.some(place => place.name === name),
      `it calls ${name}`,
    )
}

/** At most `count` of `all`, spread evenly over them. */
export function spreadOver<T>(all: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, all.length / count)
  const chosen = Array.from({ length: Math.min(count, all.length) }, (_, n) => all[Math.floor((n + 0.5) * step)])
  return chosen.flatMap(each => each ?? [])
}

/** Each call failing in each of two ways, and with the caller killed in it. */
export function faultsAt<T extends TracedCall>(calls: readonly T[]): (T & { readonly fault: string })[] {
  return calls.flatMap(call => ['error=EIO', 'error=ENOSPC', 'signal=SIGKILL'].map(fault => ({ ...call, fault })))
}
