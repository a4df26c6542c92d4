import { type CommandMemory, commandsToJson, emptyCommands, fillCommands } from './command/memory.ts'
import { rememberCommand } from './command/remember.ts'
import type { Data, Entry } from './entry.ts'
import { type Memory, type Remembered, remember } from './heal/memory.ts'
import { applyEntry, emptyIncidents, type Incidents, openIncidents } from './incident/fold.ts'
import { incidentsFromJson, incidentsToJson } from './incident/snapshot.ts'
import { emptyNotices, fillNotices, type NoticeMemory, noticesToJson, rememberNotice } from './notice/memory.ts'
import { rememberTarget, type TargetMemories, targetMemoriesFrom } from './safeswitch/memory.ts'

/** Stands in the place of a service's name in incidents of the ledger itself. */
export const LEDGER = 'ledger'

/** All that a daemon has to know of the past, folded from the ledger; `state.json` holds it at each rotation. */
export interface Folded {
  /** One object for good, like `memory`: who holds it sees every later entry. */
  readonly incidents: Incidents
  readonly memory: Memory
  readonly targets: TargetMemories
  readonly notices: NoticeMemory
  readonly commands: CommandMemory
  /** The last `integrity.alert` that no incident has told of yet. */
  alert: { readonly seq: number; readonly why: string } | null
  /** The incident that told of the last one; null: none did. */
  damage: string | null
  /** The next seq to fold. */
  nextSeq: number
}

export function emptyFolded(): Folded {
  const folds = { memory: {}, targets: {}, notices: emptyNotices(), commands: emptyCommands() }
  return { incidents: emptyIncidents(), ...folds, alert: null, damage: null, nextSeq: 0 }
}

/** Puts `whole` into `folded`, which holds nothing that `whole` lacks. In place, down to the parts that others hold. */
export function fill(folded: Folded, whole: Folded): void {
  for (const [id, incident] of whole.incidents.byId) folded.incidents.byId.set(id, incident)
  folded.incidents.resolved.push(...whole.incidents.resolved)
  Object.assign(folded.memory, whole.memory)
  Object.assign(folded.targets, whole.targets)
  fillNotices(folded.notices, noticesToJson(whole.notices))
  fillCommands(folded.commands, commandsToJson(whole.commands))
  folded.alert = whole.alert
  folded.damage = whole.damage
  folded.nextSeq = whole.nextSeq
}

/** Takes one entry in, in place. Entries that were folded already change nothing. */
export function fold(folded: Folded, entry: Entry): void {
  if (entry.seq < folded.nextSeq) return
  applyEntry(folded.incidents, entry)
  remember(folded.memory, entry)
  rememberTarget(folded.targets, entry)
  rememberNotice(folded.notices, entry)
  rememberCommand(folded.commands, entry)
  if (entry.kind === 'integrity.alert')
    folded.alert = { seq: entry.seq, why: String(entry.data.why ?? entry.data.what) }
  if (entry.kind === 'incident.opened' && entry.svc === LEDGER && !String(entry.data.services)) {
    folded.alert = null
    folded.damage = typeof entry.inc === 'string' ? entry.inc : null
  }
  folded.nextSeq = entry.seq + 1
}

/** What services need of it, as it is whenever they ask. */
export function rememberedIn({ memory, incidents }: Folded): Remembered {
  return {
    memory,
    openIncidents: service =>
      openIncidents(incidents)
        .filter(({ services }) => services[0] === service)
        .reverse(),
  }
}

/** The same, as it is now for good. */
export function rememberedNow({ memory, incidents }: Folded): Remembered {
  const { byId, resolved } = incidents
  return rememberedIn({
    ...emptyFolded(),
    memory: structuredClone(memory),
    incidents: { byId: new Map(byId), resolved },
  })
}

export function foldedToJson(folded: Folded): Data {
  // The snapshot is JSON by construction; the round trip drops what JSON has no word for.
  return JSON.parse(
    JSON.stringify({
      incidents: incidentsToJson(folded.incidents),
      memory: folded.memory,
      targets: folded.targets,
      notices: noticesToJson(folded.notices),
      commands: commandsToJson(folded.commands),
      alert: folded.alert,
      damage: folded.damage,
      nextSeq: folded.nextSeq,
    }),
  )
}

/** Null when `json` is not such a snapshot: the ledger is then folded from its beginning. */
export function foldedFromJson(json: unknown): Folded | null {
  if (typeof json !== 'object' || json === null) return null
  const { incidents, memory, targets, notices, commands, alert, damage, nextSeq } = json as {
    readonly [key in keyof Folded]?: unknown
  }
  const restored = incidentsFromJson(incidents)
  if (restored === null || typeof memory !== 'object' || memory === null || typeof nextSeq !== 'number') return null
  // A snapshot of a version that knew of no targets can't say what became of them.
  if (typeof targets !== 'object' || targets === null) return null
  const folds = { notices: emptyNotices(), commands: emptyCommands() }
  const remembered = { memory: { ...memory } as Memory, targets: targetMemoriesFrom(targets), ...folds }
  // A version that knew nothing of them wrote no entries about them either.
  fillNotices(remembered.notices, notices)
  fillCommands(remembered.commands, commands)
  const told = typeof damage === 'string' ? damage : null
  return { incidents: restored, ...remembered, alert: (alert ?? null) as Folded['alert'], damage: told, nextSeq }
}
