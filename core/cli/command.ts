import type { ParseArgsOptionsConfig } from 'node:util'

/** What a subcommand may use of the world; nothing else, so that it can be tested without a terminal. */
export interface Context {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly env: NodeJS.ProcessEnv
  /** Standard output is a terminal: tables may use its width, progress may redraw. */
  readonly tty: boolean
  readonly columns: number
  /** Lines of the terminal; left out where there is none. */
  readonly rows?: number
  /** Writes bytes as they are, for output that is not ours (logs). Left out: they are decoded and go to `out`. */
  readonly outBytes?: (bytes: Uint8Array) => void
  /** Calls `listener` with each key pressed while it may; the answer ends that. Left out where no person can press any. */
  readonly onKey?: (listener: (key: string) => void) => () => void
  /** Colours are wanted (a terminal, no NO_COLOR, no --json). */
  readonly colour: boolean
  readonly json: boolean
  /** The state folder, absolute; it may not exist yet. */
  readonly state: string
  /** The daemon's socket. */
  readonly socket: string
  /** IANA zone for absolute times. */
  readonly tz: string
  readonly nowMs: () => number
  /** Aborted by Ctrl-C: stop cleanly. */
  readonly signal: AbortSignal
}

/** Exit codes of every subcommand. */
export const EXIT = { done: 0, bad: 1, usage: 2, refused: 3, unreachable: 4 } as const

export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

/** One subcommand: a row of the table in `commands.ts`; the module behind it exports `run`. */
export interface Subcommand {
  readonly name: string
  /** For the usage line, after the name: `SERVICE [--follow]`. */
  readonly usage: string
  /** One sentence. */
  readonly summary: string
  /** Longer help, shown by `heald help NAME` and `heald NAME --help`: what it does, examples, exit codes. */
  readonly details?: string
  readonly options: ParseArgsOptionsConfig
  readonly load: () => Promise<{ run: (context: Context, words: readonly string[], values: Values) => Promise<number> }>
}
