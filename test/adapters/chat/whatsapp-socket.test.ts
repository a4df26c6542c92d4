import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pairWhatsApp } from '../../../adapters/chat/whatsapp-pair.ts'
import { listen, say } from '../../../adapters/chat/whatsapp-stream.ts'
import type { Report } from '../../../adapters/chat/whatsapp-wire.ts'
import type { Channel } from '../../../bot/channel.ts'
import { plainMessage } from '../../conformance/messages.ts'
import { pidOf, processesOf } from '../../fakes/whatsapp/processes.ts'
import { CHATS, startWhatsAppStand, type WhatsAppStand } from '../../fakes/whatsapp/stand.ts'
import { until } from '../../until.ts'

// WhatsApp behind a socket, as systemd has it: a child for who connects, one at a time. (On a real systemd, with its users
// and its kills: test/systemd/whatsapp.test.ts.) The tests follow each other.

const [GROUP] = CHATS
const START_MS = 60_000
const CHILD = join(import.meta.dirname, '../../../adapters/chat/whatsapp-child.ts')

describe('WhatsApp behind a socket', () => {
  let stand: WhatsAppStand
  let channel: Channel
  let socket: string
  const states: { isUp: boolean; isFinal: boolean; why: string }[] = []
  const isUp = () => states.at(-1)?.isUp === true
  let served: Socket | null = null
  let refused = 0
  const server = createServer({ pauseOnConnect: true }, connection => {
    connection.on('error', () => {})
    if (served !== null) {
      refused += 1
      return connection.destroy()
    }
    served = connection
    const words = [CHILD, stand.folder, '', ...stand.spec.browserArgs]
    const env = { PATH: process.env.PATH, HOME: stand.folder }
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'ignore', connection] })
    child.once('spawn', () => connection.destroy())
    child.once('exit', () => {
      served = null
    })
  })

  before(async () => {
    stand = await startWhatsAppStand({ keepAliveMs: 600_000 })
    socket = join(stand.folder, '..', `${process.pid}-whatsapp.sock`)
    await new Promise<void>(resolve => server.listen(socket, resolve))
    process.env.HEALD_WHATSAPP = socket
    channel = await stand.open({ onState: state => void states.push(state) }, { lastPauseMs: 3000, calmMs: 0 })
  })
  after(async () => {
    await channel.close()
    server.close()
    await stand.close()
  })

  const post = (key: string) =>
    channel.post(GROUP, plainMessage(key), { key, isAgain: false, isSilent: false, replyTo: null })
  const pair = () => {
    const view = { showQr: () => stand.fake.scan(), showCode: () => {}, showTrouble: () => {} }
    const tools = { folder: '/nowhere', socket, signal: AbortSignal.timeout(60_000) }
    return pairWhatsApp(stand.spec, tools, view, { keepMs: 500 })
  }
  /** While the bot looks now and then whether a device was linked, it may take more than one try. */
  const pairs = async () => {
    await until('it is paired', () =>
      pair().then(
        () => true,
        error => error.code !== 'whatsapp.failed' && Promise.reject(error),
      ),
    )
    await until('it is up', isUp, START_MS)
  }

  test('a child says that no device is linked; it starts no browser', async () => {
    await until('it is told', () => states.some(({ isFinal }) => isFinal))
    assert.match(states.at(-1)?.why ?? '', /no WhatsApp device is linked.*`heald whatsapp pair`/)
    assert.equal(stand.fake.pages(), 0)
    assert.equal(existsSync(join(stand.folder, 'session')), false)
  })

  test('once a device is paired there, the bot comes up by itself, and posts', async () => {
    await pairs()
    assert.equal((await post('one')).verdict, 'done')
    assert.equal(stand.fake.account.messages.size, 1)
  })

  test('while the bot is served nobody else is; a pairing says so', async () => {
    const before = refused
    await assert.rejects(pair(), { code: 'whatsapp.failed', message: /somebody else uses it/ })
    assert.ok(refused > before)
    assert.equal((await post('two')).verdict, 'done')
  })

  test('killed, it is told as down, and another one comes', async () => {
    states.length = 0
    const child = pidOf(stand.folder, 'child')
    process.kill(child, 'SIGKILL')
    await until('it is down', () => states.some(state => !state.isUp && !state.isFinal))
    await until('it is up', isUp, START_MS)
    assert.notEqual(pidOf(stand.folder, 'child'), child)
    assert.equal((await post('three')).verdict, 'done')
  })

  test('unlinked at the telephone, the child forgets the session; it can be paired anew', async () => {
    states.length = 0
    stand.fake.unlink()
    await until('it is told', () => states.some(({ isFinal, why }) => isFinal && /has unlinked this device/.test(why)))
    await until('it is forgotten', () => !existsSync(join(stand.folder, 'paired')))
    assert.ok(!existsSync(join(stand.folder, 'session')))
    await pairs()
    assert.equal((await post('four')).verdict, 'done')
  })

  test('closed, it leaves nothing that runs', async () => {
    await channel.close()
    await until('nothing runs', () => processesOf(stand.folder).length === 0)
  })

  test('orders that make no sense harm nothing, and a second opening opens nothing', async () => {
    rmSync(join(stand.folder, 'paired'))
    await until('somebody else is let in', () => served === null)
    const stream = connect(socket)
    const reports: Report[] = []
    listen(stream, value => reports.push(value as Report))
    stream.write(
      'no json\n{"order":"open","folder":"/etc"}\n{"order":"open","pairing":{"phoneNumber":"--x","keepMs":1}}\n',
    )
    say(stream, { order: 'ping', id: 7 })
    await until('it is answered', () => reports.length > 0)
    assert.deepEqual(reports, [{ report: 'answer', id: 7, answer: { is: 'failed', detail: 'it is not connected' } }])
    const pages = stand.fake.pages()
    const pairing = { phoneNumber: null, keepMs: 500 }
    for (let n = 0; n < 3; n += 1) say(stream, { order: 'open', pairing })
    await until('a code', () => reports.some(({ report }) => report === 'qr'), START_MS)
    say(stream, { order: 'open', pairing })
    stand.fake.newCode()
    await until('another code', () => reports.filter(({ report }) => report === 'qr').length >= 2)
    assert.equal(stand.fake.pages() - pages, 1)
    assert.deepEqual(
      reports.filter(({ report }) => report !== 'qr' && report !== 'answer'),
      [],
    )
    stream.destroy()
    await until('nothing runs', () => processesOf(stand.folder).length === 0)
  })

  test('a socket that is not there is named by its fault', async () => {
    process.env.HEALD_WHATSAPP = join(stand.folder, 'none')
    const whys: string[] = []
    const other = await stand.open({ onState: ({ why }) => void whys.push(why) })
    await until('it is told', () => whys.some(why => /its socket can't be reached \(ENOENT\)/.test(why)))
    await other.close()
  })
})
