import { stripVTControlCharacters } from 'node:util'
import type { ProbeSpec } from '../../config/spec.ts'

export type Check = ProbeSpec['check']

/** What one check found. `inconclusive`: the check itself broke, which says nothing about the service. */
export interface Verdict {
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  /** Why not `pass`: one short line for people, never more than 200 characters. */
  readonly error: string | null
  readonly tookMs: number
}

/** How a check that needs a program runs it. */
export interface Surroundings {
  readonly cwd: string
  /** The service's user: `become` is the command prefix that turns a shell into it. Left out: the daemon's own. */
  readonly account?: { readonly become: readonly string[]; readonly home: string }
}

/** Runs one check. Resolves within `timeoutMs`, or soon after `signal` aborts (as inconclusive); never rejects. */
export type RunCheck = (
  check: Check,
  timeoutMs: number,
  signal: AbortSignal,
  surroundings?: Surroundings,
) => Promise<Verdict>

const ERROR_LIMIT = 200

/** Makes any text fit for one line of a ledger, a log and a chat: no control characters, at most 200 characters. */
export function oneLine(text: string): string {
  const clean = stripVTControlCharacters(text.slice(0, 4 * ERROR_LIMIT))
    .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim()
  const characters = [...clean]
  return characters.length <= ERROR_LIMIT ? clean : `${characters.slice(0, ERROR_LIMIT - 1).join('')}…`
}

/**
 * Errors that tell of this host, not of the service: out of descriptors, memory or ports, no network, no name service,
 * not allowed. Codes of errno(3) and getaddrinfo(3).
 */
const LOCAL = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'EAGAIN',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EACCES',
  'EPERM',
  'EIO',
  'EINVAL',
  'ENOTFOUND',
])

/** Whether an error's code blames this host (then nothing is known of the service). */
export function isLocalTrouble(code: string): boolean {
  return (
    LOCAL.has(code) || code.startsWith('EAI_') || code.startsWith('ERR_INVALID_') || code.startsWith('ERR_SOCKET_BAD_')
  )
}
