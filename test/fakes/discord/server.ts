import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import { typedInto } from './commands.ts'
import { type FakeGateway, openGateway } from './gateway.ts'
import { type Doing, interact, type Person } from './interactions.ts'
import { openLimits } from './limits.ts'
import { type Desk, serve } from './rest.ts'
import { newWorld, type World } from './world.ts'

export interface FakeOptions {
  /** 0: a free one. Loopback only. */
  readonly port?: number
  readonly token?: string
}

/** A Discord of one server on loopback: its REST API and its gateway on one port. */
export interface DiscordFake {
  /** For `apiUrl`. */
  readonly apiUrl: string
  readonly world: World
  readonly desk: Desk
  readonly gateway: FakeGateway
  /** How long every answer of the REST API takes. */
  latencyMs: number
  /** Somebody does something; answers with the interaction's id. `createdMs`: when they did, on the wall clock. */
  interact(channel: string, doing: Doing, times?: number, more?: { createdMs?: number; by?: Person }): string
  /** The newest of it is dispatched once more. */
  again(): void
  /** Somebody sends a slash command; throws where the client lets nobody send that. */
  type(channel: string, line: string, times?: number, by?: Person): string
  /** Cuts all connections that stand. */
  cut(): void
  /** All connections stand, and nothing that comes over them is read any more, not even their end. */
  freeze(): void
  close(): Promise<void>
}

export async function startDiscordFake({ port = 0, token = newToken() }: FakeOptions = {}): Promise<DiscordFake> {
  const world = newWorld(token)
  const sockets = new Set<Socket>()
  const hooks = new WebSocketServer({ noServer: true })
  const server = createServer(async (request, response) => {
    if (fake.latencyMs > 0) await new Promise(resolve => setTimeout(resolve, fake.latencyMs))
    await serve(desk, request, response).catch(error => {
      world.breaches.push(`the fake failed: ${error}`)
      response.destroy()
    })
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  server.on('upgrade', (request, socket, head) => {
    const isKnown = request.url?.startsWith('/gateway') === true
    if (isKnown) gateway.count.connect += 1
    if (!isKnown) socket.destroy()
    else if (!gateway.how.isUnanswered)
      hooks.handleUpgrade(request, socket, head, accepted => gateway.accept(accepted, request))
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const { port: taken } = server.address() as AddressInfo
  const url = () => `ws://127.0.0.1:${taken}/gateway`
  const gateway = openGateway(world, url)
  const desk: Desk = {
    ...{ world, limits: openLimits(world.breaches), trouble: null, requests: 0, log: [] },
    gateway: () => ({ url: url(), shards: 1, session_start_limit: gateway.sessionStart() }),
  }
  let newest: object = {}
  const fake: DiscordFake = {
    ...{ apiUrl: `http://127.0.0.1:${taken}/api`, world, desk, gateway, latencyMs: 0 },
    type: (channel, line, times, by) =>
      fake.interact(
        channel,
        { kind: 'command', ...typedInto(world.commands, line) },
        times,
        by === undefined ? {} : { by },
      ),
    interact(channel, doing, times = 1, more = {}) {
      const data = interact(world, channel, doing, more)
      newest = data
      for (let n = 0; n < times; n += 1) gateway.dispatch('INTERACTION_CREATE', data)
      return 'id' in data ? String(data.id) : ''
    },
    again: () => gateway.dispatch('INTERACTION_CREATE', newest),
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    freeze() {
      for (const socket of sockets) socket.pause()
    },
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      fake.cut()
      await closed
    },
  }
  return fake
}

/** In the shape of the real ones, of no use anywhere. */
function newToken(): string {
  const part = (length: number) => Array.from({ length }, () => 'abcXYZ0189_-'[Math.floor(Math.random() * 12)]).join('')
  return `fake${part(20)}.${part(6)}.${part(38)}`
}
