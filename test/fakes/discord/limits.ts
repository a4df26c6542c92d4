import type { ServerResponse } from 'node:http'

// "Rate Limits" of Discord's documentation. The numbers of single routes are not in it; these are what its headers said.

const GLOBAL = { count: 50, perMs: 1000 }
const BANNED = { count: 10_000, perMs: 600_000 }

interface Bucket {
  /** Of the kind of route: with the channel or webhook it is one bucket. */
  readonly hash: string
  readonly count: number
  readonly perMs: number
}

export const BUCKETS = {
  post: { hash: 'b-post', count: 5, perMs: 5000 },
  edit: { hash: 'b-edit', count: 5, perMs: 5000 },
  look: { hash: 'b-look', count: 10, perMs: 10_000 },
  remove: { hash: 'b-remove', count: 5, perMs: 1000 },
  gateway: { hash: 'b-gateway', count: 2, perMs: 5000 },
  webhook: { hash: 'b-webhook', count: 5, perMs: 2000 },
  other: { hash: 'b-other', count: 10, perMs: 10_000 },
} as const satisfies Record<string, Bucket>

/** An answer, but for headers that were set before. */
export interface Reply {
  readonly status: number
  readonly body?: unknown
}

export interface Limits {
  /** Counts a request and sets the headers; the 429 when it was one too many, else null. */
  take(bucket: Bucket, major: string, response: ServerResponse, isGlobal?: boolean): Reply | null
  /** A 401, 403 or 429 was answered. */
  noteInvalid(): void
  /** A 429 without a reason of its own. */
  refuse(response: ServerResponse, afterMs: number, scope: 'user' | 'global' | 'shared', code?: number): Reply
}

export function openLimits(breaches: string[]): Limits {
  const windows = new Map<string, { count: number; endMs: number }>()
  let invalid: number[] = []

  /** Counts one request; how many are left of the window, negative when it was one too many. */
  function count(
    key: string,
    { count: most, perMs }: { count: number; perMs: number },
  ): { left: number; resetMs: number } {
    const now = performance.now()
    let window = windows.get(key)
    if (window === undefined || now >= window.endMs) window = { count: 0, endMs: now + perMs }
    window.count += 1
    windows.set(key, window)
    return { left: most - window.count, resetMs: window.endMs - now }
  }

  function noteInvalid(): void {
    const now = performance.now()
    invalid = [...invalid.filter(atMs => now - atMs < BANNED.perMs), now]
    if (invalid.length === BANNED.count) breaches.push('10,000 invalid requests in 10 minutes: banned')
  }

  function refuse(
    response: ServerResponse,
    afterMs: number,
    scope: 'user' | 'global' | 'shared',
    code?: number,
  ): Reply {
    if (scope !== 'shared') noteInvalid()
    const isGlobal = scope === 'global'
    response.setHeader('Retry-After', String(Math.ceil(afterMs / 1000)))
    response.setHeader('X-RateLimit-Scope', scope)
    if (isGlobal) response.setHeader('X-RateLimit-Global', 'true')
    else if (!response.hasHeader('X-RateLimit-Limit')) {
      response.setHeader('X-RateLimit-Limit', '5')
      response.setHeader('X-RateLimit-Remaining', '0')
      response.setHeader('X-RateLimit-Reset-After', (afterMs / 1000).toFixed(3))
    }
    const body = { message: 'You are being rate limited.', retry_after: afterMs / 1000, global: isGlobal }
    return { status: 429, body: code === undefined ? body : { ...body, code } }
  }

  return {
    noteInvalid,
    refuse,
    take(bucket, major, response, isGlobal = true) {
      if (isGlobal) {
        const { left, resetMs } = count('global', GLOBAL)
        if (left < 0) {
          breaches.push(`more than ${GLOBAL.count} requests in ${GLOBAL.perMs} ms`)
          return refuse(response, resetMs, 'global')
        }
      }
      const { left, resetMs } = count(`${bucket.hash} ${major}`, bucket)
      response.setHeader('X-RateLimit-Limit', String(bucket.count))
      response.setHeader('X-RateLimit-Remaining', String(Math.max(0, left)))
      response.setHeader('X-RateLimit-Reset', ((Date.now() + resetMs) / 1000).toFixed(3))
      response.setHeader('X-RateLimit-Reset-After', (resetMs / 1000).toFixed(3))
      response.setHeader('X-RateLimit-Bucket', bucket.hash)
      if (left >= 0) return null
      breaches.push(`more than ${bucket.count} requests in ${bucket.perMs} ms: ${bucket.hash} of ${major}`)
      return refuse(response, resetMs, 'user')
    },
  }
}
