import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'

// Socket Mode (https://docs.slack.dev/apis/events-api/using-socket-mode): an address is good for one connection; each
// envelope goes to a random one of the open connections, and again after 3 s until it is acknowledged by its id.

export interface SocketMode {
  /** The path of a new connection, good once within 30 s. */
  newPath(): string
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Delivers one envelope; `times`: that often, though it was acknowledged. */
  send(type: 'slash_commands' | 'interactive', payload: object, times?: number): void
  /** The newest envelope comes once more, and what is in it in another envelope. */
  again(): void
  /** Slack tells all connections to go, and closes them after `graceMs`. */
  disconnect(reason: 'warning' | 'refresh_requested' | 'link_disabled', graceMs?: number): void
  /** Ends all connections without a word. */
  cut(): void
  /** Reads no more from the connections that stand, so nothing is answered, not even their end. */
  deafen(): void
  /** Raw, to all connections. */
  sendRaw(text: string): void
  /** `refuse`: answers 503; `mute`: takes the connection and never greets; `drop`: ends it before it greets. */
  behave(how: 'greet' | 'refuse' | 'mute' | 'drop'): void
  /** The next `count` acknowledgements get lost on their way. */
  loseAcks(count: number): void
  open(): number
  /** Connections so far, also refused ones. */
  tried(): number
  /** How often each envelope was sent, by id, and whether it was acknowledged. */
  readonly envelopes: ReadonlyMap<string, Envelope>
  close(): void
}

export interface Envelope {
  sent: number
  isAcknowledged: boolean
  readonly bornMs: number
  /** How long after the first delivery the acknowledgement came; null: it has not. */
  acknowledgedMs: number | null
}

const TICKET_MS = 30_000
const ACK_MS = 3000
const MOST_DELIVERIES = 4
const MOST_CONNECTIONS = 10

export function createSocketMode(appId: string, breaches: string[], ackMs = ACK_MS): SocketMode {
  const server = new WebSocketServer({ noServer: true })
  const tickets = new Map<string, number>()
  const connections = new Set<WebSocket>()
  const muted = new Set<WebSocket>()
  const timers = new Set<NodeJS.Timeout>()
  const envelopes = new Map<string, Envelope>()
  let behaviour: Parameters<SocketMode['behave']>[0] = 'greet'
  let tried = 0
  let lost = 0
  let newest: { id: string; message: object } | null = null

  function after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      run()
    }, ms)
    timers.add(timer)
  }

  function greet(socket: WebSocket): void {
    socket.on('error', () => {})
    if (behaviour !== 'greet') {
      muted.add(socket)
      if (behaviour === 'drop') socket.terminate()
      return
    }
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('message', acknowledge)
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: connections.size,
        debug_info: { host: 'applink-fake', build_number: 1, approximate_connection_time: 18060 },
        connection_info: { app_id: appId },
      }),
    )
  }

  function acknowledge(data: RawData): void {
    const text = data.toString()
    let id: unknown
    try {
      id = JSON.parse(text).envelope_id
    } catch {
      breaches.push('socket: what came is no JSON')
      return
    }
    const envelope = typeof id === 'string' ? envelopes.get(id) : undefined
    if (envelope === undefined) breaches.push('socket: acknowledged an envelope that there is none of')
    else if (lost > 0) lost -= 1
    else {
      envelope.isAcknowledged = true
      envelope.acknowledgedMs ??= performance.now() - envelope.bornMs
    }
  }

  function deliver(id: string, message: object, deliveries: number): void {
    const envelope = envelopes.get(id)
    if (envelope === undefined) return
    const open = [...connections]
    const socket = open[Math.floor(Math.random() * open.length)]
    if (socket !== undefined) {
      const again = envelope.sent === 0 ? {} : { retry_attempt: envelope.sent, retry_reason: 'timeout' }
      envelope.sent += 1
      socket.send(JSON.stringify({ envelope_id: id, ...message, ...again }))
    }
    after(deliveries > 1 ? 20 : ackMs, () => {
      if (deliveries > 1) deliver(id, message, deliveries - 1)
      else if (!envelope.isAcknowledged && envelope.sent < MOST_DELIVERIES) deliver(id, message, 1)
    })
  }

  function put(message: object, times: number): void {
    const id = randomUUID()
    newest = { id, message }
    envelopes.set(id, { sent: 0, isAcknowledged: false, bornMs: performance.now(), acknowledgedMs: null })
    deliver(id, message, times)
  }

  return {
    envelopes,
    newPath() {
      const ticket = randomUUID()
      tickets.set(ticket, Date.now())
      return `/link/?ticket=${ticket}&app_id=${appId}`
    },
    upgrade(request, socket, head) {
      tried += 1
      const ticket = new URL(request.url ?? '/', 'http://fake').searchParams.get('ticket') ?? ''
      const bornMs = tickets.get(ticket)
      tickets.delete(ticket)
      const isGood = bornMs !== undefined && Date.now() - bornMs < TICKET_MS && connections.size < MOST_CONNECTIONS
      if (!isGood || behaviour === 'refuse') {
        return void socket.end(`HTTP/1.1 ${isGood ? '503 Service Unavailable' : '401 Unauthorized'}\r\n\r\n`)
      }
      server.handleUpgrade(request, socket, head, greet)
    },
    send(type, payload, times = 1) {
      put({ type, payload, accepts_response_payload: type === 'slash_commands' }, times)
    },
    again() {
      if (newest === null) return
      const { id, message } = newest
      deliver(id, message, 1)
      put(message, 1)
    },
    disconnect(reason, graceMs = 500) {
      for (const socket of connections) {
        socket.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'applink-fake' } }))
        // Nothing new goes to a connection that is about to end.
        connections.delete(socket)
        muted.add(socket)
        after(graceMs, () => socket.terminate())
      }
    },
    cut() {
      for (const socket of [...connections, ...muted]) socket.terminate()
      connections.clear()
    },
    deafen() {
      for (const socket of connections) socket.pause()
    },
    sendRaw(text) {
      for (const socket of connections) socket.send(text)
    },
    behave(how) {
      behaviour = how
    },
    loseAcks(count) {
      lost = count
    },
    open: () => connections.size,
    tried: () => tried,
    close() {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of [...connections, ...muted]) socket.terminate()
      server.close()
    },
  }
}
