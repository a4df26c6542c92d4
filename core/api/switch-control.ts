/** A generation as the ledger names it: a number or name, and the path that names it for good. */
export interface GenerationRef {
  readonly generation: string
  readonly path: string
}

export type TargetState = 'idle' | 'armed' | 'switching' | 'probation' | 'committing' | 'rolling-back' | 'held'

export interface TargetStatus {
  readonly name: string
  readonly kind: 'releases' | 'nix-profile' | 'nixos'
  readonly state: TargetState
  /** What runs, as last seen; null: nothing whole does. */
  readonly current: GenerationRef | null
  /** Where a rollback would lead. */
  readonly knownGood: GenerationRef | null
  /** Paths that failed; deploying one again needs `--force`. */
  readonly quarantined: readonly string[]
  /** Why it is held or can't be looked at, or what it waits for, in words. */
  readonly why: string | null
}

export interface GenerationStatus extends GenerationRef {
  readonly target: string
  readonly createdTs: string
  readonly current: boolean
  readonly knownGood: boolean
  readonly quarantined: boolean
  /** Why it is quarantined, or what is not usual about it, in words. */
  readonly why: string | null
}

/** How a target stands, as far as it decides what an order means. */
export interface Standing {
  readonly state: 'idle' | 'held' | 'being switched'
  /** What runs; of a switch under way, where it leads. */
  readonly current: GenerationRef | null
}

/** How an order to switch ended. */
export interface Switched {
  readonly target: string
  /** `nothing to do`: it runs already and is known to be good; `planned`: the order was a dry run. */
  readonly outcome: 'committed' | 'rolled back' | 'failed' | 'held' | 'nothing to do' | 'planned'
  readonly from: GenerationRef | null
  /** What the order was to lead to. */
  readonly to: GenerationRef | null
  /** What runs in the end. */
  readonly current: GenerationRef | null
  /** Why it did not end where the order led; null when it did. */
  readonly why: string | null
  readonly tookMs: number
  /** Of a dry run: how the target stood. An order that is given with that is bound to it. */
  readonly standing?: Standing
}

/** What the socket's server asks of SafeSwitch. Errors are Faults. */
export interface SwitchControl {
  /** All generations of a target, or of all targets; newest first. */
  generations(target: string | null): Promise<readonly GenerationStatus[]>
  /** Resolves at the end of the switch, whichever it is; rejects with a Fault when it is refused. */
  deploy(
    target: string,
    order: {
      readonly ref: string
      readonly force: boolean
      readonly unchecked: boolean
      /** Only says where it would lead, or why it would be refused. */
      readonly dryRun?: boolean
      /** Refused with `switch.changed` where the target stands otherwise when it begins; left out or null: however it stands. */
      readonly seen?: Standing | null
    },
    by: string,
  ): Promise<Switched>
  /** What differs between two generations, a line each; empty when that can't be told. */
  changes(target: string, from: string, to: string): Promise<readonly string[]>
  /** `to` null: to the last known-good generation that is not running. The rest is as for `deploy`. */
  rollback(
    target: string,
    order: { readonly to: string | null; readonly dryRun: boolean; readonly seen?: Standing | null },
    by: string,
  ): Promise<Switched>
}
