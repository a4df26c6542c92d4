import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Answer, done, no, tooFast } from './answer.ts'
import { readBody } from './body.ts'
import { createFlood } from './flood.ts'
import { answerTo, METHODS } from './methods.ts'
import { createUpdates, type Updates } from './updates.ts'
import { createWorld, type World } from './world.ts'

// A Bot API server for one bot, as strict as the real one. Life of a request
// 1. The token in the path: unknown → 401, malformed → 404.
// 2. Trouble that was ordered for the next request of its kind.
// 3. The method, with the limits of core.telegram.org/bots/api; what people would see is kept in `world`.
// 4. Too many requests are refused (429), and noted in `breaches`.

export interface TelegramFakeOptions {
  /** 0: any that is free. */
  readonly port?: number
  readonly token?: string
  readonly username?: string
  /** Whether the bot hears only what is meant for it in groups (the default of Telegram). */
  readonly isPrivate?: boolean
  readonly nowMs?: () => number
}

/** 'bad gateway': a page in HTML, as the servers in front of Telegram answer in a failure. */
export type Ill = 'slow down' | 'error 500' | 'answer lost' | 'hang' | 'cut' | 'bad gateway'

export interface TelegramFake {
  readonly apiRoot: string
  /** How long the answer to every request takes, over and above a poll's waiting. */
  latencyMs: number
  readonly token: string
  readonly world: World
  readonly updates: Updates
  /** What went over a limit, or is done by the real server otherwise than asked, in words. */
  breaches(): readonly string[]
  /** Calls so far, by method in lower case. */
  calls(method?: string): number
  /** Requests that post, edit or look for messages. */
  messageCalls(): number
  /** What the next request meets, once: one of messages, or a poll. */
  next(of: 'message' | 'poll', ill: Ill, afterMs?: number): void
  /** Nothing but this token is taken from now on; '' for none. */
  takeOnly(token: string): void
  /** Cuts all connections that stand. */
  cut(): void
  close(): Promise<void>
}

const TOKEN = '700123456:AAF-fake_TokenOfTheTelegramServer_35c'

export async function startTelegramFake(options: TelegramFakeOptions = {}): Promise<TelegramFake> {
  const { port = 0, token = TOKEN, username = 'heald_web1_bot', isPrivate = true, nowMs = Date.now } = options
  const updates = createUpdates(nowMs)
  const flood = createFlood(nowMs)
  const bot = { id: Number(token.split(':')[0]), username }
  const world = createWorld(bot, updates, { nowMs, isPrivate })
  const oddities: string[] = []
  const calls = new Map<string, number>()
  const ills: Record<'message' | 'poll', { ill: Ill; afterMs: number }[]> = { message: [], poll: [] }
  const sockets = new Set<Socket>()
  let taken = token
  const note = (oddity: string) => void (oddities.length < 1000 && oddities.push(oddity))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    const [, given, name] = /^\/bot([^/]*)\/([^/?]+)/.exec(request.url ?? '') ?? []
    if (given === undefined || name === undefined) return send(response, no(404, 'Not Found'))
    if (!/^\d{1,16}:[\w-]+$/.test(given)) return send(response, no(404, 'Not Found'))
    const method = name.toLowerCase()
    calls.set(method, (calls.get(method) ?? 0) + 1)
    if (given !== taken) return send(response, no(401, 'Unauthorized'))
    if (body === 'too large') return send(response, no(413, 'Request Entity Too Large'))
    if (body === 'bad') return send(response, no(400, "Bad Request: can't parse the request"))
    const kind = METHODS[method]?.isOfMessages ? 'message' : method === 'getupdates' ? 'poll' : null
    const ordered = kind === null ? undefined : ills[kind].shift()
    if (ordered !== undefined && meet(ordered, response)) return
    const result = method in POLLING ? await POLLING[method]?.(body.args, response) : undefined
    const said = result ?? answerTo(method, body.args, { world, flood, nowMs, note }, body.files)
    if (fake.latencyMs > 0) await new Promise(resolve => setTimeout(resolve, fake.latencyMs))
    if (ordered?.ill === 'answer lost') response.destroy()
    else send(response, said)
  }

  /** Whether the request is over. */
  function meet({ ill, afterMs }: { ill: Ill; afterMs: number }, response: ServerResponse): boolean {
    switch (ill) {
      case 'slow down':
        send(response, tooFast(Math.ceil(afterMs / 1000)).answer)
        return true
      case 'error 500':
        send(response, no(500, 'Internal Server Error: restart'))
        return true
      case 'bad gateway':
        response.writeHead(502, { 'content-type': 'text/html' }).end('<html><h1>502 Bad Gateway</h1></html>')
        return true
      case 'cut':
        response.destroy()
        return true
      case 'hang':
        return true
      case 'answer lost':
        return false
    }
  }

  const POLLING: Record<string, (args: Record<string, unknown>, response: ServerResponse) => Promise<Answer>> = {
    async getupdates(args, response) {
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      const list: unknown =
        typeof args.allowed_updates === 'string' ? JSON.parse(args.allowed_updates) : args.allowed_updates
      return updates.poll(
        {
          offset: Number(args.offset ?? 0),
          limit: Number(args.limit ?? 100),
          timeoutSeconds: Number(args.timeout ?? 0),
          allowed: Array.isArray(list) ? list.map(String) : null,
        },
        gone.signal,
      )
    },
    async deletewebhook() {
      updates.webhook = ''
      return done(true)
    },
    async setwebhook(args) {
      updates.webhook = String(args.url ?? '')
      return done(true)
    },
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }

  const fake: TelegramFake = {
    latencyMs: 0,
    apiRoot: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    world,
    updates,
    breaches: () => [...flood.breaches, ...oddities],
    calls: method => (method === undefined ? sum(calls.values()) : (calls.get(method.toLowerCase()) ?? 0)),
    messageCalls: () => sum([...calls].map(([method, count]) => (METHODS[method]?.isOfMessages ? count : 0))),
    next: (of, ill, afterMs = 1000) => void ills[of].push({ ill, afterMs }),
    takeOnly(other) {
      taken = other
      updates.interrupt(no(401, 'Unauthorized'))
    },
    cut,
    async close() {
      cut()
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        cut()
      })
    },
  }
  return fake
}

/** As the real server: the HTTP status is the error code. */
function send(response: ServerResponse, answer: Answer): void {
  const status = answer.ok ? 200 : answer.error_code
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

function sum(counts: Iterable<number>): number {
  let all = 0
  for (const count of counts) all += count
  return all
}
