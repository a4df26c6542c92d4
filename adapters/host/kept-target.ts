import type { Target } from '../../core/safeswitch/target.ts'

/** As many generations as a view has. */
export const MOST_LISTED = 100

/** A target that keeps something of its own in heald's state folder. */
export interface KeptTarget extends Target {
  /** Does ahead what a rollback to one of these paths would wait for or miss. */
  prepare?(good: readonly string[]): Promise<void>
  /** Removes what it keeps there: nobody switches it any more. May be called again. */
  forget?(): Promise<void>
}
