/**
 * The daemon's own API: HTTP over a unix socket. There are two, each with its own routes: the operator's (0600), and the
 * bot's (0600, its user's; four verbs).
 *
 * Life of a request
 * 1. The kernel has checked the file mode; whoever gets to the operator's is `local:admin`. At most 64 connections.
 * 2. Head and body must arrive within 10 s and 64 KiB; slower or longer ones are told so and dropped.
 * 3. The route table (`routes.ts`, `bot-routes.ts`) checks the body and asks the daemon; a Fault becomes JSON with a fitting status.
 * 4. One answer a connection. A stream (`stream.ts`) goes on until its reader leaves, falls behind for too long, or the
 *    server closes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault, messageOf } from '../fault.ts'
import { createServer } from '../http.ts'
import { readBody } from './body.ts'
import { faultToJson, httpStatusOf } from './fault-json.ts'
import { type Follow, type Route, routeOf } from './routes.ts'
import { listenOn } from './socket.ts'
import { writeLines } from './stream.ts'

export interface ServeOptions<Asked> {
  /** Absolute path of the socket file. */
  readonly socket: string
  /** Number of the one user who may open it, root aside; null: heald's own. */
  readonly owner?: number | null
  readonly routes: readonly Route<Asked>[]
  /** What the routes ask. */
  readonly control: Asked
  /** Ledger lines from a seq on, first the old ones, then each as it becomes durable; ends when `signal` is aborted. */
  readonly follow: Follow
  /** Told of trouble that stops nothing, such as no more file descriptors for a connection. Left out: process warnings. */
  readonly warn?: (text: string) => void
  /** For tests; the defaults are meant for use. */
  readonly limits?: Partial<Limits>
}

export interface Limits {
  readonly connections: number
  /** For the whole request to arrive. */
  readonly requestMs: number
  /** How long a reader of a stream may take nothing before it is disconnected. */
  readonly stalledMs: number
}

const LIMITS: Limits = { connections: 64, requestMs: 10_000, stalledMs: 30_000 }

export interface ApiServer {
  /** Takes no more requests, lets running ones finish for `timeoutMs`, ends streams, removes the socket. Idempotent. */
  close(timeoutMs: number): Promise<void>
}

/** Listens, or rejects with a Fault `socket.busy`, `socket.path` or `socket.listen`. */
export async function serve<Asked>({
  socket,
  owner = null,
  routes,
  control,
  follow,
  limits,
  warn = text => process.emitWarning(text),
}: ServeOptions<Asked>): Promise<ApiServer> {
  const { connections, requestMs, stalledMs } = { ...LIMITS, ...limits }
  const closing = new AbortController()
  const server = createServer({
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    connectionsCheckingInterval: Math.min(1000, requestMs),
    maxHeaderSize: 8192,
    keepAlive: false,
  })
  server.maxConnections = connections
  server.on('request', (request, response) => void handle(request, response))
  await listenOn(server, socket, owner)
  // From here on an error event is about one accept (too many open files, say), not about the server.
  server.on('error', error => warn(`a connection could not be taken: ${messageOf(error)}`))

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('connection', 'close')
    try {
      if (closing.signal.aborted) throw new Fault('daemon.stopping', 'heald is stopping', { retry: 2000 })
      const url = new URL(`http://heald${request.url ?? '/'}`)
      const { route, name } = routeOf(routes, request.method ?? 'GET', url.pathname)
      const body = await readBody(request)
      const answer = await route.answer(
        control,
        { name, query: url.searchParams, body, by: actorOf(body.claim) },
        follow,
      )
      if ('lines' in answer) await writeLines(response, answer.lines, closing.signal, stalledMs)
      else send(response, 200, answer.json)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else send(response, httpStatusOf(error), faultToJson(error))
    } finally {
      // A body that was not wanted is not read to its end either.
      if (!request.complete) response.once('finish', () => request.destroy())
    }
  }

  let closed: Promise<void> | undefined
  return { close: timeoutMs => (closed ??= close(timeoutMs)) }

  async function close(timeoutMs: number): Promise<void> {
    closing.abort()
    const ended = new Promise<void>(resolve => server.close(() => resolve()))
    const timer = setTimeout(() => server.closeAllConnections(), timeoutMs)
    await ended
    clearTimeout(timer)
  }
}

/** The login name behind sudo is only what the caller says, so it is recorded beside what is known for certain. */
function actorOf(claim: unknown): string {
  return typeof claim === 'string' && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/.test(claim)
    ? `local:admin/${claim}`
    : 'local:admin'
}

function send(response: ServerResponse, status: number, json: unknown): void {
  const text = `${JSON.stringify(json)}\n`
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
