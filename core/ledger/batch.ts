import type { ChainRef, Draft, IncidentRef, Kind } from '../entry.ts'
import type { Fault } from '../fault.ts'
import type { Recorded } from './ledger.ts'
import { bodyOf, SEAL_CHARS, writeLine } from './line.ts'
import { middleOf, type Prepared } from './prepare.ts'
import type { Position } from './recover.ts'
import type { SideRow } from './side.ts'

/** An entry that waits for its place. */
export interface Item {
  readonly prepared: Prepared
  /** When it was handed over: an entry that waited for a disk still tells when its event was. */
  readonly tsMs: number
  readonly monoUs: number
  /** Who waits for it wants to know for certain, however long the disk takes. */
  readonly isPatient: boolean
  resolve(recorded: Recorded | null): void
  reject(fault: Fault): void
}

/** A line that was built. */
export interface Line {
  readonly seq: number
  readonly kind: Kind
  readonly h: string
  /** Where it ends in the batch's bytes, its LF included. */
  readonly end: number
}

export interface Batch {
  readonly lines: readonly Line[]
  /** The same as they are to stand in the segment. */
  readonly bytes: Buffer
  readonly rows: readonly SideRow[]
  /** Incidents that got their number in this batch; taken back if it can't be stored. */
  readonly refs: readonly IncidentRef[]
  /** Chains that were moved on in this batch, and where they stood before; put back there if it can't be stored. */
  readonly chains: ReadonlyMap<ChainRef, string>
  readonly position: Position
}

/** The keys around what an entry itself says, and its seal; few have more. */
export const LINE_OVERHEAD_CHARS = 320

/** Builds the lines that follow `from`: the writer's own entries first, then the batch, in order. */
export function buildBatch(
  from: Position,
  boot: string,
  own: { readonly prepared: readonly Prepared[]; readonly tsMs: number; readonly monoUs: number },
  items: readonly Item[],
): Batch {
  const lines: Line[] = []
  const rows: SideRow[] = []
  const refs: IncidentRef[] = []
  const chains = new Map<ChainRef, string>()
  const room = growing(
    items.reduce((sum, { prepared }) => sum + prepared.chars + LINE_OVERHEAD_CHARS, LINE_OVERHEAD_CHARS),
  )
  let end = 0
  let { seq, h, tsMs: lastMs } = from
  let isoMs = Number.NaN
  let iso = ''
  const add = (prepared: Prepared, tsMs: number, monoUs: number): void => {
    const { inc, side, chain } = prepared
    if (typeof inc === 'object' && inc.seq === undefined) refs.push(inc)
    if (tsMs !== isoMs) {
      isoMs = tsMs
      iso = new Date(tsMs).toISOString()
    }
    const body = bodyOf({ seq, prev: h, ts: iso, mono: monoUs, boot }, middleOf(prepared, seq))
    const line = writeLine(room(end, body), end, body)
    if (side !== undefined) rows.push({ seq, ...side })
    lines.push({ seq, kind: prepared.kind, h: line.h, end: line.end })
    h = line.h
    end = line.end
    if (chain !== undefined) {
      if (!chains.has(chain)) chains.set(chain, chain.h)
      chain.h = h
    }
    lastMs = tsMs
    seq++
  }
  for (const prepared of own.prepared) add(prepared, own.tsMs, own.monoUs)
  for (const item of items) add(item.prepared, item.tsMs, item.monoUs)
  return { lines, bytes: room(end, '').subarray(0, end), rows, refs, chains, position: { seq, h, tsMs: lastMs } }
}

/** Bytes with room for one more line of that body behind `end`: those before it are kept. */
function growing(firstBytes: number): (end: number, body: string) => Buffer {
  let bytes = Buffer.allocUnsafe(firstBytes)
  return (end, body) => {
    const room = bytes.length - end - SEAL_CHARS - 1
    // UTF-8 takes at most 3 bytes for a UTF-16 unit: most texts need no counting.
    if (body.length * 3 <= room || Buffer.byteLength(body) <= room) return bytes
    const larger = Buffer.allocUnsafe(2 * bytes.length + body.length * 3)
    bytes.copy(larger, 0, 0, end)
    bytes = larger
    return bytes
  }
}

/** The `clock.rewound` that goes before an entry of `tsMs`, when the wall clock was set back since the last one. */
export function rewound(last: Position, tsMs: number): Draft[] {
  if (tsMs >= last.tsMs) return []
  const data = {
    lastTs: new Date(last.tsMs).toISOString(),
    nowTs: new Date(tsMs).toISOString(),
    byMs: last.tsMs - tsMs,
  }
  return [{ kind: 'clock.rewound', data }]
}
