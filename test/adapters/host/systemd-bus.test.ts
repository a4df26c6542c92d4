import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createClient, type MessageBus } from 'dbus-native'
import { openSystemdBus, pathOf } from '../../../adapters/host/systemd-bus.ts'
import { until } from '../../until.ts'
import { has } from './nix-stand.ts'
import { folder } from './releases-stand.ts'

const NAME = 'org.freedesktop.systemd1'
const OBJECT = '/org/freedesktop/systemd1'
const MANAGER = `${NAME}.Manager`
const PLAIN = pathOf('plain.service')
/** Past those that the connections give themselves. */
let serial = 1000

/** A bus where everybody may send signals to everybody, as on a distribution's. */
async function startBus(t: TestContext): Promise<string> {
  const base = folder(t)
  const config = join(base, 'bus.conf')
  writeFileSync(
    config,
    `<busconfig><listen>unix:path=${join(base, 'socket')}</listen><auth>EXTERNAL</auth>
    <policy context="default"><allow user="*"/><allow own="*"/><allow send_type="signal"/><allow send_type="method_call"/>
    <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="*"/></policy></busconfig>`,
  )
  const args = [`--config-file=${config}`, '--nofork', '--nopidfile', '--print-address']
  const child = spawn('dbus-daemon', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const [address] = (await once(child.stdout, 'data')) as [Buffer]
  return address.toString().trim()
}

function connect(t: TestContext, busAddress: string): MessageBus {
  const client = createClient({ busAddress, authMethods: ['EXTERNAL'] })
  client.connection.on('error', () => {})
  t.after(() => void client.connection.stream.destroy())
  return client
}

/** Owns systemd's name; `heald` is who subscribed last. */
async function fakeSystemd(t: TestContext, address: string) {
  const client = connect(t, address)
  const told = { client, heald: '', subscribed: 0 }
  client.setMethodCallHandler(OBJECT, MANAGER, 'Subscribe', [
    (call: { sender?: string }) => {
      told.heald = call.sender ?? ''
      told.subscribed += 1
      return null
    },
    '',
  ])
  await client.requestName(NAME, 0)
  return told
}

/** One signal to one connection alone. */
function send(from: MessageBus, to: string, signal: string, signature: string, body: unknown[], path = OBJECT): void {
  serial += 1
  const at = signal.lastIndexOf('.')
  const [of, member] = [signal.slice(0, at), signal.slice(at + 1)]
  from.connection.message({
    ...{ type: 4, serial: serial, destination: to, path },
    ...{ interface: of, member, signature, body },
  })
}

function sayAll(from: MessageBus, to: string, state: string): void {
  const properties = [['ActiveState', ['s', state]]]
  const changed = [`${NAME}.Unit`, properties, []]
  send(from, to, 'org.freedesktop.DBus.Properties.PropertiesChanged', 'sa{sv}as', changed, PLAIN)
  send(from, to, `${MANAGER}.JobRemoved`, 'uoss', [7, `${OBJECT}/job/7`, 'plain.service', state])
  send(from, to, `${MANAGER}.Reloading`, 'b', [false])
  send(from, to, `${MANAGER}.UnitNew`, 'so', ['plain.service', PLAIN])
}

/** heald's connection to `address`, and all that it has told up to a word. */
function listen(t: TestContext, address: string) {
  const before = process.env.DBUS_SYSTEM_BUS_ADDRESS
  process.env.DBUS_SYSTEM_BUS_ADDRESS = address
  t.after(() => {
    if (before === undefined) delete process.env.DBUS_SYSTEM_BUS_ADDRESS
    else process.env.DBUS_SYSTEM_BUS_ADDRESS = before
  })
  const told: string[] = []
  const bus = openSystemdBus({
    up: () => void told.push('up'),
    renewed: () => void told.push('renewed'),
    down: why => void told.push(`down: ${why}`),
    changed: (path, { ActiveState }) => void told.push(`changed ${path === PLAIN} ${ActiveState}`),
    jobRemoved: (unit, _job, result) => void told.push(`job ${unit} ${result}`),
    reloaded: () => void told.push('reloaded'),
    unitNew: () => void told.push('new'),
  })
  t.after(() => bus.close())
  const since = async (last: string) => {
    await until(last, () => told.includes(last))
    return told.splice(0)
  }
  return { bus, told, since }
}

test('only systemd itself is believed, whoever else sends what looks the same', async t => {
  if (!has('dbus-daemon')) return t.skip('needs dbus-daemon')
  const address = await startBus(t)
  const first = await fakeSystemd(t, address)
  const { since } = listen(t, address)
  assert.deepEqual(await since('up'), ['up'])

  const forger = connect(t, address)
  function forge(): void {
    sayAll(forger, first.heald, 'failed')
    for (const owner of ['', ':1.1']) {
      send(forger, first.heald, 'org.freedesktop.DBus.NameOwnerChanged', 'sss', [NAME, ':1.0', owner])
    }
  }
  forge()
  // All that the forger sent has been delivered by then.
  await forger.listNames()
  sayAll(first.client, first.heald, 'active')
  const all = ['changed true active', 'job plain.service active', 'reloaded', 'new']
  assert.deepEqual(await since('new'), all)

  await first.client.releaseName(NAME)
  assert.deepEqual(await since('renewed'), ['renewed'])
  forge()
  await forger.listNames()
  const second = await fakeSystemd(t, address)
  assert.deepEqual(await since('up'), ['renewed', 'up'], 'another one has its name')
  sayAll(first.client, second.heald, 'failed')
  await first.client.listNames()
  sayAll(second.client, second.heald, 'active')
  assert.deepEqual(await since('new'), all)
  assert.equal(second.subscribed, 1)
})

test('an answer is heard in its place among the signals, also where they come together', async t => {
  if (!has('dbus-daemon')) return t.skip('needs dbus-daemon')
  const address = await startBus(t)
  const systemd = await fakeSystemd(t, address)
  systemd.client.connection.prependListener('message', (call: { member?: string; serial: number; sender: string }) => {
    if (call.member !== 'GetAll') return
    systemd.client.sendReply(call, 'a{sv}', [[['ActiveState', ['s', 'answered']]]])
    sayAll(systemd.client, systemd.heald, 'later')
    // Nothing is read in this process until all of it has come.
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200))
  })
  const { bus, told, since } = listen(t, address)
  await since('up')
  await bus.properties(PLAIN, ({ ActiveState }) => void told.push(String(ActiveState)))
  assert.deepEqual((await since('new')).slice(0, 2), ['answered', 'changed true later'])
})
