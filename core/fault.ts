/** Whether the same call can succeed later: never, at once, or after that many milliseconds. */
export type Retry = 'no' | 'now' | number

export interface FaultDetails {
  /** What the reader can do about it, in the imperative. */
  hint?: string
  retry?: Retry
  cause?: unknown
}

/**
 * An error meant for a person or a program outside: `code` is stable, `message` says what happened and why,
 * `hint` says what to do. Decisions are made on `code`, never on the text.
 */
export class Fault extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly retry: Retry

  constructor(code: string, message: string, details: FaultDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'Fault'
    this.code = code
    this.hint = details.hint
    this.retry = details.retry ?? 'no'
  }
}

/** The `code` of any thrown value: ours, Node's (`ENOENT`), or `unknown`. */
export function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code
  return 'unknown'
}

/** The first line of any thrown value's message. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n', 1)[0] ?? ''
}

/** What an adapter threw as a Fault, which it may not load the class of, as one; anything else as it is. */
export function asFault(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error) || error.name !== 'Fault') return error
  const { code, hint, retry } = error as Error & Partial<Fault>
  if (typeof code !== 'string') return error
  return new Fault(code, error.message, { ...(hint === undefined ? {} : { hint }), retry: retry ?? 'no', cause: error })
}

/** Whether trying the same again can help; undefined where the error does not say. */
export function retryOf(error: unknown): Retry | undefined {
  const fault = asFault(error)
  return fault instanceof Fault ? fault.retry : undefined
}
