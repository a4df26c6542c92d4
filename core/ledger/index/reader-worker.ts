import { writeFileSync } from 'node:fs'
import { constants, getPriority, setPriority } from 'node:os'
import { messageOf } from '../../fault.ts'
import type { Filter } from '../filter.ts'
import { listEntries, type Page } from '../list.ts'
import type { BadLine } from '../read.ts'
import { catchUp, sizeOf } from './catch-up.ts'
import { isBusy, isWrong } from './database.ts'
import { heldIndex } from './held.ts'
import { mergeWords } from './merge.ts'
import { searchLedger } from './search.ts'
import { asksMuch, isLong, mayKeep } from './worth.ts'

/*
 * The process that has the index of a daemon's ledger: `node reader-worker.ts DIR`, asked by messages. One thing at a time,
 * questions first: bringing the index up to date stops after a piece when somebody asks. When nothing is left to do for
 * a moment the index is let go, for other processes.
 */

/** `size`: entries that are durable. */
export type Asked =
  | { readonly id: number; readonly what: 'cancel' }
  | { readonly id: number; readonly what: 'catch up'; readonly size: number }
  | {
      readonly id: number
      readonly what: 'find'
      readonly size: number
      readonly filter: Filter
      readonly limit: number
      readonly cursor: string | undefined
    }

export type Told =
  | { readonly id: number; readonly lines: readonly string[]; readonly next: string | null; readonly bad: BadLine[] }
  | { readonly id: number; readonly size: number }
  | { readonly id: number; readonly why: string }

type Question = Extract<Asked, { what: 'find' }>

/** As far behind it is brought up to date before a question is answered; else the newest are looked for in the files. */
const SOON = 65_536
const TRIES = 2
/** The next page is often asked for at once, and to open the index takes longer than to answer. */
const HOLD_MS = 100
/** No index is tried for so long after it could not be written. */
const PAUSE_MS = 600_000
/** A page is cut there, so that handing it on holds nobody up. */
const MOST_CHARS = 262_144
const NICER = 10
/** Who asks for what this process wishes itself. */
const NOBODY = 0

const [dir = ''] = process.argv.slice(2)
const index = heldIndex(dir)
const questions: Question[] = []
const catchUps: Extract<Asked, { what: 'catch up' }>[] = []
const aborts = new Map<number, AbortController>()
let isWorking = false
/** Something was added, and its words not put together yet. */
let isUntidy = false
let pausedUntilMs = 0
let letGo: NodeJS.Timeout | undefined

beModest()
// Also when the daemon was killed.
process.on('disconnect', () => process.exit())
process.on('message', (asked: Asked) => {
  if (asked.what === 'cancel') return aborts.get(asked.id)?.abort()
  if (asked.what === 'catch up') catchUps.push(asked)
  else {
    aborts.set(asked.id, new AbortController())
    questions.push(asked)
  }
  if (!isWorking) void work()
})

/** What heals goes first, also where memory is short. */
function beModest(): void {
  try {
    setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + NICER))
    writeFileSync('/proc/self/oom_score_adj', '500')
  } catch {
    // It works all the same.
  }
}

function tell(told: Told): void {
  // Who is not there any more is told nothing.
  if (process.connected) process.send?.(told, undefined, undefined, () => {})
}

async function work(): Promise<void> {
  isWorking = true
  clearTimeout(letGo)
  for (;;) {
    const question = questions.shift()
    if (question !== undefined) await answer(question)
    else {
      const [wanted] = catchUps
      if (wanted !== undefined) {
        if (await bringUpTo(wanted)) catchUps.shift()
      } else if (isUntidy) await tidy()
      else break
    }
  }
  isWorking = false
  letGo = setTimeout(closeIndex, HOLD_MS)
}

function closeIndex(): void {
  try {
    index.close()
  } catch {
    // Whatever is wrong with it, the next one who opens it finds.
  }
}

async function answer(question: Question): Promise<void> {
  const { id } = question
  try {
    const signal = aborts.get(id)?.signal ?? AbortSignal.abort()
    tell({ id, ...cut(await pageOf(question, signal)) })
  } catch (error) {
    tell({ id, why: messageOf(error) })
  } finally {
    aborts.delete(id)
  }
}

async function pageOf({ filter, limit, cursor, size }: Question, signal: AbortSignal): Promise<Page> {
  const options = { limit, signal, ...(cursor === undefined ? {} : { cursor }) }
  // What the files hold behind that, a failing disk may still take back.
  const durable = { ...filter, toSeq: Math.min(filter.toSeq ?? size, size - 1) }
  for (let tries = 0; tries < TRIES && asksMuch(filter) && whyNot() === null; tries++) {
    signal.throwIfAborted()
    try {
      return await index.use(async db => {
        const indexed = sizeOf(db)
        if (size - indexed <= SOON)
          isUntidy = (await catchUp(db, dir, { endSeq: size, signal })) !== indexed || isUntidy
        // The next question is to be answered faster.
        else if (catchUps.length === 0) catchUps.push({ id: NOBODY, what: 'catch up', size })
        return searchLedger(db, dir, durable, options)
      })
    } catch (error) {
      signal.throwIfAborted()
      // Another process has it for the moment.
      if (isBusy(error)) break
      if (tries > 0 || !isWrong(error)) pausedUntilMs = performance.now() + PAUSE_MS
    }
  }
  return listEntries(dir, durable, options)
}

/** Why there is to be no index now; null: there may be one. */
function whyNot(): string | null {
  if (performance.now() < pausedUntilMs) return 'it could not be written a while ago'
  if (!isLong(dir)) return 'the ledger is too short for one'
  return mayKeep(dir) ? null : 'there is too little room on the disk'
}

/** A piece at least; whether all is done that can be. */
async function bringUpTo({ id, size }: { readonly id: number; readonly size: number }): Promise<boolean> {
  try {
    const why = whyNot()
    if (why !== null) throw new Error(why)
    isUntidy = true
    const reached = await index.use(db => catchUp(db, dir, { endSeq: size, isEnough: isAsked }))
    if (reached < size && isAsked()) return false
    if (catchUps.length === 1) await tidy()
    tell({ id, size: reached })
  } catch (error) {
    isUntidy = false
    pausedUntilMs = Math.max(pausedUntilMs, isWrong(error) ? performance.now() + PAUSE_MS : 0)
    tell({ id, why: messageOf(error) })
  }
  return true
}

function isAsked(): boolean {
  return questions.length > 0
}

/** A step at least, where there is room for it. */
async function tidy(): Promise<void> {
  isUntidy = false
  if (whyNot() !== null) return
  try {
    await index.use(db => mergeWords(db, { isEnough: isAsked }))
    isUntidy = isAsked()
  } catch (error) {
    pausedUntilMs = Math.max(pausedUntilMs, isWrong(error) ? performance.now() + PAUSE_MS : 0)
  }
}

function cut({ rows, next, bad }: Page): Pick<Extract<Told, { lines: unknown }>, 'lines' | 'next' | 'bad'> {
  let chars = 0
  let count = 0
  for (const { line } of rows) {
    chars += line.length
    if (chars > MOST_CHARS && count > 0) break
    count += 1
  }
  const lines = rows.slice(0, count).map(({ line }) => line)
  if (count === rows.length) return { lines, next, bad: [...bad] }
  const last = rows[count - 1]?.entry.seq ?? 0
  return { lines, next: String(last), bad: bad.filter(({ seq }) => seq > last) }
}
