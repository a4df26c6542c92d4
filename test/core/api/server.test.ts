import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { request, stream } from '../../../core/api/client.ts'
import type { Status } from '../../../core/api/control.ts'
import { ROUTES } from '../../../core/api/routes.ts'
import { serve } from '../../../core/api/server.ts'
import { SILENCE, stand, temporaryFolder } from './stand.ts'

const LIMITS = { timeoutMs: 10_000 }

/** Sends raw bytes and answers with all that comes back until the server closes. */
async function raw(socket: string, bytes: string): Promise<string> {
  const connection = connect(socket)
  connection.setEncoding('utf8')
  connection.write(bytes)
  return everything(connection)
}

async function everything(connection: Socket): Promise<string> {
  let text = ''
  connection.on('data', chunk => {
    text += chunk
  })
  connection.on('error', () => {})
  await once(connection, 'close')
  return text
}

test('every route answers', async t => {
  const { socket, asked } = await stand(t)
  const ask = (method: 'GET' | 'POST', path: string, body?: object) => request(socket, method, path, body, LIMITS)
  assert.equal(((await ask('GET', '/v1/status')) as Status).host, 'web-1')
  const [incident] = (await ask('GET', '/v1/incidents')) as { id: string }[]
  assert.equal(incident?.id, 'agent-41')
  assert.deepEqual(await ask('GET', '/v1/incidents/agent-41'), incident)
  assert.deepEqual(await ask('POST', '/v1/services/agent/restart', { claim: 'alice' }), {
    state: 'ready',
    pid: 78,
    tookMs: 12.5,
  })
  assert.deepEqual(await ask('POST', '/v1/services/agent/stop', {}), { state: 'stopped', pid: null, tookMs: 12.5 })
  await ask('POST', '/v1/services/agent/start', { claim: 'not a name\n' })
  assert.equal(((await ask('POST', '/v1/incidents/agent-41/ack', {})) as { state: string }).state, 'acked')
  assert.equal(((await ask('POST', '/v1/incidents/agent-41/resolve')) as { state: string }).state, 'resolved')
  assert.deepEqual(((await ask('POST', '/v1/reload', { dryRun: true })) as { pending: string[] }).pending, ['agent'])
  assert.deepEqual(await ask('GET', '/v1/silences'), [SILENCE])
  assert.deepEqual(await ask('POST', '/v1/services/agent*/silence', { for: '2h', why: 'new disk' }), SILENCE)
  await assert.rejects(ask('POST', '/v1/services/agent/silence', { why: 'new disk' }), { code: 'request.body' })
  assert.deepEqual(await ask('POST', '/v1/silences/silence-1/end', { claim: 'alice' }), SILENCE)
  assert.deepEqual(await ask('POST', '/v1/down', {}), { stopped: ['agent'] })
  assert.deepEqual(asked, [
    'restart agent local:admin/alice',
    'stop agent local:admin',
    'start agent local:admin',
    'ack agent-41 local:admin',
    'resolve agent-41 local:admin',
    'reload true false',
    'silence {"service":"agent*","for":"2h","why":"new disk"} local:admin',
    'unsilence silence-1 local:admin/alice',
    'down local:admin',
  ])
})

test('wrong requests get a code that says whose mistake it is', async t => {
  const { socket, asked, degrade } = await stand(t)
  const cases: ['GET' | 'POST', string, object | undefined, string][] = [
    ['GET', '/v1/nothing', undefined, 'request.path'],
    ['GET', '/', undefined, 'request.path'],
    ['GET', '/v1/incidents/', undefined, 'request.path'],
    ['GET', '/v1/incidents/%zz', undefined, 'request.path'],
    ['GET', '/v1/services/agent/start', undefined, 'request.method'],
    ['POST', '/v1/status', {}, 'request.method'],
    ['POST', '/v1/services/agnt/start', {}, 'service.unknown'],
    ['GET', '/v1/incidents/nope-1', undefined, 'incident.unknown'],
    ['POST', '/v1/incidents/nope-1/ack', {}, 'incident.unknown'],
    ['POST', '/v1/reload', { dryRun: 'yes' }, 'request.body'],
    ['POST', '/v1/reload', { dry: true }, 'request.body'],
    ['POST', '/v1/reload', [], 'request.body'],
    ['GET', '/v1/ledger/follow?from=-1', undefined, 'request.query'],
  ]
  for (const [method, path, body, code] of cases)
    await assert.rejects(request(socket, method, path, body, LIMITS), { code }, `${method} ${path}`)
  assert.deepEqual(asked, [])
  degrade('the disk is full')
  await assert.rejects(request(socket, 'POST', '/v1/services/agent/start', {}, LIMITS), {
    code: 'ledger.degraded',
    hint: 'free some space',
    retry: 1000,
  })
})

test('the status of HTTP fits, for clients that are not ours', async t => {
  const { socket } = await stand(t)
  const statusOf = async (head: string) => (await raw(socket, `${head} HTTP/1.1\r\nhost: x\r\n\r\n`)).split(' ')[1]
  assert.equal(await statusOf('GET /v1/status'), '200')
  assert.equal(await statusOf('GET /v1/x'), '404')
  assert.equal(await statusOf('DELETE /v1/status'), '405')
  assert.equal(await statusOf('GET //v1/status'), '404')
  assert.equal((await raw(socket, 'no http at all\r\n\r\n')).split(' ')[1], '400')
  const body = await raw(socket, 'POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n{"a"')
  assert.match(body, /^HTTP\/1.1 400 [\s\S]*"request.body"/)
})

test('a body that is too long is refused without being read, announced or not', async t => {
  const { socket } = await stand(t)
  const announced = await raw(socket, 'POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n')
  assert.match(announced, /^HTTP\/1.1 413 [\s\S]*"request.large"/)
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
  const creeping = await raw(
    socket,
    `POST /v1/reload HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk}1\r\n \r\n`,
  )
  assert.match(creeping, /^HTTP\/1.1 413 /)
  await request(socket, 'GET', '/v1/status', undefined, LIMITS)
})

test('clients that hang are dropped, and others are served meanwhile', async t => {
  const { socket } = await stand(t, { limits: { requestMs: 300 } })
  const silent = raw(socket, '')
  const half = raw(socket, 'POST /v1/reload HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"')
  await request(socket, 'GET', '/v1/status', undefined, LIMITS)
  assert.match(await silent, /^(HTTP\/1.1 408 |$)/)
  assert.match(await half, /^(HTTP\/1.1 408 |$)/)
})

test('connections beyond the limit are turned away', async t => {
  const { socket } = await stand(t, { limits: { connections: 2 } })
  const held = [connect(socket), connect(socket)]
  t.after(() => {
    for (const one of held) one.destroy()
  })
  await Promise.all(held.map(one => once(one, 'connect')))
  await assert.rejects(request(socket, 'GET', '/v1/status', undefined, LIMITS), { code: 'daemon.unreachable' })
})

test('a stream sends each line as it comes and ends its source when the reader leaves', async t => {
  const sourceEnded = Promise.withResolvers<void>()
  const { socket } = await stand(t, {
    follow: async function* (from, signal) {
      try {
        for (let seq = from; seq < from + 3; seq++) yield `{"seq":${seq}}`
        await once(signal, 'abort')
      } finally {
        sourceEnded.resolve()
      }
    },
  })
  const leave = new AbortController()
  const seen: string[] = []
  for await (const line of stream(socket, '/v1/ledger/follow?from=5', leave.signal)) {
    seen.push(line)
    if (seen.length === 3) leave.abort()
  }
  assert.deepEqual(seen, ['{"seq":5}', '{"seq":6}', '{"seq":7}'])
  await sourceEnded.promise
})

test('a reader that takes nothing holds nothing up, and is disconnected', async t => {
  let sent = 0
  const line = 'x'.repeat(1000)
  const sourceEnded = Promise.withResolvers<void>()
  const { socket } = await stand(t, {
    limits: { stalledMs: 300 },
    follow: async function* () {
      try {
        for (;;) {
          sent += line.length
          yield line
          await new Promise(setImmediate)
        }
      } finally {
        sourceEnded.resolve()
      }
    },
  })
  const slow = connect(socket)
  t.after(() => slow.destroy())
  slow.on('error', () => {})
  slow.pause()
  slow.write('GET /v1/ledger/follow HTTP/1.1\r\nhost: x\r\n\r\n')
  await request(socket, 'GET', '/v1/status', undefined, LIMITS)
  await sourceEnded.promise
  assert.ok(sent < 4_000_000, `${sent} bytes were taken from the source for a reader that takes nothing`)
  slow.resume()
  await once(slow, 'close')
})

test('the socket is for its user alone, and a second server on it refuses to start', async t => {
  const { socket, server } = await stand(t)
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  const control = { status: () => ({}) } as never
  const follow = async function* () {}
  await assert.rejects(serve({ socket, routes: ROUTES, control, follow }), { code: 'socket.busy' })
  await request(socket, 'GET', '/v1/status', undefined, LIMITS)
  await server.close(1000)
  await server.close(1000)
  assert.equal(existsSync(socket), false)
  await assert.rejects(request(socket, 'GET', '/v1/status', undefined, LIMITS), { code: 'daemon.unreachable' })
})

test('a socket file left by a dead daemon is replaced; another file in its place is not', async t => {
  const folder = temporaryFolder(t)
  const socket = join(folder, 'heald.sock')
  const follow = async function* () {}
  const control = { status: () => ({ fresh: true }) } as never
  writeFileSync(socket, 'precious')
  await assert.rejects(serve({ socket, routes: ROUTES, control, follow }), { code: 'socket.listen' })
  assert.equal(statSync(socket).size, 8)

  const dead = join(folder, 'dead.sock')
  await leaveSocketFile(dead)
  assert.ok(existsSync(dead))
  const server = await serve({ socket: dead, routes: ROUTES, control, follow })
  assert.deepEqual(await request(dead, 'GET', '/v1/status', undefined, LIMITS), { fresh: true })
  await server.close(100)
})

test('a path too long for a unix socket is refused in words on both sides', async t => {
  const socket = join(temporaryFolder(t), 'x'.repeat(120))
  const follow = async function* () {}
  await assert.rejects(serve({ socket, routes: ROUTES, control: {} as never, follow }), { code: 'socket.path' })
  await assert.rejects(request(socket, 'GET', '/v1/status', undefined, LIMITS), { code: 'socket.path' })
})

test('closing lets a running order finish, ends streams, and takes nothing new', async t => {
  const acting = Promise.withResolvers<void>()
  const following = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const { socket, server } = await stand(t, {
    onAct: () => {
      acting.resolve()
      return finish.promise
    },
    follow: async function* (_from, signal) {
      yield '{}'
      following.resolve()
      await once(signal, 'abort')
    },
  })
  const order = request(socket, 'POST', '/v1/services/agent/restart', {}, LIMITS)
  const lines = collected(stream(socket, '/v1/ledger/follow', new AbortController().signal))
  await Promise.all([acting.promise, following.promise])
  const closed = server.close(10_000)
  assert.deepEqual(await lines, ['{}'])
  finish.resolve()
  assert.deepEqual(await order, { state: 'ready', pid: 78, tookMs: 12.5 })
  await closed
})

test('a daemon that never answers is a timeout, not a hang', async t => {
  const socket = join(temporaryFolder(t), 'mute.sock')
  const mute = createServer(() => {})
  await new Promise<void>(resolve => mute.listen(socket, resolve))
  t.after(() => mute.close())
  await assert.rejects(request(socket, 'GET', '/v1/status', undefined, { timeoutMs: 50 }), { code: 'daemon.timeout' })
})

async function collected(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

/** A socket file that nobody listens on, as kill -9 leaves it: linked again before the server removes its own name. */
async function leaveSocketFile(path: string): Promise<void> {
  const { linkSync } = await import('node:fs')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(`${path}.first`, resolve))
  linkSync(`${path}.first`, path)
  await new Promise<void>(resolve => server.close(() => resolve()))
}
