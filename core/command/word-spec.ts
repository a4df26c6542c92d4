export const ROLES = ['viewer', 'operator', 'admin'] as const
/** The mildest first; who is more may do all that who is less may. */
export type Role = (typeof ROLES)[number]

/** What an argument is: which characters it may have, and what completes it. */
export type ArgumentType =
  | 'service'
  /** A service, a part of a name with `*`, or `all`. */
  | 'services'
  | 'target'
  /** A number, a name or a path. */
  | 'generation'
  | 'incident'
  | 'silence'
  /** Id of a command, like `c17`. */
  | 'command'
  /** `41`, `#41` or a receipt. */
  | 'seq'
  | 'duration'
  /** A whole number from 1 to 1,000. */
  | 'count'
  /** Six digits. Never recorded anywhere. */
  | 'code'
  /** Id of somebody in the configuration. */
  | 'operator'
  | 'word'
  /** One of `choices`. */
  | 'choice'
  /** Present or not: `--dry-run`. */
  | 'flag'
  /** All that is left of the line. */
  | 'text'
  | 'filter'
  | 'receipts'

export interface ArgumentSpec {
  /** As it is named in `args` of an entry and in the options of a slash command. */
  readonly name: string
  readonly type: ArgumentType
  /** One line for people. */
  readonly help: string
  readonly optional?: true
  readonly choices?: readonly string[]
}

export interface WordSpec {
  readonly word: string
  readonly args: readonly ArgumentSpec[]
  /** One sentence. */
  readonly summary: string
  /** `orders` are commands of the chain; `reads` are answered and leave nothing. */
  readonly does: 'reads' | 'orders'
  /** Who may, unless `policy` says otherwise; null: anybody, also who is not known. */
  readonly role: Role | null
  /** It is not run against another state than the one that was shown. */
  readonly destructive: boolean
  /** Needs a one-time code in chats unless `policy` says otherwise, as soon as any operator has one set up. */
  readonly code: boolean
  /** Only at the command line of the host. */
  readonly host?: true
  /** Lines as people write them, without the slash. */
  readonly examples: readonly string[]
}
