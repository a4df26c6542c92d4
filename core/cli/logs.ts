import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, Fault } from '../fault.ts'
import { askAsOwnerOf } from '../owner.ts'
import { oneWord } from './arguments.ts'
import { withNearest } from './ask.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { endOf, lastLines, readOn } from './log-files.ts'
import { cleanLines } from './text.ts'
import { unitLogs, unitOf } from './unit-logs.ts'

const DEFAULT_LINES = 50
const MOST_LINES = 1_000_000
const MOST_BYTES = 64 * 1024 * 1024
const LOOK_EVERY_MS = 150

/** `heald logs SERVICE`: straight from the files, so it also works when the daemon does not; of a unit, from the journal. */
export async function run(context: Context, words: readonly string[], values: Values): Promise<number> {
  const [service, count, ...rest] = words
  const isCounted = count !== undefined && values.lines === undefined
  const name = oneWord(isCounted && service !== undefined ? [service, ...rest] : words, 'logs', 'SERVICE')
  const lines = countOf(isCounted ? count : values.lines)
  const sink = sinkFor(context)
  const unit = await unitOf(context, name)
  if (unit !== null) {
    await unitLogs(context, unit, { lines, follow: values.follow === true, take: sink.take })
    sink.end()
    return EXIT.done
  }
  const path = await logPath(context.state, name)
  const end = await endOf(path)
  for (const bytes of await lastOfBoth(path, end.offset, lines)) sink.take(bytes)
  if (values.follow === true) {
    let place = end
    while (!context.signal.aborted) {
      place = await readOn(path, place, sink.take)
      await sleep(LOOK_EVERY_MS, undefined, { signal: context.signal }).catch(error => {
        if (codeOf(error) !== 'ABORT_ERR') throw error
      })
    }
  }
  sink.end()
  return EXIT.done
}

/** The last lines of the rotated copy and of the file, as far as they are needed. */
async function lastOfBoth(path: string, end: number, lines: number): Promise<Buffer[]> {
  const now = (await lastLines(path, end, lines, MOST_BYTES)) ?? Buffer.alloc(0)
  const missing = lines - linesIn(now)
  const before =
    missing <= 0 ? null : await lastLines(`${path}.1`, Number.POSITIVE_INFINITY, missing, MOST_BYTES - now.length)
  return before === null ? [now] : [before, now]
}

function linesIn(bytes: Buffer): number {
  let count = bytes.length > 0 && bytes.at(-1) !== 10 ? 1 : 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++
  return count
}

function countOf(given: Values[string]): number {
  if (given === undefined) return DEFAULT_LINES
  if (typeof given === 'string' && /^\d{1,7}$/.test(given) && Number(given) <= MOST_LINES) return Number(given)
  throw new Fault('usage.value', `--lines has to be a number from 0 to ${MOST_LINES}, not "${given}"`)
}

async function logPath(state: string, name: string): Promise<string> {
  const folder = join(state, 'logs')
  const known = await logNames(folder)
  if (known.includes(name)) return join(folder, `${name}.log`)
  const fault = new Fault('service.unknown', `there is no log of a service "${name}" in ${folder}`, {
    hint: 'a log begins when its service is started for the first time; --state DIR says where heald keeps its state',
  })
  throw withNearest(fault, name, known)
}

/** The services that have a log in `folder`. */
export async function logNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter(file => file.endsWith('.log')).map(file => file.slice(0, -'.log'.length))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw new Fault('state.unreadable', `the logs in ${folder} can't be read: ${codeOf(error)}`, {
      hint: askAsOwnerOf(folder),
      cause: error,
    })
  }
}

interface Sink {
  readonly take: (bytes: Uint8Array) => void
  readonly end: () => void
}

/** To a pipe or file the bytes go as they are; a terminal would obey them, so there they are made harmless. */
function sinkFor(context: Context): Sink {
  if (context.json) return jsonSink(context)
  if (!context.tty && context.outBytes !== undefined) return { take: context.outBytes, end: () => {} }
  const decoder = new TextDecoder()
  return {
    take: bytes => context.out(cleanLines(decoder.decode(bytes, { stream: true }))),
    end: () => context.out(cleanLines(decoder.decode())),
  }
}

/** One `{"line": …}` a line. */
function jsonSink(context: Context): Sink {
  const decoder = new TextDecoder()
  let rest = ''
  const print = (line: string) => context.out(`${JSON.stringify({ line })}\n`)
  return {
    take: bytes => {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach(print)
    },
    end: () => rest !== '' && print(rest),
  }
}
