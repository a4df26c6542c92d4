import type { Json } from '../entry.ts'
import { ZEROS } from '../ledger/line.ts'
import type { Effect } from './effect.ts'
import type { Approval, Args, CommandState, Needs, Offer, Projection } from './port.ts'
import type { Role } from './word-spec.ts'
import type { Verb } from './words.ts'

/**
 * What the ledger says of commands: a fold over its entries, bounded, part of the snapshot, and all that decisions about
 * commands go by. Plain data but for the maps; never throws: entries may be of newer versions.
 */
export interface CommandMemory {
  /** `h` of the newest entry of the chain of commands; zeros before the first. */
  head: string
  /** How many commands were asked for, ever. */
  made: number
  /** Those that are not over, and the last that ended. In the order of asking. */
  readonly byId: Map<string, Command>
  /** Ids of those that were started and have not ended. */
  readonly started: Set<string>
  /** What was said before, by a digest of its key, for 7 days. */
  readonly keys: Map<string, Heard>
  /** Buttons that were offered, the oldest first, until they expire. */
  readonly buttons: Map<string, Button>
  /** By operator. */
  readonly codes: Map<string, CodeMemory>
  /** Automatic changes are stopped; null: they are not. */
  frozen: Frozen | null
}

export interface Command {
  readonly id: string
  readonly verb: Verb
  readonly args: Args
  readonly state: CommandState
  readonly by: string
  readonly operator: string
  readonly role: Role
  readonly via: string
  readonly atMs: number
  readonly expiresMs: number
  /** What it takes; `approvals` are all of them. */
  readonly needs: Needs
  readonly approvals: readonly Approval[]
  readonly seen: Projection | null
  readonly changedTo: Projection | null
  readonly why: string | null
  readonly result: Json
  readonly offers: readonly Offer[]
  /** Of its newest entry. */
  readonly seq: number
  readonly h: string
  /** What happened since it was started that can be its doing, the first of it and the last. */
  readonly effects: readonly Effect[]
}

/** A word that was heard before. */
export interface Heard {
  /** The command that it made or moved on; null: it was denied. */
  readonly id: string | null
  readonly why: string
  readonly seq: number
  readonly atMs: number
}

export interface Button {
  readonly offer: Offer
  readonly seen: Projection | null
  readonly expiresMs: number
  /** Incident or target that it was offered for, or the command that it belongs to. */
  readonly about: string
  /** The command that it was used for; null: it may still be pressed. */
  readonly usedFor: string | null
}

export interface CodeMemory {
  /** The newest time step whose code was used: it and those before are void. */
  readonly step: number
  /** Wrong tries since the last right one. */
  readonly wrong: number
}

export interface Frozen {
  readonly by: string
  readonly why: string
  readonly sinceTs: string
  readonly seq: number
}

/** More commands that are not over are refused to chats. */
export const MOST_OPEN = 100
export const KEY_KEPT_MS = 7 * 86_400_000
/** More than the rate of words lets through in 7 days. */
export const MOST_KEYS = 30_000

export const ENDED: ReadonlySet<CommandState> = new Set(['succeeded', 'failed', 'rejected', 'expired'])

export function emptyCommands(): CommandMemory {
  const maps = { byId: new Map(), keys: new Map(), buttons: new Map(), codes: new Map() }
  return { head: ZEROS, made: 0, ...maps, started: new Set(), frozen: null }
}

const MAPS = ['byId', 'keys', 'buttons', 'codes'] as const

export function commandsToJson(memory: CommandMemory): object {
  const { head, made, frozen } = memory
  const maps = MAPS.map(name => [name, [...(memory[name] as Map<string, unknown>)]])
  return { head, made, frozen, ...Object.fromEntries(maps) }
}

/** Puts what a snapshot says into `memory`; a version that knew of no commands wrote none, and says nothing. */
export function fillCommands(memory: CommandMemory, json: unknown): void {
  if (typeof json !== 'object' || json === null) return
  const { head, made, frozen, ...maps } = json as { readonly [key: string]: unknown }
  if (typeof head === 'string') memory.head = head
  if (typeof made === 'number') memory.made = made
  memory.frozen = (frozen ?? null) as Frozen | null
  for (const name of MAPS) {
    const pairs = maps[name]
    if (!Array.isArray(pairs)) continue
    for (const [key, value] of pairs) (memory[name] as Map<string, unknown>).set(String(key), value)
  }
  for (const { id, state } of memory.byId.values()) if (state === 'started') memory.started.add(id)
}

/** Those that are not over, the oldest first. */
export function openCommands({ byId }: CommandMemory): Command[] {
  return [...byId.values()].filter(({ state }) => !ENDED.has(state))
}

/** How many wait for somebody. */
export function awaitingIn({ byId }: CommandMemory): number {
  let count = 0
  for (const { state } of byId.values()) if (state === 'awaiting') count += 1
  return count
}

/** Approvals that are still missing, and whether a code is. */
export function missingOf({ needs, approvals, operator }: Command): Needs {
  const others = approvals.filter(each => each.operator !== operator).length
  const left = Math.max(0, needs.approvals - others)
  return { approvals: left, code: needs.code && (left > 0 || (needs.approvals === 0 && approvals.length === 0)) }
}
