import { hash } from 'node:crypto'
import type { Data } from '../entry.ts'
import { codeOf, messageOf } from '../fault.ts'
import type { Prepared } from './prepare.ts'

/** A failed attempt to store entries. */
export interface Trouble {
  /** The system call. */
  readonly op: string
  readonly code: string
  /** In words, for people. */
  readonly why: string
}

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EIO: 'the disk reported an error',
  EACCES: 'the ledger folder may not be written',
  EPERM: 'the ledger folder may not be written',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this host',
}

export function troubleOf(error: unknown): Trouble {
  const code = codeOf(error)
  const op = typeof error === 'object' && error !== null && 'syscall' in error ? String(error.syscall) : 'open'
  const words = WORDS[code]
  return { op, code, why: words === undefined ? messageOf(error) : `${words} (${code} on ${op})` }
}

/** One stretch of trouble, told by one `ledger.gap`: entries lost for good, orders refused, entries written again. */
export interface Losses {
  /** What made a segment fail, and which one. */
  cause: Trouble | null
  segment: string | null
  /** Entries of the failed attempt that follow the `ledger.gap`. */
  rewritten: number
  readonly lost: { must: number; soft: number; tails: number }
  /** Orders whose caller was told that they are not recorded. */
  refused: number
  why: string
  /** A chain of hashes over what was lost: nothing of it has to be kept. */
  sha256: string | null
  fromMs: number
  toMs: number
}

export function newLosses(): Losses {
  const lost = { must: 0, soft: 0, tails: 0 }
  return {
    cause: null,
    segment: null,
    rewritten: 0,
    lost,
    refused: 0,
    why: '',
    sha256: null,
    fromMs: Number.POSITIVE_INFINITY,
    toMs: 0,
  }
}

/** Whether there is anything to tell. */
export function anyLosses({ cause, lost, refused }: Losses): boolean {
  return cause !== null || refused > 0 || lost.must + lost.soft + lost.tails > 0
}

/** An entry that nobody will find in the ledger. */
export function noteLost(losses: Losses, item: Prepared, tsMs: number): void {
  losses.lost[item.must ? 'must' : 'soft']++
  note(losses, tsMs, item.front + item.back + item.dataText)
}

/** An entry of health that could not even be prepared. */
export function noteDropped(losses: Losses, why: string, tsMs: number): void {
  losses.lost.soft++
  note(losses, tsMs, why, why)
}

export function noteRefused(losses: Losses, tsMs: number): void {
  losses.refused++
  note(losses, tsMs)
}

/** Texts kept aside that could not be stored; their commitments stay. */
export function noteTailsLost(losses: Losses, count: number, trouble: Trouble, tsMs: number): void {
  losses.lost.tails += count
  note(losses, tsMs, undefined, `the text kept aside could not be stored: ${trouble.why}`)
}

function note(losses: Losses, tsMs: number, lost?: string, why?: string): void {
  losses.fromMs = Math.min(losses.fromMs, tsMs)
  losses.toMs = Math.max(losses.toMs, tsMs)
  losses.why ||= why ?? ''
  if (lost !== undefined) losses.sha256 = hash('sha256', `${losses.sha256 ?? ''}${lost}\n`, 'hex')
}

/** Adds what happened while `losses` was being told in vain. */
export function absorb(losses: Losses, later: Losses): void {
  losses.cause ??= later.cause
  losses.segment ??= later.segment
  losses.rewritten = Math.max(losses.rewritten, later.rewritten)
  losses.lost.must += later.lost.must
  losses.lost.soft += later.lost.soft
  losses.lost.tails += later.lost.tails
  losses.refused += later.refused
  losses.why ||= later.why
  losses.fromMs = Math.min(losses.fromMs, later.fromMs)
  losses.toMs = Math.max(losses.toMs, later.toMs)
  if (later.sha256 !== null) losses.sha256 = hash('sha256', `${losses.sha256 ?? ''}${later.sha256}\n`, 'hex')
}

/** `data` of the `ledger.gap`. */
export function gapData(losses: Losses): Data {
  const { cause, lost } = losses
  const gone = lost.must + lost.soft + lost.tails > 0
  return {
    what: gone ? 'entries lost' : losses.refused > 0 ? 'orders refused' : 'entries written again',
    ...(cause === null ? { why: losses.why } : { op: cause.op, code: cause.code, why: cause.why }),
    ...(losses.segment === null ? {} : { segment: losses.segment }),
    lost: { ...lost },
    refused: losses.refused,
    rewritten: losses.rewritten,
    sha256: losses.sha256,
    ...(losses.toMs === 0
      ? {}
      : { fromTs: new Date(losses.fromMs).toISOString(), toTs: new Date(losses.toMs).toISOString() }),
  }
}
