import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { runCheck } from '../../../../core/heal/probe/run.ts'
import type { Check } from '../../../../core/heal/probe/verdict.ts'

type HttpCheck = Extract<Check, { kind: 'http' }>

/** Long where an answer is expected, short where the deadline itself is tested. */
const LONG_MS = 20_000
const SHORT_MS = 150

async function listening(t: TestContext, server: Server | TcpServer): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
const serve = (t: TestContext, answer: RequestListener) => listening(t, createServer(answer))

function ask(host: string, more: Partial<HttpCheck> = {}, timeoutMs = LONG_MS, signal = new AbortController().signal) {
  return runCheck({ kind: 'http', url: `http://${host}/healthz`, ...more }, timeoutMs, signal)
}

test('200 passes; the connection is closed and not used again', async t => {
  const seen: (string | undefined)[] = []
  let connections = 0
  const server = createServer((asked, answer) => {
    seen.push(asked.headers.connection)
    answer.end('ok')
  })
  server.on('connection', () => {
    connections += 1
  })
  const host = await listening(t, server)
  for (const _ of [1, 2]) {
    const verdict = await ask(host)
    assert.deepEqual([verdict.verdict, verdict.error], ['pass', null])
    assert(verdict.tookMs > 0 && verdict.tookMs < LONG_MS)
  }
  assert.deepEqual(seen, ['close', 'close'])
  assert.equal(connections, 2)
})

test('any 2xx and 3xx pass, redirects are not followed, everything else fails', async t => {
  const asked: string[] = []
  const host = await serve(t, (request, answer) => {
    asked.push(request.url ?? '')
    answer.writeHead(Number(request.url?.slice(1)), { location: '/500' }).end()
  })
  for (const status of [200, 204, 302, 399]) {
    assert.equal((await ask(host, { url: `http://${host}/${status}` })).verdict, 'pass', String(status))
  }
  for (const status of [400, 404, 500, 503]) {
    const { verdict, error } = await ask(host, { url: `http://${host}/${status}` })
    assert.deepEqual([verdict, error], ['fail', `${host} answered with status ${status}`])
  }
  assert(!asked.slice(0, 4).includes('/500'))
})

test('a named status is the only one that passes', async t => {
  const host = await serve(t, (_, answer) => answer.writeHead(401).end())
  assert.equal((await ask(host, { status: 401 })).verdict, 'pass')
  const { verdict, error } = await ask(host, { status: 200 })
  assert.deepEqual([verdict, error], ['fail', `${host} answered with status 401, not 200`])
})

test('the wanted text is found across chunks, and missed when it is not there', async t => {
  const host = await serve(t, (_, answer) => {
    answer.write('all sys')
    setImmediate(() => answer.end('tems go'))
  })
  assert.equal((await ask(host, { contains: 'systems' })).verdict, 'pass')
  const { verdict, error } = await ask(host, { contains: 'nonsense' })
  assert.deepEqual([verdict, error], ['fail', `${host} answered with status 200, but without "nonsense"`])
})

test('of a huge body no more than 64 KiB is read', async t => {
  let closed: Promise<unknown> = Promise.resolve()
  const host = await serve(t, (asked, answer) => {
    closed = new Promise(resolve => asked.socket.once('close', resolve))
    const pour = (): void => {
      while (!answer.destroyed && answer.write(Buffer.alloc(16_384, 'x')));
      answer.once('drain', pour)
    }
    pour()
  })
  assert.equal((await ask(host)).verdict, 'pass')
  await closed
  assert.equal((await ask(host, { contains: 'needle' })).verdict, 'fail')
  await closed
})

test('text after the first 64 KiB is not found', async t => {
  const host = await serve(t, (_, answer) => answer.end(`${'x'.repeat(70_000)}needle`))
  assert.equal((await ask(host, { contains: 'needle' })).verdict, 'fail')
})

test('taking the connection and then hanging fails at the deadline', async t => {
  const host = await listening(
    t,
    createTcpServer(() => {}),
  )
  const { verdict, error, tookMs } = await ask(host, {}, SHORT_MS)
  assert.deepEqual([verdict, error], ['fail', `${host} took the connection but did not answer within ${SHORT_MS} ms`])
  assert(tookMs >= SHORT_MS - 2)
})

test('the deadline covers the body too: a slow drip fails', async t => {
  const host = await serve(t, (_, answer) => {
    const drip = setInterval(() => answer.write('.'), 20)
    answer.once('close', () => clearInterval(drip))
  })
  const { verdict, error } = await ask(host, {}, SHORT_MS)
  assert.deepEqual([verdict, error], ['fail', `${host} began its answer but did not finish it within ${SHORT_MS} ms`])
})

test('refused, reset before and during the answer, and not HTTP: all fail', async t => {
  const gone = createTcpServer()
  gone.listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const goneHost = `127.0.0.1:${(gone.address() as AddressInfo).port}`
  await new Promise(resolve => gone.close(resolve))
  const refused = await ask(goneHost)
  assert.deepEqual([refused.verdict, refused.error], ['fail', `${goneHost} refused the connection`])

  const resets = await listening(
    t,
    createTcpServer(socket => void socket.once('data', () => socket.resetAndDestroy())),
  )
  const reset = await ask(resets)
  assert.deepEqual([reset.verdict, reset.error], ['fail', `${resets} closed the connection before it had answered`])

  const breaks = await listening(
    t,
    createTcpServer(
      socket => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab')),
    ),
  )
  const broken = await ask(breaks)
  assert.deepEqual([broken.verdict, broken.error], ['fail', `${breaks} broke its answer off`])

  const talks = await listening(
    t,
    createTcpServer(socket => void socket.once('data', () => socket.end('SSH-2.0-x\r\n'))),
  )
  const other = await ask(talks)
  assert.deepEqual([other.verdict, other.error], ['fail', `${talks} sent something that is not HTTP`])
})

test('what blames this host is inconclusive: no such name, no network, no valid address', async () => {
  const nameless = await ask('', { url: 'http://no-such-host.invalid:1/' })
  assert.equal(nameless.verdict, 'inconclusive')
  assert.match(nameless.error ?? '', /^no-such-host\.invalid:1 could not be asked \((ENOTFOUND|EAI_AGAIN)\)$/)
  assert.equal((await ask('', { url: 'http://127.0.0.1:99999/' })).verdict, 'inconclusive')
  assert.equal((await ask('', { url: 'nonsense' })).verdict, 'inconclusive')
})

test('called off: inconclusive at once, and the connection is gone', async t => {
  const connected = Promise.withResolvers<Socket>()
  const host = await listening(
    t,
    createTcpServer(socket => connected.resolve(socket)),
  )
  const stop = new AbortController()
  const asked = ask(host, {}, LONG_MS, stop.signal)
  const socket = await connected.promise
  const closed = once(socket, 'close')
  socket.resume()
  stop.abort()
  assert.equal((await asked).verdict, 'inconclusive')
  await closed
  assert.equal((await ask(host, {}, LONG_MS, AbortSignal.abort())).verdict, 'inconclusive')
})

test('an answer that arrived in time is read, though this process was stalled past the deadline', async t => {
  const program = `require('node:http').createServer((asked, answer) => {
    process.stdout.write('asked\\n')
    setTimeout(() => answer.end('ok'), 50)
  }).listen(0, '127.0.0.1', function () { process.stdout.write(this.address().port + '\\n') })`
  const server = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => server.kill('SIGKILL'))
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  const asked = ask(`127.0.0.1:${line.toString().trim()}`, {}, 1000)
  await once(server.stdout, 'data')
  // Nobody looks until long after the deadline; the answer comes in the meantime.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1300)
  assert.equal((await asked).verdict, 'pass')
})
