import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Word } from '../../bot/channel.ts'
import { fieldOf } from './slack-fault.ts'
import { payloadOf } from './slack-payload.ts'

// Life of a word
// 1. Slack sends an envelope over a socket, or a signed request. Bolt checks, reads and routes it.
// 2. It is acknowledged at once, and handed over in the same turn. Only slash commands and buttons are taken: Bolt
//    acknowledges events before anybody has seen them.
// 3. Until Slack has the acknowledgement it sends the same again, on any connection, after 3 s: the key is the same.

export const loadBolt = () => import('@slack/bolt')

export type Bolt = Awaited<ReturnType<typeof loadBolt>>
export type App = InstanceType<Bolt['App']>
export type WebOptions = NonNullable<ConstructorParameters<Bolt['webApi']['WebClient']>[1]>
type Receiver = InstanceType<Bolt['SocketModeReceiver']>
type Logger = NonNullable<WebOptions['logger']>

/** One connection that words come in by. */
export interface Line {
  /** Resolves when nothing comes in any more, or soon won't. */
  readonly ended: Promise<End>
  /** Within about a second; may be called twice, never rejects. */
  close(): Promise<void>
}

export interface End {
  /** Slack wants a new connection in the place of this one: no trouble. */
  readonly isPlanned: boolean
  readonly isFinal: boolean
  readonly why: string
}

const CONNECT_MS = 15_000
const CLOSE_MS = 1000
const MOST_MESSAGE_BYTES = 1024 * 1024
const MOST_BODY_BYTES = 256 * 1024
/** https://docs.slack.dev/authentication/verifying-requests-from-slack; Bolt looks only at what is too old. */
const MOST_OFF_S = 300

/** Bolt logs addresses with tickets and whole payloads; what matters is told by `onState`. */
export function quietLogger(bolt: Bolt): Logger {
  const quiet = () => {}
  const getLevel = () => bolt.LogLevel.ERROR
  return { debug: quiet, info: quiet, warn: quiet, error: quiet, setLevel: quiet, setName: quiet, getLevel }
}

/** Routes what the lines bring to `onWord`, which must not throw. */
export function openApp(bolt: Bolt, web: WebOptions, warn: (text: string) => void, onWord: (word: Word) => void): App {
  const app = new bolt.App({
    receiver: { init() {}, start: async () => {}, stop: async () => {} },
    authorize: async () => ({}),
    clientOptions: web,
    logger: quietLogger(bolt),
    convoStore: false,
    ignoreSelf: false,
  })
  app.error(async () => warn('an order from Slack could not be read'))
  app.command(/^\//, async ({ ack, body, context, respond }) => {
    ack().catch(() => {})
    const { team_id: team, user_id: user, user_name: name, channel_id: chat, text } = body
    hand({ team, user, name, chat, button: null, text }, body.trigger_id ?? context.envelopeId, respond)
  })
  app.action({ type: 'block_actions' }, async ({ ack, body, action, context, respond }) => {
    ack().catch(() => {})
    if (body.type !== 'block_actions' || action.type !== 'button') return
    const { id: user, team_id, name = user } = body.user
    const chat = body.channel?.id ?? String(fieldOf(body.container, 'channel_id') ?? '')
    const team = body.team?.id ?? team_id ?? ''
    const button = action.value ?? action.action_id
    hand({ team, user, name, chat, button, text: '' }, body.trigger_id ?? context.envelopeId, respond)
  })

  interface Said {
    readonly team: string
    readonly user: string
    readonly name: string
    readonly chat: string
    readonly button: string | null
    readonly text: string
  }
  type Respond = (
    answer: { response_type: 'ephemeral'; replace_original: false } & ReturnType<typeof payloadOf>,
  ) => unknown

  function hand({ team, user, name, chat, button, text }: Said, id: unknown, respond: Respond): void {
    if (typeof id !== 'string' || id === '') {
      warn('an order from Slack has no id, so it was not taken')
      return
    }
    const who = `${team}/${user}`
    onWord({
      ...{ platform: 'slack', user: who, name: name || user || who, chat, button, text: textOf(text) },
      ...{ options: null, code: null, isPaced: false, askCode: null, hide: async () => false },
      key: `slack:${team}:${id}`,
      async reply(message) {
        try {
          await respond({ response_type: 'ephemeral', replace_original: false, ...payloadOf(message) })
        } catch {
          warn('an answer could not be shown on Slack')
        }
        return null
      },
    })
  }
  return app
}

/** What the person wrote: Slack escapes three characters in what it passes on. */
function textOf(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').trim()
}

/** Opens a socket and waits until Slack greets. Rejects with the Web API client's error, or one of the system's. */
export async function openSocket(
  bolt: Bolt,
  app: App,
  { appToken, web, signal }: { appToken: string; web: WebOptions; signal: AbortSignal },
): Promise<Line> {
  const giveUp = new AbortController()
  const { fetch: fetchBounded = fetch, ...rest } = web
  const receiver = new bolt.SocketModeReceiver({
    appToken,
    // Its reconnecting rejects where nobody can catch it, and has no cap: a new receiver is made for each connection.
    autoReconnectEnabled: false,
    clientPingTimeout: 5000,
    serverPingTimeout: 30_000,
    logger: quietLogger(bolt),
    installerOptions: {
      clientOptions: {
        ...rest,
        fetch: (url, init) => fetchBounded(url, { ...init, signal: anyOf(giveUp.signal, init?.signal) }),
      },
    },
    customPropertiesExtractor: args => ({ envelopeId: args.envelope_id }),
    processEventErrorHandler: async () => false,
  })
  receiver.init(app)
  const { client } = receiver
  guard(client, 'ws_message', data => readEnvelope(data) !== null)
  guard(client, 'slack_event', () => true)
  const { promise: ended, resolve: end } = Promise.withResolvers<End>()
  client.on('ws_message', (data: unknown) => {
    if (readEnvelope(data)?.type !== 'disconnect') return
    dropTimer(client)
    end({ isPlanned: true, isFinal: false, why: 'Slack renews it' })
  })
  client.on('disconnected', () => end({ isPlanned: false, isFinal: false, why: 'the connection to Slack was lost' }))
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= closeSocket(client)
    return closing
  }
  const started = receiver.start()
  const isStarted = started.then(
    () => true,
    () => false,
  )
  const { promise: late, reject: beLate } = Promise.withResolvers<never>()
  const fail = (name: string) => beLate(Object.assign(new Error('no greeting'), { name }))
  const timer = setTimeout(fail, CONNECT_MS, 'TimeoutError')
  const stop = () => fail('AbortError')
  signal.addEventListener('abort', stop, { once: true })
  try {
    await Promise.race([started, late])
  } catch (error) {
    giveUp.abort()
    await close()
    isStarted.then(isOpen => (isOpen ? closeSocket(client) : undefined))
    throw error ?? Object.assign(new Error('closed before the greeting'), { code: 'ECONNRESET' })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
  return { ended, close }
}

/** Asks for the end, and after CLOSE_MS no longer waits for it: the second call ends the socket at once. */
async function closeSocket(client: Receiver['client']): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, CLOSE_MS)
  const closed = client.disconnect().catch(() => {})
  dropTimer(client)
  await Promise.race([closed, late])
  clearTimeout(timer)
  await new Promise(done => done(client.websocket?.disconnect())).catch(() => {})
  dropTimer(client)
}

/**
 * The SDK's timer for the end of a socket, 30 s. When the socket fails meanwhile it sets another and forgets this one,
 * which then keeps the process alive (github.com/slackapi/node-slack-sdk issue 2771).
 */
function dropTimer({ websocket }: Receiver['client']): void {
  clearTimeout(fieldOf(websocket, 'closeHandshakeTimeout') as NodeJS.Timeout | undefined)
}

/** Calls the SDK's own listeners such that nothing they throw or reject with gets out. */
function guard(client: Receiver['client'], event: string, isTaken: (first: unknown) => boolean): void {
  const listeners = client.listeners(event)
  client.removeAllListeners(event)
  client.on(event, (...args: unknown[]) => {
    if (!isTaken(args[0])) return
    for (const listener of listeners) new Promise(resolve => resolve(listener.apply(client, args))).catch(() => {})
  })
}

/** What the SDK can read without throwing; null for all else. */
function readEnvelope(data: unknown): { type: string } | null {
  if (typeof data !== 'string' || data.length > MOST_MESSAGE_BYTES) return null
  const message = readJson(data)
  const type = fieldOf(message, 'type')
  const payload = fieldOf(message, 'payload')
  if (type === 'hello' || type === 'disconnect') return { type }
  if (type !== 'slash_commands' && type !== 'interactive') return null
  return typeof payload === 'object' && payload !== null ? { type } : null
}

/** Listens on loopback for Slack's signed requests, as a proxy with TLS in front of it passes them on. */
export async function openHttp(
  bolt: Bolt,
  app: App,
  { signingSecret, port }: { signingSecret: string; port: number },
): Promise<Line> {
  const receiver = new bolt.HTTPReceiver({
    signingSecret,
    logger: quietLogger(bolt),
    bodyLimit: MOST_BODY_BYTES,
    processEventErrorHandler: async () => false,
  })
  receiver.init(app)
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    take(request, response).catch(() => refuse(response, 500))
  })
  server.maxConnections = 64

  async function take(request: IncomingMessage & { rawBody?: Buffer }, response: ServerResponse): Promise<void> {
    const { method, url, headers } = request
    if (method !== 'POST' || url !== '/slack/events') return refuse(response, 404)
    const offS = Math.abs(Number(headers['x-slack-request-timestamp']) - Date.now() / 1000)
    if (!(offS <= MOST_OFF_S)) return refuse(response, 401)
    const parts: Buffer[] = []
    let bytes = 0
    for await (const part of request) {
      // What is too long is read a while longer, or the sender would see a broken connection and no answer.
      bytes += part.length
      if (bytes > 8 * MOST_BODY_BYTES) return void request.destroy()
      if (bytes <= MOST_BODY_BYTES) parts.push(part)
    }
    if (bytes > MOST_BODY_BYTES) return refuse(response, 413)
    // Bolt takes a body that was read already. Of a payload that is no object it would throw where nobody can catch it.
    request.rawBody = Buffer.concat(parts)
    const payload = new URLSearchParams(request.rawBody.toString()).get('payload')
    const isForm = headers['content-type'] === 'application/x-www-form-urlencoded'
    if (!isForm || (payload !== null && typeof fieldOf(readJson(payload), 'type') !== 'string')) {
      return refuse(response, 400)
    }
    receiver.requestListener(request, response)
  }

  const { promise: ended, resolve: end } = Promise.withResolvers<End>()
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>()
  server.on('error', (error: NodeJS.ErrnoException) => {
    reject(error)
    end({ isPlanned: false, isFinal: false, why: `the port cannot be used: ${error.code ?? 'unknown'}` })
  })
  server.listen(port, '127.0.0.1', resolve)
  await listening.catch((error: NodeJS.ErrnoException) => {
    throw Object.assign(new Error(), { why: `port ${port} cannot be used: ${error.code ?? 'unknown'}` })
  })
  return {
    ended,
    async close() {
      const closed = new Promise<void>(done => server.close(() => done()))
      server.closeAllConnections()
      await closed
    },
  }
}

function refuse(response: ServerResponse, status: number): void {
  if (!response.headersSent) response.writeHead(status, { connection: 'close' })
  response.end()
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export function anyOf(...signals: (AbortSignal | null | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter(signal => signal !== null && signal !== undefined))
}
