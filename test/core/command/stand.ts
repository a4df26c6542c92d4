import { hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Deeds } from '../../../core/command/deeds.ts'
import { type CommandDesk, createCommandDesk } from '../../../core/command/desk.ts'
import { codeOf, STEP_MS } from '../../../core/command/one-time-code.ts'
import type { Ask, CommandView, Said, Speaker } from '../../../core/command/port.ts'
import { viewOf } from '../../../core/command/view.ts'
import type { Verb } from '../../../core/command/words.ts'
import { resolvePeople } from '../../../core/config/people-resolve.ts'
import type { PeopleSpec } from '../../../core/config/people-spec.ts'
import type { Draft, Entry } from '../../../core/entry.ts'
import { Fault } from '../../../core/fault.ts'
import { emptyFolded, type Folded, fold, foldedFromJson, foldedToJson } from '../../../core/folded.ts'
import { ZEROS } from '../../../core/ledger/line.ts'
import { type FakeClock, fakeClock } from '../../fakes/clock.ts'
import { deedsOf } from './stand-deeds.ts'

/*
 * A desk with all that it needs in memory: a ledger that can fail in the ways a disk does, a world with a target and a
 * service, and crashes at any moment. After a crash nothing of the old desk gets anywhere any more.
 */

export const SECRETS: { readonly [file: string]: string } = {
  '/totp/alice': 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
  '/totp/bob': 'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U',
}
const SECRET_BYTES: { readonly [operator: string]: Buffer } = {
  alice: Buffer.from('12345678901234567890'),
  bob: Buffer.from('abcdefghijklmnopqrst'),
}

const operator = (role: 'admin' | 'operator' | 'viewer', more: object) => ({ role, ...more })

/** Four people; alice and bob have codes. */
export const PEOPLE: PeopleSpec = resolvePeople(
  {
    operators: {
      alice: operator('admin', { telegram: ['1001'], slack: ['U01'], totp: { file: '/totp/alice' } }),
      bob: operator('operator', { discord: ['42'], telegram: ['1002'], totp: { file: '/totp/bob' } }),
      carol: operator('operator', { slack: ['T01/U03'] }),
      dave: operator('viewer', { telegram: ['1004'] }),
    },
    policy: { rollback: { approvals: 1 }, deploy: { approvals: 2, code: false }, freeze: { approvals: 0 } },
    oncall: ['bob', 'alice'],
  },
  '/',
)

export const SPEAKERS = {
  alice: { platform: 'telegram', user: '1001', chat: '-100' },
  aliceOnSlack: { platform: 'slack', user: 'T01/U01', chat: 'C01' },
  bob: { platform: 'discord', user: '42', chat: '112' },
  bobOnTelegram: { platform: 'telegram', user: '1002', chat: '-100' },
  carol: { platform: 'slack', user: 'T01/U03', chat: 'C01' },
  dave: { platform: 'telegram', user: '1004', chat: '-100' },
  eve: { platform: 'telegram', user: '6666', chat: '-100' },
  elsewhere: { platform: 'telegram', user: '1001', chat: '-999' },
} as const satisfies { readonly [name: string]: Speaker }

const CHATS = { telegram: ['-100'], discord: ['112'], slack: ['C01'] } as const

export interface Performed {
  readonly id: string
  readonly verb: Verb
  /** What it was asked against. */
  readonly seen: string | null
}

/** What was answered about an order, and how many entries there were then. */
export interface Look {
  readonly line: string
  readonly hash: string | null
  readonly size: number
}

/**
 * `busy`: not stored either, since too much waits for the disk; `stalled`: stored, and told to be not known; `late`: told
 * so, and stored only `LATE_MS` afterwards.
 */
export type Broken = 'no' | 'not stored' | 'stored' | 'busy' | 'stalled' | 'late'

/** Longer than until the desk looks again by itself. */
export const LATE_MS = 30_000

export interface Stand {
  readonly clock: FakeClock
  readonly entries: Entry[]
  readonly world: { current: string; previous: string[]; service: 'running' | 'stopped'; pid: number }
  readonly performed: Performed[]
  /** Ids of those that the target itself refused, since it was moved after their start. */
  readonly refused: string[]
  readonly looks: Look[]
  readonly warned: string[]
  /** How appends fail. */
  broken: Broken
  /** While set, a deed stops here and is gone on with when it resolves. */
  hold: Promise<void> | null
  people: PeopleSpec
  /** What orders do; null: what they do in `world`. Of the desks that are opened from now on. */
  deeds: Deeds | null
  /** Hears of each entry that is on its way to the disk. */
  onWay: (draft: Draft) => void
  desk(): CommandDesk
  folded(): Folded
  /** As kill -9 and a new daemon; what was on its way may have been stored. */
  crash(how?: { readonly isStored?: boolean; readonly bySnapshot?: boolean }): void
  ask(from: Speaker, said: Said | string, more?: Partial<Ask>): ReturnType<CommandDesk['request']>
  of(kind: string): Entry['data'][]
  /** A command as the ledger has it. */
  view(id: string): CommandView | null
  kinds(): string[]
  /** Lets everything that can go on do so. */
  settle(): Promise<void>
  /** The operator's code of now. */
  code(operator: 'alice' | 'bob', steps?: number): string
}

/** An entry on its way to the disk. */
interface Flight {
  readonly draft: Draft
  readonly atMs: number
}

export function makeStand(): Stand {
  const clock = fakeClock()
  const entries: Entry[] = []
  let folded = emptyFolded()
  let generation = 0
  let words = 0
  let flight: Flight | null = null

  const stand: Stand = {
    ...{ clock, entries, performed: [], refused: [], looks: [], warned: [], broken: 'no', hold: null, people: PEOPLE },
    ...{ deeds: null, onWay: () => {} },
    world: { current: 'release-5', previous: ['release-4', 'release-3'], service: 'running', pid: 100 },
    desk: () => desk,
    folded: () => folded,
    crash({ isStored = false, bySnapshot = false } = {}) {
      if (flight !== null && isStored) store(flight)
      flight = null
      generation += 1
      desk.release()
      folded = bySnapshot ? (foldedFromJson(JSON.parse(JSON.stringify(foldedToJson(folded)))) ?? folded) : emptyFolded()
      for (const entry of entries) fold(folded, entry)
      stand.hold = null
      desk = open()
    },
    ask(from, said, more = {}) {
      words += 1
      const key = `${from.platform}:bot:${from.chat}:${words}`
      const what = typeof said === 'string' ? { text: said } : said
      return desk.request({ from, key, said: what, code: null, waitMs: 0, ...more })
    },
    view(id) {
      const command = folded.commands.byId.get(id)
      return command === undefined ? null : viewOf(command, stand.people)
    },
    of: kind => entries.filter(entry => entry.kind === kind).map(({ data }) => data),
    kinds: () => entries.map(({ kind, data }) => `${kind}${typeof data.id === 'string' ? ` ${data.id}` : ''}`),
    async settle() {
      for (let turn = 0; turn < 20; turn += 1) await nextTurn()
    },
    code: (who, steps = 0) =>
      codeOf(SECRET_BYTES[who] ?? Buffer.alloc(0), Math.floor(clock.wallMs() / STEP_MS) + steps),
  }

  function store({ draft, atMs }: Flight): Entry {
    const { kind, svc, inc, actor, data, chain } = draft
    const linked = chain === undefined ? data : { prevCommand: chain.h, ...data }
    const seq = entries.length
    const prev = entries.at(-1)?.h ?? ZEROS
    const body = JSON.stringify({ seq, prev, kind, data: linked })
    const h = hash('sha256', body, 'hex')
    const entry: Entry = {
      ...{ v: 1, seq, prev, ts: new Date(atMs).toISOString(), mono: 0, boot: 'aaaa0000', kind, h },
      ...(svc === undefined ? {} : { svc }),
      ...(typeof inc !== 'string' ? {} : { inc }),
      ...(actor === undefined ? {} : { actor }),
      data: structuredClone(linked),
    }
    if (chain !== undefined) chain.h = h
    entries.push(entry)
    return entry
  }

  function record(of: Flight): Entry {
    const entry = store(of)
    fold(folded, entry)
    desk.take([entry])
    return entry
  }

  let last: Promise<unknown> = Promise.resolve()
  function append(mine: number): (draft: Draft) => Promise<unknown> {
    const never = new Promise<never>(() => {})
    return draft => {
      const atMs = clock.wallMs()
      const turn = last.then(async () => {
        if (mine !== generation) return never
        const mineNow: Flight = { draft, atMs }
        flight = mineNow
        stand.onWay(draft)
        await nextTurn()
        if (mine !== generation) return never
        flight = null
        const fault = new Fault('ledger.degraded', 'the disk is full', { retry: 5000 })
        if (stand.broken === 'not stored') throw fault
        if (stand.broken === 'busy') throw new Fault('ledger.busy', 'entries wait for the disk', { retry: 1000 })
        const stalled = new Fault('ledger.stalled', 'not known yet whether it is recorded')
        if (stand.broken === 'late') {
          clock.after(LATE_MS, () => mine === generation && record(mineNow))
          throw stalled
        }
        const entry = record(mineNow)
        if (stand.broken === 'stored') throw fault
        if (stand.broken === 'stalled') throw stalled
        return { seq: entry.seq, h: entry.h }
      })
      last = turn.catch(() => {})
      // A writer that died holds up nobody.
      if (mine !== generation) last = Promise.resolve()
      return turn
    }
  }

  function open(): CommandDesk {
    const mine = generation
    last = Promise.resolve()
    const opened = createCommandDesk({
      clock,
      memory: folded.commands,
      append: append(mine),
      people: () => stand.people,
      chats: platform => CHATS[platform],
      readSecret: async secret => ('file' in secret ? (SECRETS[secret.file] ?? '') : ''),
      deeds: stand.deeds ?? deedsOf(stand, append(mine), () => mine === generation),
      read: async ({ word, who }) => ({ word, operator: who?.operator ?? null }),
      offerable: about =>
        about === 'agent-1'
          ? [
              { word: 'ack', args: { id: about } },
              { word: 'restart', args: { service: 'agent' } },
              { word: 'rollback', args: { target: 'app' } },
            ]
          : [],
      complete: async () => [],
      mustRecord() {
        if (stand.broken === 'not stored') throw new Fault('ledger.degraded', 'the disk is full', { retry: 5000 })
      },
      whenReady: async () => {},
      isKnown: () => true,
      warn: text => void stand.warned.push(text),
    })
    opened.begin()
    return opened
  }

  let desk = open()
  return stand
}
