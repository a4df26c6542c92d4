import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { encode } from 'uqr'
import { type PairingTimes, type PairingView, pairWhatsApp } from '../../../adapters/chat/whatsapp-pair.ts'
import { pidOf, processesOf } from '../../fakes/whatsapp/processes.ts'
import { startWhatsAppStand, type WhatsAppStand } from '../../fakes/whatsapp/stand.ts'
import { until } from '../../until.ts'

let stand: WhatsAppStand
before(async () => {
  stand = await startWhatsAppStand({ codeMs: 600_000 })
})
after(() => stand.close())

function pair(view: Partial<PairingView>, times: Partial<PairingTimes> = {}, signal = AbortSignal.timeout(60_000)) {
  const whole = { showQr: () => {}, showCode: () => {}, showTrouble: () => {}, ...view }
  return pairWhatsApp(stand.spec, { folder: stand.folder, socket: null, signal }, whole, { keepMs: 500, ...times })
}
const isMarked = () => existsSync(join(stand.folder, 'paired'))

/** The modules of a code drawn in half blocks: two rows a line. */
function modulesIn(drawn: string): boolean[][] {
  const half = { ' ': [false, false], '▀': [true, false], '▄': [false, true], '█': [true, true] } as const
  return drawn.split('\n').flatMap(line => {
    const pairs = [...line].map(sign => half[sign as keyof typeof half])
    return [pairs.map(([top]) => top), pairs.map(([, bottom]) => bottom)]
  })
}

test('what is no telephone number is refused before anything is started', async () => {
  await assert.rejects(pair({ phoneNumber: '+1 555' }), { code: 'whatsapp.number' })
  assert.deepEqual(processesOf(stand.folder), [])
})

test('when the bot and its child are killed, nothing that it has started stays', async () => {
  const program = `
    const [, adapters, folder, spec] = process.argv
    const { placeOf } = await import(adapters + '/whatsapp-place.ts')
    const { startSession } = await import(adapters + '/whatsapp-session.ts')
    const place = placeOf(JSON.parse(spec), folder, null)
    startSession({ place, pairing: { phoneNumber: null, keepMs: 500 }, onEnd: () => {}, onReport: () => {} })`
  const adapters = join(import.meta.dirname, '../../../adapters/chat')
  const args = [adapters, stand.folder, JSON.stringify(stand.spec)]
  const pages = stand.fake.pages()
  const bot = spawn(process.execPath, ['--input-type=module', '-e', program, ...args], { stdio: 'ignore' })
  await until('the browser has loaded the page', () => stand.fake.pages() > pages)
  // The child, too, so that only the pipe to the browser is left to tell it.
  const child = pidOf(stand.folder, 'child')
  bot.kill('SIGKILL')
  process.kill(child, 'SIGKILL')
  await until('nothing runs', () => processesOf(stand.folder).length === 0)
})

test('a browser that ends at once is told, not tried for ever', async () => {
  const spec = { ...stand.spec, browser: '/bin/true' }
  const view = { showQr: () => {}, showCode: () => {}, showTrouble: () => {} }
  const pairing = pairWhatsApp(spec, { folder: stand.folder, socket: null, signal: AbortSignal.timeout(60_000) }, view)
  await assert.rejects(pairing, { code: 'whatsapp.failed', message: /^WhatsApp Web could not be used: \S/ })
  assert.deepEqual(processesOf(stand.folder), [])
})

test('a number gets a code to type; stopped, nothing is left', async () => {
  const stop = new AbortController()
  const codes: string[] = []
  const pairing = pair({ phoneNumber: '15550001111', showCode: code => void codes.push(code) }, {}, stop.signal)
  const refused = assert.rejects(pairing, { code: 'whatsapp.stopped' })
  await until('a code', () => codes.length > 0)
  assert.deepEqual(codes, ['ABCD1234'])
  stop.abort()
  await refused
  assert.deepEqual(processesOf(stand.folder), [])
  assert.equal(isMarked(), false)
})

test('codes that stop coming are asked for anew; the one that is scanned links the device', async () => {
  const drawn: { text: string; ref: string | null }[] = []
  const pages = stand.fake.pages()
  const pairing = pair(
    { showQr: text => void drawn.push({ text, ref: stand.fake.qrRef() }) },
    // The server shows no second code by itself: without a new page there would be only one.
    { codeMs: 1500 },
  )
  await until('a code of a second page', () => drawn.length >= 2)
  assert.equal(stand.fake.pages() - pages, 2)
  assert.equal(isMarked(), false)
  for (let n = 0; n < 4; n += 1) {
    await new Promise(resolve => setTimeout(resolve, 600))
    const old = stand.fake.qrRef()
    stand.fake.newCode()
    await until('a new code of the same page', () => drawn.at(-1)?.ref !== old)
  }
  assert.equal(stand.fake.pages() - pages, 2, 'a page whose codes come is left alone')
  stand.fake.scan()
  await pairing
  assert.equal(new Set(drawn.map(({ text }) => text)).size, drawn.length)
  for (const { text, ref } of drawn) {
    const base64 = (value: Uint8Array | string) => Buffer.from(value).toString('base64')
    const keys = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2), 'a secret key of thirty-two bytes'].map(
      base64,
    )
    const { data } = encode([ref, ...keys, '1'].join(','))
    const modules = modulesIn(text)
    // Dark is drawn as nothing, or the other way round; an odd number of rows leaves half a line.
    const isSame = (dark: boolean) => data.every((row, y) => row.every((one, x) => modules[y]?.[x] === (one === dark)))
    assert.ok(isSame(true) || isSame(false), `${text}\nis not the code of ${ref}`)
  }
})

test('the session is kept for us alone, with no process left', () => {
  const mode = (...path: string[]) => statSync(join(stand.folder, ...path)).mode & 0o777
  assert.deepEqual([mode(), mode('paired')], [0o700, 0o600])
  assert.ok(existsSync(join(stand.folder, 'session')))
  assert.deepEqual(processesOf(stand.folder), [])
})

test('a linked device is not paired over', async () => {
  await assert.rejects(pair({}), { code: 'whatsapp.paired' })
  assert.equal(isMarked(), true)
})

test('a browser that is not there is named', async () => {
  const spec = { ...stand.spec, browser: join(stand.folder, 'no-browser') }
  const pairing = pairWhatsApp(
    spec,
    { folder: stand.folder, socket: null, signal: AbortSignal.timeout(5000) },
    { showQr: () => {}, showCode: () => {}, showTrouble: () => {} },
  )
  await assert.rejects(pairing, { code: 'whatsapp.browser' })
})
