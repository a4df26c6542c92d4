import { hash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { keptCheckpoints } from '../../../core/ledger/kept.ts'
import { keyStore } from '../../../core/ledger/keys.ts'
import { fromHex, leafHash, toHex } from '../../../core/ledger/tree/hash.ts'
import { emptyRange, type Range, rangeBuilder, rootOf } from '../../../core/ledger/tree/range.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'

/*
 * What somebody does who may write every file of a ledger and knows how it is made: lines are changed, and everything that
 * speaks for them is made to fit.
 */

/**
 * The lines of all segments, of those from entry `fromSeq` on where something was pruned; what a segment holds behind its
 * valid size is left out.
 */
export function linesIn(dir: string, fromSeq = 0): string[] {
  const names = segmentNames(dir)
  const last = names.at(-1)
  // An empty one at the end says nothing yet, wherever its name would have it begin.
  if (last !== undefined && statSync(join(dir, 'seg', last)).size === 0) names.pop()
  const counting = names.filter(name => Number(name.slice(0, 12)) >= fromSeq)
  return counting.flatMap((name, index) => {
    const end = Number(counting[index + 1]?.slice(0, 12) ?? Number.POSITIVE_INFINITY) - Number(name.slice(0, 12))
    const lines = readFileSync(join(dir, 'seg', name), 'utf8').split('\n')
    return lines.slice(0, -1).slice(0, Math.max(0, end))
  })
}

/** In order. What is no file, or has another name, is no segment. */
export function segmentNames(dir: string): string[] {
  if (!statSync(join(dir, 'seg'), { throwIfNoEntry: false })?.isDirectory()) return []
  return readdirSync(join(dir, 'seg'), { withFileTypes: true })
    .filter(each => each.isFile() && /^\d{12}\.jsonl$/.test(each.name))
    .map(({ name }) => name)
    .sort()
}

export function seqIn(line: string): number {
  return Number(/"seq":(\d+)/.exec(line)?.[1] ?? 0)
}

/** How much of what speaks for the lines is made anew. */
export type Fit = 'nothing' | 'chain' | 'all'

/** Writes the lines in the place of those that are there, each segment from its first line on. */
export function writeLines(dir: string, lines: readonly string[], fit: Fit): void {
  rmSync(join(dir, 'seg'), { recursive: true, force: true })
  mkdirSync(join(dir, 'seg'))
  const { h, range } = beginning(dir)
  const tree = rangeBuilder(range)
  let prev = h
  let before: Readonly<Record<string, unknown>> | null = null
  for (const segment of segmentsOf(lines)) {
    const name = String(seqIn(segment[0] ?? '')).padStart(12, '0')
    const written = segment.map(line => {
      if (fit === 'nothing') return line
      let body = line.slice(0, -72).replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
      if (fit === 'all' && isOpening(body)) body = openingOf(dir, body, prev, before, tree.range())
      prev = hash('sha256', body, 'hex')
      const whole = `${body},"h":"${prev}"}`
      tree.append(leafHash(whole))
      return whole
    })
    const text = `${written.join('\n')}\n`
    before = {
      name,
      sha256: hash('sha256', text, 'hex'),
      validBytes: Buffer.byteLength(text),
      count: written.length,
    }
    writeFileSync(join(dir, 'seg', `${name}.jsonl`), text, { mode: 0o600 })
  }
  if (fit !== 'all') return
  rmSync(join(dir, 'head'), { force: true })
  rmSync(join(dir, 'tree'), { recursive: true, force: true })
}

/** What is known of entries that were pruned. */
function beginning(dir: string): { readonly h: string; readonly range: Range } {
  try {
    const { seq, h, nodes } = JSON.parse(readFileSync(join(dir, 'base.json'), 'utf8')) as {
      seq: number
      h: string
      nodes: string[]
    }
    return { h, range: { begin: 0, end: seq, nodes: nodes.map(node => fromHex(node) ?? '') } }
  } catch {
    return { h: '0'.repeat(64), range: emptyRange(0) }
  }
}

/** A line that is whole in itself, and has no place in the chain. */
export function strayLine(line: string): string {
  const body = line.slice(0, -72).replace(/"pid":\d+/, '"pid":4711')
  return `${body},"h":"${hash('sha256', body, 'hex')}"}`
}

function isOpening(line: string): boolean {
  return line.includes('"kind":"segment.opened"')
}

function segmentsOf(lines: readonly string[]): string[][] {
  const segments: string[][] = []
  for (const line of lines) {
    if (segments.length === 0 || isOpening(line)) segments.push([])
    segments.at(-1)?.push(line)
  }
  return segments
}

/** The first line of a segment, with the snapshot that it vouches for. */
function openingOf(dir: string, body: string, prev: string, before: object | null, range: Range): string {
  const at = seqIn(body)
  const state = `${JSON.stringify({ seq: at - 1, h: prev, state: { known: true } })}\n`
  writeFileSync(join(dir, 'state.json'), state)
  const told = {
    previous: before ?? previousIn(body),
    tree: { size: at, root: toHex(rootOf(range)) },
    stateSha256: hash('sha256', state, 'hex'),
  }
  return body.replace(/"data":.*/, () => `"data":${JSON.stringify(told)}`)
}

/** What it says of a segment that was pruned; his own changes may have made it no JSON. */
function previousIn(body: string): unknown {
  try {
    return (JSON.parse(`${body}}`) as { data: { previous: unknown } }).data.previous
  } catch {
    return null
  }
}

/** Changes one entry, and makes all that follows fit. */
export function forge(dir: string, seq: number): void {
  for (const name of readdirSync(join(dir, 'seg'))) chmodSync(join(dir, 'seg', name), 0o600)
  const forged = linesIn(dir).map(line => (seqIn(line) === seq ? line.replace('"oom":false', '"oom":true') : line))
  writeLines(dir, forged, 'all')
}

/** Signs with the present key what is of its epoch, or all there is from entry `from` on. */
export async function sign(dir: string, origin: string, isAll: boolean, from = 0): Promise<void> {
  const keys = keyStore(dir)
  const newest = keys.epochs().at(-1)
  if (newest === undefined) throw new Error('there is no key')
  for (const { name } of keptCheckpoints(dir)) {
    if (name !== 'checkpoint' && !isAll) continue
    const size = name === 'checkpoint' ? seqIn(linesIn(dir).at(-1) ?? '') + 1 : Number(name.slice(3, 15))
    if (size <= from) continue
    const { root } = await treeOfSegments(dir, size)
    writeFileSync(join(dir, name), signCheckpoint({ origin, size, root }, keys.load(newest)))
  }
}
