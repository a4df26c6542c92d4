import type { Role } from '../command/word-spec.ts'
import type { SecretSpec } from './channel-spec.ts'

/** Who may give orders, and what each order takes. */
export interface PeopleSpec {
  readonly operators: readonly OperatorSpec[]
  /** By word, defaults filled in; words that anybody may say are not there. */
  readonly policy: Readonly<Record<string, PolicySpec>>
  /** Ids of operators; whoever is called first stands first. */
  readonly oncall: readonly string[]
}

/** One human, by whatever names the platforms know them. */
export interface OperatorSpec {
  /** As in the file. */
  readonly id: string
  readonly role: Role
  readonly telegram: readonly string[]
  readonly discord: readonly string[]
  /** `U01AB2CD3`, or with the team: `T01AB2CD3/U01AB2CD3`. */
  readonly slack: readonly string[]
  /** Where the secret of their one-time codes is; null: they have none. */
  readonly totp: SecretSpec | null
}

export interface PolicySpec {
  /** The least that somebody has to be. */
  readonly role: Role
  /** Of people other than who asks. */
  readonly approvals: number
  /** In chats: by one-time codes. */
  readonly code: boolean
  /** A command that has not started by then is given up. */
  readonly expireMs: number
}
