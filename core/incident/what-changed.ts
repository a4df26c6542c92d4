import type { Entry } from '../entry.ts'
import { refOf } from './switch-words.ts'

/** What a generation that went wrong had changed. The texts may hold anything: clean them for where they go. */
export interface WhatChanged {
  readonly target: string
  readonly generation: string
  /** Lines as a diff has them, at most 40. */
  readonly lines: readonly string[]
  /** How many lines more there are. */
  readonly more: number
}

/** A rollback that an incident led to: `web from release-7 to release-6`. */
export interface RolledBack {
  readonly target: string
  readonly from: string | null
  readonly to: string | null
}

const MOST_LINES = 40
const MOST_CHARS = 400
/** A ladder of rollbacks goes down three generations. */
const MOST_GENERATIONS = 4

/** From the entries of an incident: each generation that was quarantined, with what it had changed where that is known. */
export function whatChanged(entries: readonly Entry[]): WhatChanged[] {
  const found = entries.flatMap(({ kind, data }) => {
    if (kind !== 'generation.quarantined' || !Array.isArray(data.diff)) return []
    const lines = data.diff.filter(line => typeof line === 'string')
    if (lines.length === 0) return []
    const { target, generation, path } = data
    return [
      {
        target: nameOf(target),
        generation: refOf({ generation, path }, 'a generation'),
        lines: lines.slice(0, MOST_LINES).map(line => shortened(line)),
        more: Math.max(0, lines.length - MOST_LINES),
      },
    ]
  })
  return found.slice(0, MOST_GENERATIONS)
}

/** The rollbacks that were begun, oldest first. */
export function rolledBack(entries: readonly Entry[]): RolledBack[] {
  return entries
    .filter(entry => entry.kind === 'rollback.started')
    .slice(0, MOST_GENERATIONS)
    .map(({ data: { target, from, to } }) => ({
      target: nameOf(target),
      from: refOf(from, '') || null,
      to: refOf(to, '') || null,
    }))
}

function nameOf(target: unknown): string {
  return typeof target === 'string' ? target : 'a target'
}

function shortened(line: string): string {
  return line.length <= MOST_CHARS ? line : `${line.slice(0, MOST_CHARS - 1)}…`
}
