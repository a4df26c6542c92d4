import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import type { SwitchSpec, TargetSpec } from '../../../core/config/spec.ts'
import type { Draft, Entry } from '../../../core/entry.ts'
import { Fault } from '../../../core/fault.ts'
import { FIELDS } from '../../../core/ledger/fields.ts'
import { createManaged, type Managed, type OpenTarget } from '../../../core/safeswitch/managed.ts'
import { memoryOf, placeOf, rememberTarget, type TargetMemories } from '../../../core/safeswitch/memory.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { type FakePatient, fakePatient } from '../../fakes/patient.ts'
import { type FakeTarget, fakeTarget } from '../../fakes/target.ts'
import { switchSpec, targetSpec } from './managed-spec.ts'
import { entryOf } from './written.ts'

export const SOAK_MS = 10_000
const BOOT = 'aaaa0000'

/** A ledger that remembers, and can be full. */
export interface FakeLedger {
  readonly entries: Entry[]
  readonly memories: TargetMemories
  isFull: boolean
  isDamaged: boolean
  isFrozen: boolean
  /** Fails these kinds only. */
  refused: RegExp
  kinds(): string[]
}

/** One managed target with one service `web`, whose health a test decides; more of them on the same world by `daemon`. */
export async function makeManaged(
  options: { releases?: readonly string[]; spec?: Partial<TargetSpec>; opened?: Partial<OpenTarget> } = {},
) {
  const clock = fakeClock()
  const fake: FakeTarget = fakeTarget(options.releases ?? ['r1', 'r2', 'r3'])
  const web: FakePatient = fakePatient('web', 'r1')
  const patients: FakePatient[] = [web]
  const warnings: string[] = []
  let settings: SwitchSpec = switchSpec({ probationMs: SOAK_MS })
  const spec = targetSpec(options.spec)
  const ledger: FakeLedger = {
    ...{ entries: [], memories: {}, isFull: false, isDamaged: false, isFrozen: false, refused: /^$/ },
    kinds: () => ledger.entries.map(({ kind }) => kind),
  }
  /** What an entry waits for on its way to the disk. */
  const disk: { takes: (draft: Draft) => Promise<void> | undefined } = { takes: () => undefined }
  async function append(draft: Draft): Promise<void> {
    await disk.takes(draft)
    if (ledger.isFull || ledger.refused.test(draft.kind))
      throw new Fault('ledger.degraded', 'not recorded, so not done: the disk is full', { retry: 5000 })
    for (const key in draft.data) assert.ok(FIELDS[draft.kind].has(key), `${draft.kind} does not let ${key} in`)
    const wall = new Date(clock.wallMs()).toISOString()
    const { actor = 'heald', inc } = draft
    const entry = {
      ...entryOf(draft.kind, draft.data, { ts: wall, mono: clock.monoMs() * 1000, boot: BOOT }),
      ...{ actor, ...(typeof inc === 'string' ? { inc } : {}) },
    }
    ledger.entries.push(entry)
    rememberTarget(ledger.memories, entry)
  }

  /** What a service is started with is what the pointer says by then. */
  function follow(): void {
    for (const patient of patients) patient.generation = fake.running?.split('/').at(-1) ?? ''
  }
  const target = {
    ...fake.target,
    async activate(...how: Parameters<typeof fake.target.activate>) {
      const activation = await fake.target.activate(...how)
      follow()
      return activation
    },
  }

  const daemon = (more: Partial<TargetSpec> = {}): Managed =>
    createManaged(
      { ...spec, ...more },
      { target, deadMan: fake.deadMan, changes: async () => [], ...options.opened },
      {
        ...{ clock, random: () => 0.5, memories: ledger.memories, patients: () => patients, append },
        ...{ flush: () => {}, spendReserve: async () => false, isRecording: () => !ledger.isFull, boot: BOOT },
        isDamaged: () => ledger.isDamaged,
        isFrozen: () => ledger.isFrozen,
        runCheck: async () => ({ verdict: 'pass', error: null, tookMs: 1 }),
        switchSpec: () => settings,
        warn: text => void warnings.push(text),
      },
    )
  const managed = daemon()
  await managed.look()
  return {
    ...{ disk, clock, fake, web, patients, ledger, managed, daemon, warnings, spec },
    memory: () => memoryOf(ledger.memories, 'app', placeOf(spec)),
    set(change: Partial<SwitchSpec>) {
      settings = { ...settings, ...change }
    },
    /** Somebody else moves the pointer; the next poll sees it. */
    point(generation: string | null) {
      fake.moves += 1
      fake.running = generation === null ? null : `${spec.path}/releases/${generation}`
      follow()
    },
    /** Begins, and lets what runs be proved and committed. */
    async known() {
      managed.begin()
      await clock.advance(SOAK_MS + 1000)
      assert.deepEqual(ledger.kinds().at(-1), 'generation.good')
    },
    /** An order, with what came of it: null, while it is under way. */
    order<T>(promise: Promise<T>) {
      const at: { done: T | null; fault: Fault | null } = { done: null, fault: null }
      promise.then(
        done => {
          at.done = done
        },
        (error: unknown) => {
          at.fault = error as Fault
        },
      )
      return at
    },
    deploy(ref: string, how: { force?: boolean; unchecked?: boolean } = {}) {
      return this.order(managed.deploy({ ref, force: false, unchecked: false, ...how }, 'local:admin/alice'))
    },
    rollback(to: string | null = null, dryRun = false) {
      return this.order(managed.rollback({ to, dryRun }, 'local:admin/bob'))
    },
  }
}

/** Kinds after the first `count`, without what follows from them. */
export const since = (ledger: FakeLedger, count: number): string[] =>
  ledger
    .kinds()
    .slice(count)
    .filter(kind => !kind.startsWith('deadman.') && !kind.startsWith('generation.'))

/**
 * Long enough for the watch to see a moved pointer, or until `isSo`. Each poll looks at real folders, which have to answer
 * before the next: so this does, too.
 */
export async function polls(stand: Awaited<ReturnType<typeof makeManaged>>, isSo?: () => boolean): Promise<void> {
  const most = isSo === undefined ? 24 : 400
  for (let n = 0; n < most && isSo?.() !== true; n += 1) {
    await stand.clock.advance(250)
    for (let look = 0; look < 5; look += 1) await stat(stand.spec.path).catch(() => {})
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
