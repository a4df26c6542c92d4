import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import { fieldsOf } from './validate.ts'
import type { World } from './world.ts'

// "Using Gateway" and "Opcodes and Status Codes" of Discord's documentation.
const OP = { dispatch: 0, heartbeat: 1, identify: 2, resume: 6, reconnect: 7, invalid: 9, hello: 10, ack: 11 } as const
const IDENTIFIES_A_DAY = 1000
const IDENTIFY_EVERY_MS = 5000
const MOST_FRAME_BYTES = 4096
const MOST_FRAMES = { count: 120, perMs: 60_000 }
/** GUILD_MEMBERS, GUILD_PRESENCES, MESSAGE_CONTENT. */
const PRIVILEGED = (1 << 1) | (1 << 8) | (1 << 15)
const ALL_INTENTS = (1 << 26) - 1
const SESSION_MS = 120_000
const MOST_EVENTS = 1000

interface Session {
  readonly id: string
  readonly token: string
  readonly intents: number
  readonly events: { readonly s: number; readonly t: string; readonly d: unknown }[]
  sequence: number
  socket: WebSocket | null
  leftMs: number
}

export interface FakeGateway {
  accept(socket: WebSocket, request: IncomingMessage): void
  /** To every session; kept for the ones that are away. */
  dispatch(event: string, data: unknown): void
  /** Tells all that are connected to come back. */
  reconnect(): void
  /** Forgets all sessions, and tells the ones that are connected. */
  invalidate(): void
  /** Ends every connection with a code; 0: without a word, as when the network fails. */
  end(code: number): void
  /** Sends a frame as it is, also one that Discord would not send. */
  raw(text: string): void
  /** IDENTIFY and RESUME so far. */
  readonly count: { identify: number; resume: number; connect: number }
  /** With what connections ended, oldest first: 1006 for one that was cut. */
  readonly codes: number[]
  sessionStart(): object
  /** Settings that a test may change. */
  readonly how: {
    heartbeatMs: number
    /** Heartbeats are not answered: a connection that only seems to stand. */
    isDeaf: boolean
    /** Connections stand, and HELLO never comes. */
    isMute: boolean
    /** Whoever asks for a connection is not answered at all. */
    isUnanswered: boolean
    /** What is left of 1000 a day. */
    remaining: number
    /** Every connection is closed with this code as soon as it is ready; 0: none is. */
    closesWith: number
  }
}

export function openGateway(world: World, url: () => string): FakeGateway {
  const sessions = new Map<string, Session>()
  const sockets = new Set<WebSocket>()
  const codes: number[] = []
  const count = { identify: 0, resume: 0, connect: 0 }
  const how = {
    heartbeatMs: 41_250,
    isDeaf: false,
    isMute: false,
    isUnanswered: false,
    remaining: IDENTIFIES_A_DAY,
    closesWith: 0,
  }
  let identifiedMs = Number.NEGATIVE_INFINITY

  const tell = (socket: WebSocket, op: number, d: unknown = null, s: number | null = null, t: string | null = null) =>
    socket.send(JSON.stringify({ op, d, s, t }))

  function dispatchTo(session: Session, t: string, d: unknown): void {
    session.sequence += 1
    const event = { s: session.sequence, t, d }
    session.events.push(event)
    if (session.events.length > MOST_EVENTS) session.events.shift()
    if (session.socket !== null) tell(session.socket, OP.dispatch, d, event.s, t)
  }

  function accept(socket: WebSocket, request: IncomingMessage): void {
    const { searchParams: query } = new URL(request.url ?? '/', 'http://discord')
    sockets.add(socket)
    let session: Session | null = null
    let beatMs = performance.now()
    let frames: number[] = []
    const watch = setInterval(() => {
      if (performance.now() - beatMs < how.heartbeatMs * 1.5 + 200) return
      world.breaches.push('no heartbeat in time')
      socket.close(4009, 'Session timed out.')
    }, 50)
    socket.on('error', () => {})
    socket.on('close', code => {
      codes.push(code)
      clearInterval(watch)
      sockets.delete(socket)
      if (session === null || session.socket !== socket) return
      session.socket = null
      session.leftMs = performance.now()
      // Told that it goes, Discord forgets the session.
      if (code === 1000 || code === 1001) sessions.delete(session.id)
    })
    if (query.get('v') !== '10') socket.close(4012, 'Invalid API version.')
    else if (query.get('encoding') !== 'json') socket.close(4002, 'Error while decoding payload.')
    if (how.isMute || socket.readyState !== socket.OPEN) return
    tell(socket, OP.hello, { heartbeat_interval: how.heartbeatMs })

    socket.on('message', raw => {
      const text = String(raw)
      const now = performance.now()
      frames = [...frames.filter(atMs => now - atMs < MOST_FRAMES.perMs), now]
      if (frames.length > MOST_FRAMES.count) return socket.close(4008, 'You are being rate limited.')
      const payload = Buffer.byteLength(text) > MOST_FRAME_BYTES ? null : parse(text)
      if (payload === null) return socket.close(4002, 'Error while decoding payload.')
      const { op, d } = fieldsOf(payload)
      if (op === OP.heartbeat) {
        beatMs = now
        if (!how.isDeaf) tell(socket, OP.ack)
      } else if (op === OP.identify || op === OP.resume) {
        if (session !== null) return socket.close(4005, 'Already authenticated.')
        session = op === OP.identify ? identify(socket, fieldsOf(d)) : resume(socket, fieldsOf(d))
        if (how.closesWith !== 0) socket.close(how.closesWith)
      } else if (session === null) socket.close(4003, 'Not authenticated.')
      else if (op !== 3 && op !== 4 && op !== 8) socket.close(4001, 'Unknown opcode.')
    })
  }

  function identify(
    socket: WebSocket,
    { token, intents, properties, shard }: Readonly<Record<string, unknown>>,
  ): Session | null {
    count.identify += 1
    how.remaining -= 1
    const no = (code: number, reason: string) => {
      socket.close(code, reason)
      return null
    }
    if (how.remaining < 0) {
      // It costs the bot its token.
      world.breaches.push('more than 1000 IDENTIFY in a day')
      world.isRevoked = true
    }
    const { os, browser, device } = fieldsOf(properties)
    if (![os, browser, device].every(part => typeof part === 'string')) return no(4002, 'Error while decoding payload.')
    if (world.isRevoked || token !== world.token) return no(4004, 'Authentication failed.')
    if (shard !== undefined && String(shard) !== '0,1') return no(4010, 'Invalid shard.')
    if (typeof intents !== 'number' || (intents & ~ALL_INTENTS) !== 0) return no(4013, 'Invalid intent(s).')
    if ((intents & PRIVILEGED & ~world.privileged) !== 0) return no(4014, 'Disallowed intent(s).')
    if (performance.now() - identifiedMs < IDENTIFY_EVERY_MS) {
      world.breaches.push('more than one IDENTIFY in 5 s')
      tell(socket, OP.invalid, false)
      return null
    }
    identifiedMs = performance.now()
    const session: Session = {
      ...{
        id: crypto.randomUUID().replaceAll('-', ''),
        token: world.token,
        intents,
        events: [],
        sequence: 0,
        socket,
        leftMs: 0,
      },
    }
    sessions.set(session.id, session)
    dispatchTo(session, 'READY', {
      ...{ v: 10, user: { id: world.bot, username: 'heald', bot: true }, session_id: session.id },
      ...{ resume_gateway_url: url(), guilds: [{ id: world.guild, unavailable: true }], shard: [0, 1] },
      application: { id: world.application, flags: 0 },
    })
    if ((intents & 1) !== 0) {
      const channels = [...world.channels.values()].map(({ id }) => ({ id, type: 0, name: 'ops' }))
      dispatchTo(session, 'GUILD_CREATE', {
        id: world.guild,
        name: 'ops',
        unavailable: false,
        channels,
        members: [],
        roles: [],
      })
    }
    return session
  }

  function resume(
    socket: WebSocket,
    { token, session_id: id, seq }: Readonly<Record<string, unknown>>,
  ): Session | null {
    count.resume += 1
    if (world.isRevoked || token !== world.token) {
      socket.close(4004, 'Authentication failed.')
      return null
    }
    const session = sessions.get(String(id))
    const isGone = session === undefined || (session.socket === null && performance.now() - session.leftMs > SESSION_MS)
    if (isGone || session.token !== token) {
      tell(socket, OP.invalid, false)
      return null
    }
    if (typeof seq !== 'number' || seq > session.sequence) {
      socket.close(4007, 'Invalid seq.')
      return null
    }
    session.socket?.close(4000, 'Resumed elsewhere.')
    session.socket = socket
    for (const { s, t, d } of session.events.filter(event => event.s > seq)) tell(socket, OP.dispatch, d, s, t)
    dispatchTo(session, 'RESUMED', null)
    return session
  }

  return {
    accept,
    codes,
    count,
    how,
    dispatch(event, data) {
      for (const session of sessions.values()) dispatchTo(session, event, data)
    },
    reconnect() {
      for (const socket of sockets) tell(socket, OP.reconnect)
    },
    invalidate() {
      sessions.clear()
      for (const socket of sockets) tell(socket, OP.invalid, false)
    },
    end(code) {
      for (const socket of sockets) code === 0 ? socket.terminate() : socket.close(code)
    },
    raw(text) {
      for (const socket of sockets) socket.send(text)
    },
    sessionStart: () => ({
      total: IDENTIFIES_A_DAY,
      remaining: Math.max(0, how.remaining),
      reset_after: 86_400_000,
      max_concurrency: 1,
    }),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
