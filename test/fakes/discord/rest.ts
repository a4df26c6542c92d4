import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerCallback, answerWebhook } from './interactions.ts'
import { BUCKETS, type Limits, type Reply } from './limits.ts'
import { onChannel } from './messages.ts'
import { type ApiError, fieldsOf, invalidForm } from './validate.ts'
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
  readonly response: ServerResponse
}

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
  const raw = await bodyOf(request)
  const isJson = raw === '' || (request.headers['content-type'] ?? '').startsWith('application/json')
  const body = isJson ? parse(raw) : undefined
  if (body === undefined) return NO_JSON
  const asked: Request = { method, path, body, response }
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
  if (path === `/applications/${world.application}/commands` && method === 'PUT') return putCommands(desk, asked)
  return NOT_FOUND
}

function putCommands(desk: Desk, { body }: Request): Reply {
  const names = Array.isArray(body) ? body.map(command => String(fieldsOf(command).name)) : []
  const bad = names.findIndex(name => !/^[-_'\p{L}\p{N}]{1,32}$/u.test(name) || name !== name.toLowerCase())
  if (!Array.isArray(body) || bad >= 0 || new Set(names).size !== names.length || names.length > 100) {
    const flaw = { at: [bad, 'name'], code: 'APPLICATION_COMMAND_INVALID_NAME', message: 'Command name is invalid' }
    return invalidForm([flaw])
  }
  return { status: 200, body: body.map(command => ({ ...fieldsOf(command), id: desk.world.newId() })) }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) {
    parts.push(part)
    if (parts.reduce((sum, { length }) => sum + length, 0) > 1_000_000) return '!'
  }
  return Buffer.concat(parts).toString()
}

/** Undefined for what is no JSON. */
function parse(raw: string): unknown {
  try {
    return raw === '' ? null : JSON.parse(raw)
  } catch {
    return undefined
  }
}
