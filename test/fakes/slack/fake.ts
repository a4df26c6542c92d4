import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { readableOf } from './readable.ts'
import { createSocketMode, type SocketMode } from './socket-mode.ts'
import { type Args, asJson, callMethod, contentOf } from './web-api.ts'
import { createWorkspace, messageIn, type Workspace, type WorkspaceOptions } from './workspace.ts'

/**
 * Slack on loopback, as strict as the real one: Web API, Socket Mode, response URLs. It is made from Slack's own pages and
 * knows nothing of who talks to it.
 */
export interface SlackFake {
  /** With a slash at its end, as `apiUrl` of the configuration. */
  readonly apiUrl: string
  readonly workspace: Workspace
  readonly sockets: SocketMode
  /** What came to response URLs, in order, as people see it. */
  readonly answers: { readonly text: string; readonly isEphemeral: boolean }[]
  /** Calls of methods, also refused ones. */
  calls(...methods: string[]): number
  /** What the next call of one of the methods meets, once. `afterMs` is for `slow down` (NaN: it does not say) and `late`. */
  next(trouble: Trouble, afterMs?: number, methods?: readonly string[]): void
  /** What the bodies of `/heald …` and of a pressed button look like. */
  commandOf(channel: string, text: string): object
  pressOf(channel: string, ts: string, actionId: string): object
  /** Ends all connections that stand, sockets too. */
  cut(): void
  close(): Promise<void>
}

/** `late`: it is carried out and answered, `afterMs` after it came. */
export type Trouble = 'slow down' | 'error 500' | 'answer lost' | 'hang' | 'cut' | 'late'

export interface SlackFakeOptions extends WorkspaceOptions {
  /** 0: any that is free. */
  readonly port?: number
  /** How long an envelope waits for its acknowledgement. */
  readonly ackMs?: number
}

const MOST_BODY_BYTES = 1024 * 1024
const WRITES = ['chat.postMessage', 'chat.update']
/** A response URL is good five times within half an hour. */
const MOST_ANSWERS = 5
const ANSWER_MS = 30 * 60_000

export async function startSlackFake(options: SlackFakeOptions = {}): Promise<SlackFake> {
  const workspace = createWorkspace(options)
  const sockets = createSocketMode(workspace.appId, workspace.breaches, options.ackMs)
  const connections = new Set<Socket>()
  const called: string[] = []
  const troubles: { trouble: Trouble; afterMs: number; methods: readonly string[] }[] = []
  const responseUrls = new Map<string, { left: number; bornMs: number }>()
  const answers: { text: string; isEphemeral: boolean }[] = []

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  server.on('connection', socket => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('error', () => {})
  })
  server.on('upgrade', (request, socket, head) => sockets.upgrade(request, socket, head))
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `127.0.0.1:${port}`

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    if (body === null) return answer(response, 413, { ok: false, error: 'request_too_large' })
    const { pathname } = new URL(request.url ?? '/', 'http://fake')
    if (pathname.startsWith('/response/')) return respond(pathname, body, response)
    if (!pathname.startsWith('/api/')) return answer(response, 404, { ok: false, error: 'not_found' })
    const method = pathname.slice('/api/'.length)
    const read = readArgs(request.headers['content-type'] ?? '', body)
    if (typeof read === 'string') return answer(response, 200, { ok: false, error: read })
    const { isForm, ...args } = read
    called.push(method)
    const index = troubles.findIndex(({ methods }) => methods.includes(method))
    const [met] = index < 0 ? [] : troubles.splice(index, 1)
    if (met?.trouble === 'hang') return
    if (met?.trouble === 'late') await new Promise(resolve => setTimeout(resolve, met.afterMs))
    if (met?.trouble === 'cut') return void response.destroy()
    if (met?.trouble === 'error 500') return answer(response, 500, 'Internal Server Error')
    if (met?.trouble === 'slow down') return slowDown(response, Math.ceil(met.afterMs / 1000))
    const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    // A token in the body is read only from a form.
    const token = bearer ?? (isForm === true && typeof args.token === 'string' ? args.token : '')
    const waitS = workspace.takeTurn(method, String(args.channel ?? ''))
    if (waitS > 0) return slowDown(response, waitS)
    const result = callMethod(workspace, { method, token, args }, () => `ws://${origin}${sockets.newPath()}`)
    if (met?.trouble === 'answer lost') return void response.destroy()
    answer(response, 200, result, { 'x-oauth-scopes': [...workspace.scopes].join(',') })
  }

  async function respond(pathname: string, body: string, response: ServerResponse): Promise<void> {
    const url = responseUrls.get(pathname)
    if (url === undefined || Date.now() - url.bornMs > ANSWER_MS) return answer(response, 404, 'expired_url')
    if (url.left === 0) return answer(response, 404, 'used_url')
    url.left -= 1
    try {
      const args: Args = JSON.parse(body)
      const { text, blocks } = contentOf(args)
      answers.push({ text: readableOf(text, blocks).text, isEphemeral: args.response_type !== 'in_channel' })
      answer(response, 200, 'ok')
    } catch {
      answer(response, 400, 'invalid_payload')
    }
  }

  function newResponseUrl(): string {
    const path = `/response/${workspace.team}/${workspace.newId('R')}`
    responseUrls.set(path, { left: MOST_ANSWERS, bornMs: Date.now() })
    return `http://${origin}${path}`
  }

  const newTrigger = () => `${workspace.newId('133')}.${Date.now()}.8088930838d88f008e0`

  return {
    apiUrl: `http://${origin}/api/`,
    workspace,
    sockets,
    answers,
    calls: (...methods) => called.filter(method => methods.length === 0 || methods.includes(method)).length,
    next: (trouble, afterMs = 1000, methods = WRITES) => void troubles.push({ trouble, afterMs, methods }),
    commandOf: (channel, text) => ({
      ...{ token: 'legacy', team_id: workspace.team, team_domain: workspace.domain, channel_id: channel },
      ...{
        channel_name: channel.toLowerCase(),
        user_id: 'U0HUMAN',
        user_name: 'ada',
        command: '/heald',
        text: escaped(text),
      },
      ...{ api_app_id: workspace.appId, is_enterprise_install: 'false' },
      ...{ response_url: newResponseUrl(), trigger_id: newTrigger() },
    }),
    pressOf(channel, ts, actionId) {
      const room = workspace.rooms.get(channel)
      const message = room === undefined ? undefined : messageIn(room, ts)
      const action = message?.blocks
        .flatMap(block => ((block as Args).elements as Args[] | undefined) ?? [])
        .find(element => element.type === 'button' && element.action_id === actionId)
      if (message === undefined || action === undefined) throw new Error(`nobody can press ${actionId} there`)
      return {
        ...{ type: 'block_actions', api_app_id: workspace.appId, token: 'legacy', trigger_id: newTrigger() },
        user: { id: 'U0HUMAN', username: 'ada', name: 'ada', team_id: workspace.team },
        team: { id: workspace.team, domain: workspace.domain },
        channel: { id: channel, name: channel.toLowerCase() },
        container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
        message: asJson(workspace, message),
        ...{ state: { values: {} }, is_enterprise_install: false, enterprise: null, response_url: newResponseUrl() },
        actions: [{ ...action, block_id: 'b', action_ts: workspace.nextTs() }],
      }
    },
    cut() {
      sockets.cut()
      for (const socket of connections) socket.destroy()
    },
    async close() {
      sockets.close()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

/** As in all text that Slack passes on. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += part.length
    if (bytes > MOST_BODY_BYTES) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

/** The arguments of a form, where objects are JSON, or of JSON; else Slack's error. */
function readArgs(contentType: string, body: string): (Args & { isForm: boolean }) | string {
  const type = contentType.split(';')[0]
  if (type === 'application/json') {
    try {
      const args: unknown = JSON.parse(body)
      return typeof args === 'object' && args !== null && !Array.isArray(args)
        ? { ...args, isForm: false }
        : 'json_not_object'
    } catch {
      return 'invalid_json'
    }
  }
  if (type !== 'application/x-www-form-urlencoded' && body !== '') return 'invalid_post_type'
  const args: Args = Object.fromEntries(new URLSearchParams(body))
  for (const name of ['blocks', 'attachments', 'metadata']) {
    if (typeof args[name] !== 'string') continue
    try {
      args[name] = JSON.parse(args[name])
    } catch {
      return name === 'metadata' ? 'invalid_metadata_format' : 'invalid_blocks_format'
    }
  }
  return { ...args, isForm: true }
}

function slowDown(response: ServerResponse, seconds: number): void {
  const headers: Record<string, string> = Number.isNaN(seconds) ? {} : { 'retry-after': String(seconds) }
  answer(response, 429, { ok: false, error: 'ratelimited' }, headers)
}

function answer(
  response: ServerResponse,
  status: number,
  body: object | string,
  headers: Record<string, string> = {},
): void {
  const isText = typeof body === 'string'
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json; charset=utf-8', ...headers })
  response.end(isText ? body : JSON.stringify(body))
}
