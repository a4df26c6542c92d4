import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PairingTimes, pairWhatsApp } from '../../../adapters/chat/whatsapp-pair.ts'
import { pidOf, processesOf } from '../../fakes/whatsapp/processes.ts'
import { startWhatsAppStand } from '../../fakes/whatsapp/stand.ts'
import { until } from '../../until.ts'

// A pairing that meets with trouble half-way: a unit that is not there or hangs up, a child or a pairing that is killed.

const CHILD = join(import.meta.dirname, '../../../adapters/chat/whatsapp-child.ts')
const START_MS = 60_000
/** A page of a linked device is left so long before the session is written down. */
const KEEP_MS = 3000

async function site(t: TestContext) {
  const stand = await startWhatsAppStand({ keepAliveMs: 600_000, codeMs: 600_000 })
  const stop = new AbortController()
  t.after(async () => {
    stop.abort()
    await until('nothing runs', () => processesOf(stand.folder).length === 0)
    await stand.close()
  })
  const codes: string[] = []
  const troubles: string[] = []
  const view = {
    showQr: (text: string) => void codes.push(text),
    showCode: () => {},
    showTrouble: (text: string) => void troubles.push(text),
  }
  const pair = (socket: string | null, times: Partial<PairingTimes> = {}) => {
    const pairing = pairWhatsApp(stand.spec, { folder: stand.folder, socket, signal: stop.signal }, view, times)
    pairing.catch(() => {})
    return pairing
  }
  return { ...stand, codes, troubles, pair, isMarked: () => existsSync(join(stand.folder, 'paired')) }
}

for (const how of ['is not there', 'hangs up'] as const) {
  test(`a unit that ${how} is told at once, and the pairing goes on once it serves`, async t => {
    const { folder, spec, fake, codes, troubles, pair, isMarked } = await site(t)
    const socket = join(folder, 'socket')
    let isServing = false
    let asked = 0
    const server = createServer({ pauseOnConnect: true }, (connection: Socket) => {
      asked += 1
      connection.on('error', () => {})
      if (!isServing) return connection.destroy()
      const env = { PATH: process.env.PATH, HOME: folder }
      const words = [CHILD, folder, '', ...spec.browserArgs]
      const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'ignore', connection] })
      child.once('spawn', () => connection.destroy())
    })
    t.after(() => server.close())
    const listens = () => new Promise<void>(resolve => server.listen(socket, resolve))
    if (how === 'hangs up') await listens()
    const pairing = pair(socket, { keepMs: 500 })
    await until('it to be told', () => troubles.length > 0, 900)
    const [why, hint] =
      how === 'hangs up'
        ? [/its unit has hung up: somebody else uses it, or it does not start/, /heald status.*journalctl/]
        : [/its socket can't be reached \(ENOENT\)/, /systemctl start heald-whatsapp\.socket/]
    assert.match(troubles.join(), why)
    assert.match(troubles.join(), hint)
    if (how === 'hangs up') await until('it to try again', () => asked >= 4)
    // For longer than what hangs up is borne with.
    else await sleep(10_000)
    isServing = true
    if (how === 'is not there') await listens()
    await until('a code', () => codes.length > 0, START_MS)
    fake.scan()
    await pairing
    assert.equal(troubles.length, 1, 'told once')
    assert.ok(isMarked())
  })
}

test('what can’t be reached in all the time that a pairing has is named in the end, too', async t => {
  const { folder, pair } = await site(t)
  const message = /its socket can't be reached \(ENOENT\)/
  await assert.rejects(pair(join(folder, 'socket'), { allMs: 2500 }), { code: 'whatsapp.failed', message })
})

for (const moment of ['while its code is shown', 'before the session is kept'] as const) {
  test(`a child that is killed ${moment} is told, and another one pairs`, async t => {
    const { folder, fake, codes, troubles, pair, isMarked } = await site(t)
    const pairing = pair(null, { keepMs: KEEP_MS })
    await until('a code', () => codes.length > 0, START_MS)
    if (moment !== 'while its code is shown') await linked(fake)
    process.kill(pidOf(folder, 'child'), 'SIGKILL')
    const before = codes.length
    await until('another code', () => codes.length > before, START_MS)
    assert.match(troubles.join(), /its process ended with SIGKILL/)
    assert.equal(isMarked(), false)
    fake.scan()
    await pairing
    assert.ok(isMarked())
    assert.deepEqual(processesOf(folder), [])
  })

  test(`a pairing that is killed ${moment} leaves nothing, and the next one pairs`, async t => {
    const { folder, spec, fake, codes, pair, isMarked } = await site(t)
    const program = `
      const [, module, folder, spec] = process.argv
      const { pairWhatsApp } = await import(module)
      const view = { showQr: () => console.log('code'), showCode: () => {}, showTrouble: () => {} }
      const tools = { folder, socket: null, signal: new AbortController().signal }
      await pairWhatsApp(JSON.parse(spec), tools, view, { keepMs: ${KEEP_MS} })`
    const module = join(import.meta.dirname, '../../../adapters/chat/whatsapp-pair.ts')
    const args = ['--input-type=module', '-e', program, module, folder, JSON.stringify(spec)]
    const first = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    first.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await until('a code', () => said.includes('code'), START_MS)
    if (moment !== 'while its code is shown') await linked(fake)
    first.kill('SIGKILL')
    // At once: what the first one started may still be ending.
    const pairing = pair(null, { keepMs: 500 })
    await until('a code of the next', () => codes.length > 0, START_MS)
    assert.equal(isMarked(), false)
    fake.scan()
    await pairing
    assert.ok(isMarked())
    assert.deepEqual(processesOf(folder), [])
  })
}

/** The telephone has scanned the code, and the page has taken that in. */
async function linked(fake: { scan(): void; qrRef(): string | null }): Promise<void> {
  fake.scan()
  await until('the device to be linked', () => fake.qrRef() === null)
  await sleep(KEEP_MS / 3)
}
