import type { Ref } from './journal.ts'

/**
 * Outside the daemon: leads a target back when heald does not come back in time. One for each target; it stands durably
 * and needs neither heald nor Node. What can't be done is a Fault `deadman.…`.
 *
 * The lock says who may move the target's pointers: heald during a switch, or the dead-man once its time is up. It waits
 * 10 s for the lock and then kills the heald that holds it: one that still lives but did not disarm in time hangs.
 */
export interface DeadMan {
  /** Resolves with its id once it stands; replaces one that stands. */
  arm(back: Ref, afterMs: number, more?: Arming): Promise<string>
  /** Resolves once it can't fire any more. May be called when none stands. */
  disarm(): Promise<void>
  look(): Promise<DeadManView>
  /** Forgets `fired` of the id: it is in the ledger now. May be called twice. */
  imported(id: string): Promise<void>
  /**
   * Takes the target's lock, which our own death frees. Resolves to false when somebody else (a dead-man at work) still
   * holds it after `waitMs`. Taking what is held already is fine.
   */
  lock(waitMs: number): Promise<boolean>
  unlock(): Promise<void>
}

export interface Arming {
  /** When the machine boots meanwhile, the pointer is led back before the services start, where somebody sees to that. */
  readonly alsoAtBoot?: boolean
  /** Units of systemd that belong to the target: those that have failed by then are to be started again. */
  readonly units?: readonly string[]
}

export interface DeadManView {
  /** The one that stands and will fire; null also when its process was ended or the machine booted since. */
  readonly standing: { readonly id: string; readonly path: string } | null
  /** What one did that fired, until it is `imported`. */
  readonly fired: Fired | null
}

export interface Fired {
  readonly id: string
  /** Where it led back to. */
  readonly to: Ref
  /** Wall clock. */
  readonly atMs: number
  readonly result: 'done' | 'failed'
  /** What it did or could not do, in words; one line. */
  readonly why: string
}
