import { setTimeout as sleep } from 'node:timers/promises'
import { stream } from '../api/client.ts'
import type { Status } from '../api/control.ts'
import { messageOf } from '../fault.ts'
import type { FoldEntry } from '../incident/fold.ts'
import { entryInWords } from '../incident/words.ts'
import { askStatus } from './ask.ts'
import { paint } from './colour.ts'
import type { Context } from './command.ts'
import { type Progress, progress } from './progress.ts'
import { beside, cleanLine } from './text.ts'
import { clockTime } from './time.ts'

const BAR_EVERY_MS = 200
/** The last steps are durable when the order is answered; they have only to arrive. */
const CATCH_UP_MS = 1000
const LOOK_EVERY_MS = 10

export interface Steps {
  /** Resolves once all that is durable by now was shown, or after a second; says so where they could not be shown. */
  finish(): Promise<void>
  /** Shows nothing more; resolves to the seq behind the last entry that was looked at. Idempotent. */
  stop(): Promise<number>
}

/**
 * Shows each step of a target's switch as it becomes durable: its own entries and those of the services it belongs to,
 * one line each; on a terminal also how far a probation is. Steps are a view only: when they can't be followed the
 * order goes on, and that is said at its end.
 * @param status from before the order
 * @param fromSeq where the steps begin
 */
export function showSteps(context: Context, target: string, status: Status, fromSeq = status.ledger.size): Steps {
  const services = new Set(status.services.filter(service => service.target === target).map(({ name }) => name))
  const leaving = new AbortController()
  const signal = AbortSignal.any([context.signal, leaving.signal])
  const bar = probationBar(context)
  let nextSeq = fromSeq
  let trouble: unknown = null
  const following = follow()

  async function follow(): Promise<void> {
    try {
      for await (const line of stream(context.socket, `/v1/ledger/follow?from=${nextSeq}`, signal)) {
        if (signal.aborted) return
        const entry = entryIn(line)
        if (entry === null) continue
        nextSeq = entry.seq + 1
        if (isOurs(entry)) show(entry)
      }
    } catch (error) {
      trouble = error
    }
  }

  function isOurs({ kind, svc, data }: FoldEntry): boolean {
    if ('target' in data) return data.target === target
    return kind.startsWith('service.') && svc !== undefined && services.has(svc)
  }

  function show(entry: FoldEntry): void {
    bar.clear()
    const { colour, columns, tz, nowMs, out } = context
    const time = clockTime(entry.ts, nowMs(), tz)
    const line = beside(time, time.length, cleanLine(entryInWords(entry)), columns)
    out(`${line.replace(time, () => paint(time, 'dim', colour))}\n`)
    bar.follow(entry)
  }

  /** The order is answered, so no error here is one of the order: at most its last steps are not shown. */
  async function durableSize(): Promise<number> {
    try {
      return (await askStatus(context)).ledger.size
    } catch (error) {
      trouble = error
      return nextSeq
    }
  }

  return {
    async finish() {
      const size = await durableSize()
      for (let waited = 0; nextSeq < size && waited < CATCH_UP_MS; waited += LOOK_EVERY_MS) await sleep(LOOK_EVERY_MS)
      if (trouble === null || signal.aborted) return
      context.err(`heald: the steps can't be shown: ${cleanLine(messageOf(trouble))}\n`)
    },
    async stop() {
      leaving.abort()
      await following
      bar.end()
      return nextSeq
    },
  }
}

/** Null for what is no entry: the ledger may be one of another version. */
export function entryIn(line: string): FoldEntry | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null) return null
  const { seq, ts, kind, svc, data }: Partial<Record<keyof FoldEntry, unknown>> = parsed
  if (typeof seq !== 'number' || typeof ts !== 'string' || Number.isNaN(Date.parse(ts))) return null
  if (typeof kind !== 'string' || typeof data !== 'object' || data === null) return null
  return { seq, ts, kind, data, ...(typeof svc === 'string' ? { svc } : {}) }
}

interface Bar {
  /** Begins with a probation, ends with whatever step comes after it. */
  follow(entry: FoldEntry): void
  /** Takes the bar away for a line; it comes back by itself. */
  clear(): void
  end(): void
}

function probationBar({ tty, err, nowMs }: Context): Bar {
  let shown: Progress | undefined
  let timer: NodeJS.Timeout | undefined

  function end(): void {
    clearInterval(timer)
    shown?.end()
    shown = undefined
  }

  return {
    follow({ kind, data }) {
      // A service that becomes ready meanwhile does not end it.
      if (/^(service|deadman|target)\./.test(kind)) return
      end()
      if (!tty || kind !== 'switch.probation' || !('deadlineMs' in data)) return
      const { deadlineMs } = data
      if (typeof deadlineMs !== 'number' || !(deadlineMs > 0)) return
      const startMs = nowMs()
      const bar = progress('on probation', { wanted: true, err, nowMs })
      shown = bar
      timer = setInterval(() => bar.update(nowMs() - startMs, deadlineMs), BAR_EVERY_MS)
    },
    clear: () => shown?.end(),
    end,
  }
}
