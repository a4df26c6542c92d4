import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { bootId, systemClock } from '../../../core/clock.ts'
import type { Draft, Entry } from '../../../core/entry.ts'
import type { Ledger } from '../../../core/ledger/ledger.ts'
import { bodyOf, type Stamp, writeLine } from '../../../core/ledger/line.ts'
import { type LedgerOptions, openLedger } from '../../../core/ledger/open.ts'

export const ROOT = resolve(import.meta.dirname, '../../..')

/** A folder that disappears with the test. */
export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'heald-ledger-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export function optionsFor(dir: string, more: Partial<LedgerOptions> = {}): LedgerOptions {
  return {
    dir,
    host: 'test-host',
    version: '0.0.0',
    clock: systemClock,
    bootId: bootId(),
    redact: [],
    fsync: false,
    onTrouble: () => {},
    ...more,
  }
}

/** One line with its LF, as the writer builds it. */
export function lineOf(stamp: Stamp, middle: string): { readonly text: string; readonly h: string } {
  const bytes = Buffer.alloc(65_536)
  const { h, end } = writeLine(bytes, 0, bodyOf(stamp, middle))
  return { text: bytes.toString('utf8', 0, end), h }
}

/** A ledger that is closed with the test. */
export async function opened(t: TestContext, dir: string, more: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const ledger = await openLedger(optionsFor(dir, more))
  t.after(() => ledger.close(2000))
  return ledger
}

/** The same, once it is settled; `said`: the troubles that it tells of. */
export async function heard(
  t: TestContext,
  dir: string,
): Promise<{ readonly ledger: Ledger; readonly said: string[] }> {
  const said: string[] = []
  const ledger = await opened(t, dir, { onTrouble: what => void said.push(what) })
  await ledger.settled()
  return { ledger, said }
}

/** A closed ledger of so many entries, the first one included, and its checkpoint of them all. */
export async function signedLedger(t: TestContext, entries: number, host = 'test-host') {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir, { host }))
  await ledger.settled()
  for (let n = 1; n < entries; n++) await ledger.append(exit(n))
  const { note, size } = await ledger.checkpoint()
  const vkey = ledger.vkey() ?? assert.fail()
  await ledger.close(2000)
  return { dir, note, size, vkey }
}

export const exit = (pid: number, more: Partial<Draft> = {}): Draft => ({
  kind: 'service.exited',
  svc: 'api',
  data: { pid, exit: 'signal', signal: 'SIGKILL', oom: false, uptimeMs: 1200 + pid, wanted: false },
  ...more,
})

/** A closed ledger with genesis and `count` more entries, without its mark and a checkpoint unless `mark`. */
export async function written(t: TestContext, count: number, { mark = false } = {}): Promise<string> {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  for (let n = 1; n <= count; n++) await ledger.append(exit(n))
  await ledger.close(2000)
  // On a slow machine there was time for a checkpoint too.
  if (!mark) for (const name of ['head', 'checkpoint']) rmSync(join(dir, name), { force: true })
  return dir
}

export function copyOf(t: TestContext, dir: string): string {
  const copy = join(folder(t), 'ledger')
  cpSync(dir, copy, { recursive: true })
  return copy
}

/** The entries of all segments, parsed by nothing of ours; what a segment holds behind its valid size is left out. */
export function entriesIn(dir: string): Entry[] {
  const names = readdirSync(join(dir, 'seg')).sort()
  return names.flatMap((name, index) => {
    const end = Number(names[index + 1]?.slice(0, 12) ?? Number.POSITIVE_INFINITY) - Number(name.slice(0, 12))
    const lines = readFileSync(join(dir, 'seg', name), 'utf8')
      .split('\n')
      .slice(0, -1)
    return lines.slice(0, end).map(line => JSON.parse(line) as Entry)
  })
}

/** The independent judge's word. */
export function judged(dir: string, ...more: string[]): { readonly code: number; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('python3', [join(ROOT, 'test/faults/check_ledger.py'), dir, ...more], {
    encoding: 'utf8',
  })
  return { code: status ?? -1, said: `${stdout}${stderr}`.trim() }
}

export function has(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

/** The lines of one segment with `prev` and `h` computed anew, as somebody would do who wants to hide a change. */
export function rehashed(text: string): string {
  let prev = '0'.repeat(64)
  return text
    .split('\n')
    .map(line => {
      if (line === '') return line
      const body = line.slice(0, -72).replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
      prev = hash('sha256', body, 'hex')
      return `${body},"h":"${prev}"}`
    })
    .join('\n')
}
