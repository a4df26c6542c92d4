import type { IncomingMessage } from 'node:http'
import type { Args, Files } from './methods.ts'

/** Of a request, files and all: the public server takes files of up to 50 MB. */
const MOST_BYTES = 52 << 20

export interface Body {
  readonly args: Args
  readonly files: Files
}

/** The arguments of a request: JSON, a form, or a form with files (core.telegram.org/bots/api#making-requests). */
export async function readBody(request: IncomingMessage): Promise<Body | 'too large' | 'bad'> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MOST_BYTES) return 'too large'
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const query = Object.fromEntries(new URL(request.url ?? '', 'http://x').searchParams)
  const type = request.headers['content-type'] ?? ''
  const none: Files = { get: () => undefined }
  if (bytes.length === 0) return { args: query, files: none }
  if (type.startsWith('application/json')) {
    try {
      return { args: { ...query, ...JSON.parse(bytes.toString('utf8')) }, files: none }
    } catch {
      return 'bad'
    }
  }
  if (type.startsWith('application/x-www-form-urlencoded')) {
    return { args: { ...query, ...Object.fromEntries(new URLSearchParams(bytes.toString('utf8'))) }, files: none }
  }
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(type)?.[1]
  return boundary === undefined ? 'bad' : readParts(bytes, boundary, query)
}

function readParts(bytes: Buffer, boundary: string, query: Args): Body | 'bad' {
  const args: Record<string, unknown> = { ...query }
  const parts = new Map<string, { name: string; bytes: Buffer }>()
  const mark = Buffer.from(`--${boundary}`)
  let at = bytes.indexOf(mark)
  if (at !== 0) return 'bad'
  for (;;) {
    const start = at + mark.length
    if (bytes.subarray(start, start + 2).toString() === '--') break
    const head = bytes.indexOf('\r\n\r\n', start)
    const next = bytes.indexOf(mark, start)
    if (head < 0 || next < 0 || head > next) return 'bad'
    const headers = bytes.subarray(start, head).toString('utf8')
    const content = bytes.subarray(head + 4, next - 2)
    const name = /[; ]name="([^"]*)"/i.exec(headers)?.[1]
    const file = /filename="?([^"\r\n;]*)"?/i.exec(headers)?.[1]
    if (name === undefined) return 'bad'
    if (file === undefined) args[name] = content.toString('utf8')
    else parts.set(name, { name: file, bytes: content })
    at = next
  }
  return {
    args,
    files: {
      get(field) {
        const attached = /^attach:\/\/(.+)$/.exec(String(args[field] ?? ''))?.[1]
        return parts.get(attached ?? field)
      },
    },
  }
}
