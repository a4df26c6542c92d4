import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createSocketMode, type SocketMode } from './socket-mode.ts'
import { takeBytes } from './uploads.ts'
import { submissionOf } from './views.ts'
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
  /** How long the answer to every call takes. */
  latencyMs: number
  /** Calls of methods, also refused ones. */
  calls(...methods: string[]): number
  /** What the next call of one of the methods meets, once. `afterMs` is for `slow down` (NaN: it does not say) and `late`. */
  next(trouble: Trouble, afterMs?: number, methods?: readonly string[]): void
  /** What the bodies of `/heald …` and of a pressed button look like. */
  commandOf(channel: string, text: string, user?: string): object
  pressOf(channel: string, ts: string, actionId: string, user?: string): object
  /** Of a button of an answer. */
  pressAnswerOf(at: number, actionId: string, user?: string): object
  /** Of the newest form, filled in. */
  submissionOf(code: string): object
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

interface ResponseUrl {
  left: number
  readonly bornMs: number
  readonly channel: string
  readonly user: string
  /** What `replace_original` replaces: the message whose button was pressed. */
  readonly original: { text: string; blocks: readonly unknown[] } | null
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
  const responseUrls = new Map<string, ResponseUrl>()
  const { answers } = workspace

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
    const bytes = await bytesOf(request)
    if (fake.latencyMs > 0) await new Promise(resolve => setTimeout(resolve, fake.latencyMs))
    if (bytes === null) return answer(response, 413, { ok: false, error: 'request_too_large' })
    const body = bytes.toString()
    const { pathname } = new URL(request.url ?? '/', 'http://fake')
    if (pathname.startsWith('/upload/')) {
      const isTaken = takeBytes(workspace, pathname.slice('/upload/'.length), bytes)
      return isTaken ? answer(response, 200, `OK - ${bytes.length}`) : answer(response, 400, 'bad_upload')
    }
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
    const result = callMethod(workspace, { method, token, args }, addresses)
    if (met?.trouble === 'answer lost') return void response.destroy()
    answer(response, 200, result, { 'x-oauth-scopes': [...workspace.scopes].join(',') })
  }

  const addresses = {
    socket: () => `ws://${origin}${sockets.newPath()}`,
    upload: (id: string) => `http://${origin}/upload/${id}`,
  }

  async function respond(pathname: string, body: string, response: ServerResponse): Promise<void> {
    const url = responseUrls.get(pathname)
    if (url === undefined || Date.now() - url.bornMs > ANSWER_MS) return answer(response, 404, 'expired_url')
    if (url.left === 0) return answer(response, 404, 'used_url')
    url.left -= 1
    try {
      const args: Args = JSON.parse(body)
      const content = contentOf(args)
      const isEphemeral = args.response_type !== 'in_channel'
      const { channel, user, original } = url
      if (args.replace_original === true && original !== null) Object.assign(original, content)
      else answers.push({ ...content, channel, user, isEphemeral, atMs: Date.now(), file: null })
      answer(response, 200, 'ok')
    } catch {
      answer(response, 400, 'invalid_payload')
    }
  }

  function newResponseUrl(channel: string, user: string, original: ResponseUrl['original'] = null): string {
    const path = `/response/${workspace.team}/${workspace.newId('R')}`
    responseUrls.set(path, { left: MOST_ANSWERS, bornMs: Date.now(), channel, user, original })
    return `http://${origin}${path}`
  }

  function newTrigger(user: string): string {
    const trigger = `${workspace.newId('133')}.${Date.now()}.8088930838d88f008e0`
    workspace.triggers.set(trigger, { bornMs: Date.now(), user, isUsed: false })
    return trigger
  }

  function pressed(channel: string, original: NonNullable<ResponseUrl['original']>, actionId: string, user: string) {
    const action = original.blocks
      .flatMap(block => ((block as Args).elements as Args[] | undefined) ?? [])
      .find(element => element.type === 'button' && plainId(String(element.action_id)) === actionId)
    if (action === undefined) throw new Error(`nobody can press ${actionId} there`)
    const name = user.toLowerCase()
    return {
      ...{ type: 'block_actions', api_app_id: workspace.appId, token: 'legacy', trigger_id: newTrigger(user) },
      user: { id: user, username: user === 'U0HUMAN' ? 'ada' : name, name: user === 'U0HUMAN' ? 'ada' : name },
      team: { id: workspace.team, domain: workspace.domain },
      channel: { id: channel, name: channel.toLowerCase() },
      ...{ state: { values: {} }, is_enterprise_install: false, enterprise: null },
      response_url: newResponseUrl(channel, user, original),
      actions: [{ ...action, block_id: 'b', action_ts: workspace.nextTs() }],
    }
  }

  const fake: SlackFake = {
    latencyMs: 0,
    apiUrl: `http://${origin}/api/`,
    workspace,
    sockets,
    calls: (...methods) => called.filter(method => methods.length === 0 || methods.includes(method)).length,
    next: (trouble, afterMs = 1000, methods = WRITES) => void troubles.push({ trouble, afterMs, methods }),
    commandOf: (channel, text, user = 'U0HUMAN') => ({
      ...{ token: 'legacy', team_id: workspace.team, team_domain: workspace.domain, channel_id: channel },
      ...{ channel_name: channel.toLowerCase(), user_id: user, command: '/heald', text: escaped(text) },
      user_name: user === 'U0HUMAN' ? 'ada' : user.toLowerCase(),
      ...{ api_app_id: workspace.appId, is_enterprise_install: 'false' },
      ...{ response_url: newResponseUrl(channel, user), trigger_id: newTrigger(user) },
    }),
    pressOf(channel, ts, actionId, user = 'U0HUMAN') {
      const room = workspace.rooms.get(channel)
      const message = room === undefined ? undefined : messageIn(room, ts)
      if (message === undefined) throw new Error(`nobody can press ${actionId} there`)
      return {
        ...pressed(channel, message, actionId, user),
        container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
        message: asJson(workspace, message),
      }
    },
    pressAnswerOf(at, actionId, user = 'U0HUMAN') {
      const found = answers[at]
      if (found === undefined) throw new Error(`there is no answer ${at}`)
      return {
        ...pressed(found.channel, found, actionId, user),
        container: { type: 'message', message_ts: workspace.nextTs(), channel_id: found.channel, is_ephemeral: true },
      }
    },
    submissionOf: code => submissionOf(workspace, code, newTrigger(workspace.views.at(-1)?.user ?? '')),
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
  return fake
}

/** Without the mark of a button that asks for a code first. */
export function plainId(id: string): string {
  return id.replace(/^c:/, '')
}

/** As in all text that Slack passes on. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

async function bytesOf(request: IncomingMessage): Promise<Buffer | null> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += part.length
    if (bytes > MOST_BODY_BYTES) return null
    parts.push(part)
  }
  return Buffer.concat(parts)
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
