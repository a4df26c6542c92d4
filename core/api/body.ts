import type { IncomingMessage } from 'node:http'
import { Fault } from '../fault.ts'

export const MAX_BODY_BYTES = 64 * 1024

export type Body = { readonly [key: string]: unknown }

/**
 * The JSON object in a request's body; `{}` when the body is empty. Bounded: a longer body is a Fault
 * (`request.large`) before it is read. How long it may take is bounded by the server's `requestTimeout`.
 */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = []
  let bytes = 0
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  if (text.trim() === '') return {}
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new Fault('request.body', 'the body of the request is not JSON', {
      hint: 'send one JSON object',
      cause: error,
    })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Fault('request.body', 'the body of the request is not a JSON object', {
      hint: 'send {} or {"key": value}',
    })
  }
  return { ...parsed }
}

/** Checks `body` against the keys a route knows; a wrong type or an unknown key is a Fault (`request.body`). */
export function checkKeys(body: Body, types: { readonly [key: string]: 'boolean' | 'string' | 'number' }): void {
  for (const [key, value] of Object.entries(body)) {
    const type = Object.hasOwn(types, key) ? types[key] : undefined
    const known = Object.keys(types).join(', ') || 'none'
    if (type === undefined) {
      throw new Fault('request.body', `the key ${JSON.stringify(key.slice(0, 100))} is not known here`, {
        hint: `known keys: ${known}`,
      })
    }
    if (typeof value !== type) throw new Fault('request.body', `"${key}" has to be a ${type}`)
  }
}

/** A text that has to be there, of at most so many characters; a Fault (`request.body`) otherwise. */
export function textIn(body: Body, key: string, most: number): string {
  const given = body[key]
  if (typeof given !== 'string' || given === '') throw new Fault('request.body', `"${key}" is missing or empty`)
  if (given.length > most) throw new Fault('request.body', `"${key}" is longer than ${most} characters`)
  return given
}

function tooLarge(): Fault {
  return new Fault('request.large', `the body of the request is longer than ${MAX_BODY_BYTES} bytes`)
}
