import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { faultOf } from './telegram-verdict.ts'

const IDLE_SOCKET_MS = 15_000

/**
 * What the next poll confirms: what this one has brought, or else nothing more. So a number is never kept for long:
 * Telegram begins anew with the numbers after a quiet week, and one from before would "confirm" what nobody has seen.
 */
export function offsetAfter(result: unknown): number {
  const last: unknown = Array.isArray(result) ? result.at(-1) : undefined
  if (typeof last !== 'object' || last === null || !('update_id' in last)) return 0
  return typeof last.update_id === 'number' ? last.update_id + 1 : 0
}

/** Connections of this channel alone, so that closing it ends them and no others. Idle ones go soon: a cut is not seen. */
export function agentFor(apiRoot: string): HttpAgent {
  const options = { keepAlive: true, timeout: IDLE_SOCKET_MS }
  const { protocol } = URL.parse(apiRoot) ?? { protocol: '' }
  if (protocol === 'https:') return new HttpsAgent(options)
  if (protocol === 'http:') return new HttpAgent(options)
  throw faultOf('channel.url', 'apiRoot of Telegram is no address', 'Write it like https://api.telegram.org.')
}

/** Resolves after the time, or as soon as the signal comes. */
export function pause(forMs: number, signal?: AbortSignal): Promise<void> {
  return sleep(forMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
}
