import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { runCheck } from '../../../../core/heal/probe/run.ts'
import { judgeSocketError } from '../../../../core/heal/probe/tcp.ts'

const { signal } = new AbortController()
const ask = (host: string, port: number, timeoutMs = 20_000) => runCheck({ kind: 'tcp', host, port }, timeoutMs, signal)

test('a port that takes connections passes, by address and by name; the connection is closed', async t => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  for (const host of ['127.0.0.1', 'localhost']) {
    const taken = once(server, 'connection')
    const verdict = await ask(host, port)
    assert.deepEqual([verdict.verdict, verdict.error], ['pass', null], host)
    const [socket] = await taken
    socket.resume()
    await once(socket, 'close')
  }
})

test('a closed port fails', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const verdict = await ask('127.0.0.1', port)
  assert.deepEqual([verdict.verdict, verdict.error], ['fail', `127.0.0.1:${port} refused the connection`])
})

test('a full queue of connections is silence: fails at the deadline', async t => {
  // Nobody accepts and the queue holds one: the kernel drops further attempts, which look like a hung host.
  const program =
    'import socket,time\ns=socket.socket();s.bind(("127.0.0.1",0));s.listen(0)\n' +
    'c=socket.socket();c.connect(s.getsockname())\nprint(s.getsockname()[1],flush=True)\ntime.sleep(600)'
  const child = spawn('python3', ['-c', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const failed = once(child, 'error').then(() => null)
  const first = (await Promise.race([once(child.stdout, 'data'), failed])) as [Buffer] | null
  if (first === null) return t.skip('needs python3')
  const port = Number(first[0].toString())
  const verdict = await ask('127.0.0.1', port, 150)
  assert.deepEqual(
    [verdict.verdict, verdict.error],
    ['fail', `127.0.0.1:${port} did not take a connection within 150 ms`],
  )
})

test('names and ports that lead nowhere are inconclusive', async () => {
  assert.equal((await ask('no-such-host.invalid', 1)).verdict, 'inconclusive')
  assert.equal((await ask('127.0.0.1', 99_999)).verdict, 'inconclusive')
})

test('out of descriptors, memory or ports blames this host; one refusing address outweighs one that is not there', () => {
  const coded = (code: string) => Object.assign(new Error(code), { code })
  for (const code of [
    'EMFILE',
    'ENFILE',
    'ENOMEM',
    'ENOBUFS',
    'EADDRNOTAVAIL',
    'ENETDOWN',
    'ENETUNREACH',
    'EAI_AGAIN',
    'ENOTFOUND',
  ])
    assert.equal(judgeSocketError(coded(code)).verdict, 'inconclusive', code)
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE'])
    assert.equal(judgeSocketError(coded(code)).verdict, 'fail', code)
  const both = new AggregateError([coded('EADDRNOTAVAIL'), coded('ECONNREFUSED')])
  assert.deepEqual(judgeSocketError(both), { verdict: 'fail', why: 'refused the connection' })
  assert.equal(judgeSocketError(new AggregateError([coded('ENETUNREACH')])).verdict, 'inconclusive')
})
