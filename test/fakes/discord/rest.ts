import type { IncomingMessage, ServerResponse } from 'node:http'
import { listed, putCommands } from './commands.ts'
import { answerCallback, answerWebhook } from './interactions.ts'
import { BUCKETS, type Limits, type Reply } from './limits.ts'
import { onChannel } from './messages.ts'
import type { ApiError } from './validate.ts'
import type { World } from './world.ts'

export type Trouble = 'slow down' | 'slow down all' | 'error 500' | 'answer lost' | 'hang' | 'cut'

export interface Desk {
  readonly world: World
  readonly limits: Limits
  /** What `/gateway/bot` says. */
  readonly gateway: () => object
  /** What the next post or edit meets, once. */
  trouble: { readonly is: Trouble; readonly afterMs: number } | null
  /** Requests that post, edit or look for messages. */
  requests: number
  /** All requests in order, as `POST /channels/…`; the newest 1000. */
  readonly log: string[]
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly body: unknown
  /** That was sent along. */
  readonly file: { readonly name: string; readonly text: string } | null
  readonly response: ServerResponse
}

/** Files and all; without a boost 10 MB. */
const MOST_BYTES = 10 << 20
/** Of the user agent, as Discord asks for it: others are kept out in front of the API. */
const USER_AGENT = /^DiscordBot \(\S+, [^)]+\)/
const NOT_FOUND: ApiError = { status: 404, body: { message: '404: Not Found', code: 0 } }
const UNAUTHORISED: ApiError = { status: 401, body: { message: '401: Unauthorized', code: 0 } }
const KEPT_OUT: ApiError = { status: 403, body: { message: 'internal network error', code: 40333 } }
const NO_JSON: ApiError = { status: 400, body: { message: 'The request body contains invalid JSON.', code: 50109 } }

/** Answers one request to the REST API. */
export async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = await replyTo(desk, request, response)
  if (reply === 'hang') return
  if (reply === 'cut') {
    response.destroy()
    return
  }
  if (reply.status === 401 || reply.status === 403) desk.limits.noteInvalid()
  response.writeHead(reply.status, reply.body === undefined ? {} : { 'Content-Type': 'application/json' })
  response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body))
}

async function replyTo(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Reply | 'hang' | 'cut'> {
  const { world, limits } = desk
  const { pathname } = new URL(request.url ?? '/', 'http://discord')
  const path = /^\/api\/v(?:9|10)(\/.*)$/.exec(pathname)?.[1]
  const method = request.method ?? 'GET'
  desk.log.push(`${method} ${path ?? pathname}`)
  if (desk.log.length > 1000) desk.log.shift()
  if (!USER_AGENT.test(request.headers['user-agent'] ?? '')) return KEPT_OUT
  if (path === undefined) return NOT_FOUND
  const read = await readBody(request)
  if (read === undefined) return NO_JSON
  const { body } = read
  const asked: Request = { method, path, response, ...read }
  const toInteraction = answerCallback(desk, asked) ?? answerWebhook(desk, asked)
  if (toInteraction !== null) return toInteraction
  if (world.isRevoked || request.headers.authorization !== `Bot ${world.token}`) return UNAUTHORISED
  const place = /^\/channels\/([^/]+)(?:\/messages(?:\/([^/]+))?)?$/.exec(path)
  if (place !== null)
    return onChannel(desk, asked, place[1] ?? '', path.includes('/messages') ? (place[2] ?? '') : null)
  if (path === '/gateway/bot' && method === 'GET') {
    return limits.take(BUCKETS.gateway, '', response) ?? { status: 200, body: desk.gateway() }
  }
  const refusal = limits.take(BUCKETS.other, path, response)
  if (refusal !== null) return refusal
  const user = { id: world.bot, username: 'heald', discriminator: '0000', bot: true }
  if (path === '/users/@me' && method === 'GET') return { status: 200, body: user }
  if (path === '/oauth2/applications/@me' && method === 'GET') {
    return { status: 200, body: { id: world.application, name: 'heald', bot: user } }
  }
  if (path === `/applications/${world.application}/commands`) {
    if (method === 'PUT') return putCommands(world, body)
    if (method === 'GET') return { status: 200, body: listed(world) }
  }
  return NOT_FOUND
}

/** JSON, or a form with JSON and a file; undefined for anything else. */
async function readBody(request: IncomingMessage): Promise<Pick<Request, 'body' | 'file'> | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += part.length
    if (bytes > MOST_BYTES) return undefined
    parts.push(part)
  }
  const type = request.headers['content-type'] ?? ''
  const raw = Buffer.concat(parts)
  if (raw.length === 0) return { body: null, file: null }
  if (type.startsWith('application/json')) {
    const body = parse(raw.toString())
    return body === undefined ? undefined : { body, file: null }
  }
  if (!type.startsWith('multipart/form-data')) return undefined
  const form = await new Response(raw, { headers: { 'content-type': type } }).formData()
  const body = parse(String(form.get('payload_json')))
  const file = form.get('files[0]')
  if (body === undefined || !(file instanceof File)) return undefined
  return { body, file: { name: file.name, text: await file.text() } }
}

/** Undefined for what is no JSON. */
function parse(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}
