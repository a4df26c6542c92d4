import { fieldOf } from './slack-fault.ts'
import { type App, type Bolt, type End, type Line, quietLogger, readJson, type WebOptions } from './slack-words.ts'

type Receiver = InstanceType<Bolt['SocketModeReceiver']>

const CONNECT_MS = 15_000
const CLOSE_MS = 1000
const MOST_MESSAGE_BYTES = 1024 * 1024

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

export function anyOf(...signals: (AbortSignal | null | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter(signal => signal !== null && signal !== undefined))
}
