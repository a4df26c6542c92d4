import type { CommandView, Person } from '../command/port.ts'

/** Who heald takes somebody for. */
export interface WhoAmI {
  /** As entries name them. */
  readonly by: string
  /** Null: heald does not know them. */
  readonly operator: string | null
  readonly role: 'viewer' | 'operator' | 'admin' | null
  /** Words that they may say. */
  readonly words: readonly string[]
  /** One-time codes: `none` set up, `ok`, or `locked` after too many wrong ones. */
  readonly codes: 'none' | 'ok' | 'locked' | 'not needed'
  /** What an admin writes into heald.yaml to make them known; null: they are. */
  readonly line: string | null
}

export interface Frozen {
  readonly frozen: boolean
  /** It was so before: nothing was recorded but the command. */
  readonly already?: boolean
}

/** What the operator's socket asks about commands. Errors are Faults. */
export interface CommandControl {
  /** Those that are not over, then the last that ended, newest first. */
  commands(): Promise<readonly CommandView[]>
  decide(
    step: 'approve' | 'deny',
    id: string,
    how: { readonly by: string; readonly as: string | null; readonly code: string | null },
  ): Promise<CommandView>
  freeze(why: string, by: string): Promise<Frozen>
  unfreeze(by: string): Promise<Frozen>
  unlock(operator: string, by: string): Promise<{ readonly operator: string }>
  whoami(by: string): Promise<WhoAmI>
  /** Whoever is called first stands first. */
  oncall(): Promise<readonly Person[]>
}
