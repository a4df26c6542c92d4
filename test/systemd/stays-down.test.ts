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
  alarm: { kind: 'telegram', api: `http://127.0.0.1:${PORT}`, chat: '-100', credential: 'telegram' },
}

for (const [how, program] of [
  ['never says that it stands', '/bin/sleep 100000'],
  ['stands and is stuck', '/bin/sh -c "systemd-notify --ready; exec sleep 100000"'],
] as const) {
  test(`a heald that ${how} is given up, and a chat is told`, { timeout: 120_000 }, async t => {
    if (missing !== null) return t.skip(missing)
    const machine = await startMachine(t)
    await putUnits(machine, program)
    await machine.must('systemctl', 'start', 'chat')
    await machine.must('systemctl', 'start', '--no-block', 'heald')
    await isTold(machine, 60_000)
    assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'failed')
  })
}

test('a chat that can’t be reached yet is told later', { timeout: 120_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await putUnits(machine, '/bin/false')
  await machine.run('systemctl', 'start', 'heald')
  const tries = async () => Number((await machine.show('heald-failed', 'NRestarts')).NRestarts)
  await until('a second run of the sender', async () => (await tries()) > 0, 40_000)
  await machine.must('systemctl', 'start', 'chat')
  await isTold(machine, 30_000)
  const { Wants, After } = await machine.show('heald-failed', 'Wants', 'After')
  assert.match(Wants ?? '', /network-online\.target/)
  assert.match(After ?? '', /network-online\.target/)
})

test('it is tried again, and once what was wrong is mended it runs', { timeout: 120_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const mended = join(machine.shared, 'mended')
  await putUnits(machine, `/bin/sh -c "[ -e ${mended} ] || exit 1; systemd-notify --ready; exec sleep 100000"`, 0.5)
  await machine.must('systemctl', 'start', 'chat')
  await machine.run('systemctl', 'start', 'heald')
  await isTold(machine, 30_000)
  assert.match(told(machine), /it is tried again after 10 minutes, and so on until it runs/)
  writeFileSync(mended, '')
  await until('it to run', async () => (await machine.show('heald', 'ActiveState')).ActiveState === 'active', 30_000)
})

test('it is tried again for as long as it fails, and not at all when a person was quicker', {
  timeout: 120_000,
}, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await putUnits(machine, '/bin/false', 0.5)
  await machine.must('systemctl', 'start', 'heald-again')
  assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'inactive', 'it has not failed')
  await machine.run('systemctl', 'start', 'heald')
  // More often than systemd starts a unit in a short while by default.
  await until('it to be tried again and again', async () => (await tries(machine)) > 8, 60_000)
})

/** How often heald was tried again. */
async function tries(machine: Machine): Promise<number> {
  const log = await machine.must('journalctl', '-q', '-o', 'cat', '-u', 'heald-again')
  return log.match(/^Finished /gm)?.length ?? 0
}

const toldFile = (machine: Machine) => join(machine.shared, 'told')
const told = (machine: Machine) => (existsSync(toldFile(machine)) ? readFileSync(toldFile(machine), 'utf8') : '')

async function isTold(machine: Machine, withinMs: number): Promise<void> {
  await until('a chat to be told', () => /machine: heald is down/.test(told(machine)), withinMs).catch(async error => {
    throw new Error(`${error}\n${await machine.must('journalctl', '-q', '-u', 'heald', '-u', 'heald-failed')}`)
  })
}

/** heald's units as installed, in quick time, with `program` in heald's place, which is tried again after `againS`. */
async function putUnits(machine: Machine, program: string, againS = 600): Promise<void> {
  const chat = join(machine.shared, 'chat.mjs')
  writeFileSync(chat, CHAT)
  const credentials = join(machine.root(), 'etc/heald/credentials')
  mkdirSync(credentials, { recursive: true })
  writeFileSync(join(credentials, 'telegram'), '123:token\n', { mode: 0o600 })
  await machine.units({
    'chat.service': `[Service]\nExecStart=${process.execPath} ${chat} ${toldFile(machine)}\n`,
    'heald.service': quick(coreUnit(PLAN))
      .replace(/^ExecStart=.*$/m, `ExecStart=${program}`)
      .replace('NotifyAccess=main', 'NotifyAccess=all'),
    // A request takes as long as ever; the pause after it is quick.
    'heald-again.service': againUnit(PLAN).replace('sleep 600', `sleep ${againS}`),
    'heald-failed.service': alarmUnit(PLAN, join(INSTALLED, 'core/install/sender.ts')).replace(
      'RestartSec=30',
      'RestartSec=500ms',
    ),
  })
}

function quick(unit: string): string {
  return unit.replaceAll(/Sec=(\d+)(min)?$/gm, (_, value: string, minutes: string | undefined) => {
    return `Sec=${Math.ceil((Number(value) * (minutes === undefined ? 1000 : 60_000)) / 60)}ms`
  })
}
