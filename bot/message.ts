/**
 * What a card says, in no platform's own terms. All text is plain and already cleaned of control characters; an adapter
 * escapes it for its platform. Nothing says anything by colour alone: `icon` and `title` hold the state too.
 */
export interface Message {
  /** `good`: it is over and well. */
  readonly tone: 'info' | 'warning' | 'critical' | 'good'
  /** One emoji. */
  readonly icon: string
  /** One line. */
  readonly title: string
  readonly blocks: readonly Block[]
  /** One line: receipt, host; '' for none. */
  readonly footer: string
  /** In rows of at most five. */
  readonly buttons: readonly (readonly Button[])[]
  /** People who are called by it, above all else: by name where the platform does not know them. Left out: nobody. */
  readonly calls?: readonly Called[]
}

export interface Called {
  readonly name: string
  /** What the platform of this message calls them; null: it does not know them. On Slack without the team. */
  readonly id: string | null
}

export type Block =
  /** A paragraph; may have line breaks. */
  | { readonly block: 'text'; readonly text: string }
  /** Short values with names, side by side where the platform can. At most ten. */
  | { readonly block: 'facts'; readonly facts: readonly Fact[] }
  /** What happened, oldest first. */
  | { readonly block: 'steps'; readonly steps: readonly TimedStep[] }
  /** What a program wrote: shown as it is, in one width, collapsed where the platform can. */
  | { readonly block: 'log'; readonly title: string; readonly text: string }

export interface Fact {
  readonly name: string
  /** A moment is shown as the platform shows moments: in the reader's own time zone where it can. */
  readonly value: string | { readonly atMs: number; readonly text: string }
}

export interface TimedStep {
  /** Since the first one: `+1.2 s`. '' for a line that stands for some that were left out. */
  readonly offset: string
  readonly words: string
}

export interface Button {
  /** Opaque, at most 64 bytes of ASCII. */
  readonly id: string
  /** At most 40 characters. */
  readonly label: string
  readonly style: 'plain' | 'primary' | 'danger'
  /** Whoever presses it is asked for a one-time code first, in a form where the platform has one. Left out: nobody is. */
  readonly asksCode?: boolean
}
