/**
 * Something with generations, of which one runs: a release directory, a Nix profile, a NixOS system. Generations are
 * named by their path, exactly: there is never "one back", since the one before may be the bad one.
 *
 * Every method may be called again after a kill at any instant inside it, and then ends at the same place. One caller at
 * a time, who holds the target's lock. What can't be done is a Fault `target.…` with words for people (of its shape: an
 * adapter can't load the class); the world is then as it was, or `look` says how far it came.
 */
export interface Target {
  readonly name: string
  readonly kind: 'releases' | 'nix-profile' | 'nixos'
  /**
   * What is there. A pointer that is missing, or leads nowhere or out of the target, is null: news, not an error. What is
   * no pointer at all (a folder in its place) is a Fault.
   */
  look(): Promise<View>
  /**
   * Finds what an operator wrote: a generation's name or a path. Rejects when it is not there, not whole (no activation
   * command, an empty or dangling path) or not of this target.
   */
  resolve(ref: string): Promise<Generation>
  /**
   * Makes `to` what runs, also when the pointer was missing, or leads there already. Where the kind has two pointers
   * (`nixos`), a reboot still leads to the generation before. The files of `to`, and then the pointer's move, are durable
   * when this resolves. Activation commands run in a session of their own, survive this process, are ended after
   * `deadlineMs`, and are given a fresh run by the next call. Once `signal` is aborted no pointer is moved and no command
   * begun any more, one that runs is ended with all that it started, and the answer is `failed`. What `isUnderWay` is not
   * begun anew: it is waited for.
   */
  activate(to: Generation, deadlineMs: number, signal?: AbortSignal): Promise<Activation>
  /**
   * Whether an earlier daemon's activation of `to` still runs, or how it ended is known, so that `activate` takes it up.
   * Left out: that can't be told, and an activation ends with whoever waits for it.
   */
  isUnderWay?(to: Generation): Promise<boolean>
  /** Makes `to`, which runs, what a reboot leads to, durably; and keeps all of `good` from being collected. */
  settle(to: Generation, good: readonly string[]): Promise<void>
}

export interface Generation {
  /** A number for Nix, or the name in the store of a path that has none yet; the folder's name for releases. */
  readonly generation: string
  /** Absolute, with no link left in it. Names the generation for good. */
  readonly path: string
  /** When it was made, wall clock. */
  readonly createdMs: number
}

export interface View {
  /** Newest first, at most 100. */
  readonly generations: readonly Generation[]
  /** What runs. */
  readonly running: Generation | null
  /** What a reboot leads to; the same as `running` where there is one pointer only. */
  readonly boot: Generation | null
  /** When the pointer was last moved, wall clock; null where that can't be told. */
  readonly movedMs: number | null
  /** Another one each time that a link which leads to what runs is put anew, wherever to; null: the pointer is missing. */
  readonly mark: string | null
}

/** How an activation ended. */
export interface Activation {
  /** `partly`: judge by the services' health; `retry`: nothing was done yet (a lock); `reboot`: takes effect after one. */
  readonly verdict: 'done' | 'partly' | 'retry' | 'reboot' | 'failed'
  /** Of the activation command; null when there was none, or a signal or the deadline ended it. */
  readonly exitCode: number | null
  /** In words; '' for `done`. At most 300 characters, one line. */
  readonly why: string
}
