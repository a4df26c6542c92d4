import { codeOf, Fault, messageOf, type Retry } from '../fault.ts'

/** How an error looks on the socket and on stdout with `--json`. */
export interface FaultJson {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint: string | null
    readonly retry: Retry
  }
}

export function faultToJson(error: unknown): FaultJson {
  if (error instanceof Fault) {
    const { code, message, hint, retry } = error
    return { error: { code, message, hint: hint ?? null, retry } }
  }
  const message = `something went wrong inside heald: ${messageOf(error)}`
  const hint = 'this is a mistake in heald: please report it with what you did'
  return { error: { code: `internal.${codeOf(error)}`, message, hint, retry: 'no' } }
}

/** The Fault that the other side sent; null when `json` is not one. */
export function faultFromJson(json: unknown): Fault | null {
  if (typeof json !== 'object' || json === null || !('error' in json)) return null
  const { error } = json
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return null
  const hint = 'hint' in error && typeof error.hint === 'string' ? { hint: error.hint } : {}
  const given = 'retry' in error ? error.retry : 'no'
  const retry: Retry = given === 'now' || typeof given === 'number' ? given : 'no'
  return new Fault(String(error.code), String(error.message), { ...hint, retry })
}

const STATUS: { readonly [code: string]: number } = {
  'request.path': 404,
  'request.method': 405,
  'request.timeout': 408,
  'request.large': 413,
  'request.rate': 429,
  'request.later': 501,
  'daemon.busy': 503,
  'daemon.stopping': 503,
  'ledger.degraded': 503,
  'ledger.stalled': 503,
  'search.busy': 503,
  'search.lost': 503,
  'search.slow': 503,
  'service.unclear': 503,
}

/** HTTP status for an error's code: whose fault it is, and whether asking again can help. */
export function httpStatusOf(error: unknown): number {
  if (!(error instanceof Fault)) return 500
  if (error.code.endsWith('.unknown')) return 404
  if (/^(request|usage)\./.test(error.code)) return STATUS[error.code] ?? 400
  // The daemon understood and says no, or could not do it.
  return STATUS[error.code] ?? 409
}
