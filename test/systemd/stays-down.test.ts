import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { againUnit, alarmUnit, coreUnit, type InstallPlan } from '../../core/install/unit-text.ts'
import { until } from '../until.ts'
import { INSTALLED, INSTALLED_NODE, type Machine, machineIsMissing, startMachine } from './machine.ts'

// What heald's units do with a heald that does not come up. A second stands for a minute of theirs.

const missing = machineIsMissing()
const PORT = 8124
/** In the place of heald's own `StartLimitBurst`, where it is to be given up soon. */
const STARTS_A_TRY = 2
const CHAT = `
import { createServer } from 'node:http'
import { appendFileSync } from 'node:fs'
createServer((request, response) => {
  request.on('data', more => appendFileSync(process.argv[2], more + '\\n'))
  request.on('end', () => response.end('{"ok":true}'))
}).listen(${PORT}, '127.0.0.1')
`
const PLAN: InstallPlan = {
  program: [INSTALLED_NODE, join(INSTALLED, 'heald.js')],
  config: '/etc/heald/heald.yaml',
  host: 'machine',
  hasSubgroups: false,
  bot: null,
  alarm: {
    kind: 'telegram',
    api: `http://127.0.0.1:${PORT}`,
    chat: '-100',
    tokenFile: '/etc/heald/credentials/telegram',
  },
}

for (const [how, program] of [
  ['never says that it stands', '/bin/sleep 100000'],
  ['stands and is stuck', '/bin/sh -c "systemd-notify --ready; exec sleep 100000"'],
] as const) {
  test(`a heald that ${how} is given up, and a chat is told`, { timeout: 240_000 }, async t => {
    if (missing !== null) return t.skip(missing)
    const machine = await startMachine(t)
    await putUnits(machine, program)
    await machine.must('systemctl', 'start', 'chat')
    await machine.must('systemctl', 'start', '--no-block', 'heald')
    await isTold(machine, 60_000)
    assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'failed')
  })
}

test('a chat that can’t be reached yet is told later', { timeout: 240_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await putUnits(machine, '/bin/false')
  await machine.run('systemctl', 'start', 'heald')
  const tries = async () => Number((await machine.show('heald-failed', 'NRestarts')).NRestarts)
  await until('a second run of the sender', async () => (await tries()) > 0)
  await machine.must('systemctl', 'start', 'chat')
  await isTold(machine, 30_000)
  const { Wants, After } = await machine.show('heald-failed', 'Wants', 'After')
  assert.match(Wants ?? '', /network-online\.target/)
  assert.match(After ?? '', /network-online\.target/)
})

test('it is tried again for as long as it fails, told of more and more rarely, and told when it is back', {
  timeout: 240_000,
}, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const [mended, tried] = [join(machine.shared, 'mended'), join(machine.shared, 'tried')]
  const begin = `echo >>${tried}; [ -e ${mended} ] || exit 1; systemd-notify --ready; exec sleep 100000`
  await putUnits(machine, `/bin/sh -c "${begin}"`, 0.5)
  await machine.must('systemctl', 'start', 'chat')
  await machine.must('systemctl', 'start', 'heald-again')
  assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'inactive', 'it has not failed')
  await machine.run('systemctl', 'start', 'heald')
  await isTold(machine, 30_000)
  assert.match(told(machine), /it is tried again every 10 minutes until it runs, and you are told more and more rarely/)
  // More often than systemd starts a unit in a short while by default.
  const tries = () => readFileSync(tried, 'utf8').length / STARTS_A_TRY
  await until('it to be tried again and again', () => tries() > 8)
  const downs = () => told(machine).match(/heald is down/g)?.length ?? 0
  await until('the eighth failure to be told', () => downs() === 4)
  assert.doesNotMatch(told(machine), /heald is back/)
  writeFileSync(mended, '')
  await until('it to be told as back', () => /machine: heald is back/.test(told(machine)))
  assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'active')
  assert.equal((await machine.show('heald-again', 'ActiveState')).ActiveState, 'inactive', 'its work is done')
  assert.ok(downs() <= 5, `${downs()} messages of ${tries()} failures`)
})

test('a person who mends it, or stops it, is not disturbed', { timeout: 240_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await putUnits(machine, '/bin/false', 600)
  await machine.must('systemctl', 'start', 'chat')
  await machine.run('systemctl', 'start', 'heald')
  await isTold(machine, 30_000)
  await putUnits(machine, '/bin/false', 0.2)
  await machine.must('systemctl', 'stop', 'heald', 'heald-again')
  await machine.must('systemctl', 'reset-failed', 'heald')
  await machine.must('systemctl', 'start', 'heald-again')
  assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'inactive')
  assert.doesNotMatch(told(machine), /heald is back/)
})

const toldFile = (machine: Machine) => join(machine.shared, 'told')
const told = (machine: Machine) => (existsSync(toldFile(machine)) ? readFileSync(toldFile(machine), 'utf8') : '')

async function isTold(machine: Machine, withinMs: number): Promise<void> {
  await until('a chat to be told', () => /machine: heald is down/.test(told(machine)), withinMs).catch(async error => {
    throw new Error(`${error}\n${await machine.must('journalctl', '-q', '-u', 'heald', '-u', 'heald-failed')}`)
  })
}

/**
 * heald's units as installed, in quick time, with `program` in heald's place. `againS`: it is given up soon, and tried again
 * after so long.
 */
async function putUnits(machine: Machine, program: string, againS?: number): Promise<void> {
  const chat = join(machine.shared, 'chat.mjs')
  writeFileSync(chat, CHAT)
  const credentials = join(machine.root(), 'etc/heald/credentials')
  mkdirSync(credentials, { recursive: true })
  writeFileSync(join(credentials, 'telegram'), '123:token\n', { mode: 0o600 })
  await machine.units({
    'chat.service': `[Service]\nExecStart=${process.execPath} ${chat} ${toldFile(machine)}\n`,
    'heald.service': quick(coreUnit(PLAN))
      .replace(/^ExecStart=.*$/m, `ExecStart=${program}`)
      .replace('NotifyAccess=main', 'NotifyAccess=all')
      .replace(/(?<=StartLimitBurst=)\d+/, burst => (againS === undefined ? burst : String(STARTS_A_TRY)))
      // What stands in heald's place gives no signs of life.
      .replace(/^WatchdogSec=.*$/m, line => (againS === undefined ? line : '')),
    // A request takes as long as ever; the pause after it is quick.
    'heald-again.service': againUnit(PLAN)
      .replace('sleep 600', `sleep ${againS ?? 600}`)
      .replaceAll('sleep 60 ', `sleep ${(againS ?? 600) / 10} `),
    'heald-failed.service': sender('down'),
    'heald-back.service': sender('back'),
  })
}

const sender = (of: 'down' | 'back') =>
  alarmUnit(PLAN, join(INSTALLED, 'core/install/sender.ts'), of).replace('RestartSec=30', 'RestartSec=500ms')

function quick(unit: string): string {
  return unit.replaceAll(/Sec=(\d+)(min)?$/gm, (_, value: string, minutes: string | undefined) => {
    return `Sec=${Math.ceil((Number(value) * (minutes === undefined ? 1000 : 60_000)) / 60)}ms`
  })
}
