import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listen, say } from '../../../adapters/chat/whatsapp-stream.ts'
import { until } from '../../until.ts'
import { temporary } from '../host/nix-stand.ts'

/** Both ends of a stream. */
async function ends(t: TestContext): Promise<[Socket, Socket]> {
  const path = join(temporary(t), 'socket')
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>(resolve => server.listen(path, resolve))
  const far = new Promise<Socket>(resolve => server.once('connection', resolve))
  const near = connect(path)
  t.after(() => near.destroy())
  return [near, await far]
}

test('what is said is heard, line by line, however it is cut', async t => {
  const [near, far] = await ends(t)
  const heard: unknown[] = []
  listen(far, value => heard.push(value))
  say(near, { report: 'qr', text: 'zwei\nZeilen ü' })
  const rest = Buffer.from('{"report":"state","state":"ü"}\nno json\n')
  for (const byte of rest) near.write(Buffer.from([byte]))
  await until('it is heard', () => heard.length === 3)
  assert.deepEqual(heard, [{ report: 'qr', text: 'zwei\nZeilen ü' }, { report: 'state', state: 'ü' }, null])
})

test('who sends a line without end is hung up on', async t => {
  const [near, far] = await ends(t)
  const heard: unknown[] = []
  listen(far, value => heard.push(value))
  near.on('error', () => {})
  for (let sent = 0; sent < 40; sent += 1) near.write('x'.repeat(65_536))
  await until('it is hung up', () => near.closed)
  assert.deepEqual(heard, [])
})

test('who reads nothing is hung up on', async t => {
  const [near] = await ends(t)
  near.on('error', () => {})
  for (let said = 0; said < 100 && !near.destroyed; said += 1) say(near, { report: 'qr', text: 'x'.repeat(100_000) })
  assert.ok(near.destroyed)
  // And nothing more is said, nor thrown.
  say(near, { report: 'ready' })
})
