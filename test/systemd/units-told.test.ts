import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../until.ts'
import { chatsInside } from './chats-inside.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

// What happens to a unit is healed, recorded and told in every chat, by a bot that is a unit itself. Units that the kernel kills for
// lack of memory have a test of their own, and so have switches.

const missing = machineIsMissing()

test('each way in which a unit ends is told in the chats', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const chats = await chatsInside(t, machine)
  const [beat, bad] = [join(machine.shared, 'beat'), join(machine.shared, 'bad')]
  await machine.units({
    'plain.service': '[Service]\nExecStart=/bin/sleep 100000\n',
    'beats.service': `[Service]\nExecStart=/bin/sh -c "while :; do touch ${beat}; sleep 0.1; done"\n`,
    'watched.service':
      '[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=500ms\nRestart=on-failure\nRestartSec=0\n' +
      'ExecStart=/bin/sh -c "systemd-notify --ready; while :; do systemd-notify WATCHDOG=1; sleep 0.1; done"\n',
    'loops.service':
      '[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=4\n' +
      `[Service]\nRestart=always\nRestartSec=0\nExecStart=/bin/sh -c "[ -e ${bad} ] && exit 3; exec sleep 100000"\n`,
  })
  const names = ['plain', 'beats', 'watched', 'loops']
  await machine.must('systemctl', 'start', ...names)
  const heald = healdInside(machine, { hasBot: true })
  const health = { file: beat, maxAge: '400ms', every: '200ms', timeout: '100ms', failures: 2 }
  const quick = { crashLoop: { failures: 3 }, restart: { backoff: { base: '100ms', cap: '1s' } } }
  heald.configure({
    host: 'machine',
    services: {
      plain: { unit: 'plain.service' },
      beats: { unit: 'beats.service', health },
      watched: { unit: 'watched.service' },
      loops: { unit: 'loops.service', ...quick },
    },
    ...chats.settings,
  })
  await heald.up()
  await chats.up()
  await until('the bot to reach its chats', () => heald.of('channel.up').length >= 3, 30_000, 100)
  for (const name of names)
    await until(`${name} to be ready`, async () => (await heald.service(name)).state === 'ready')
  const told = async (name: string, why: RegExp) => {
    await heald.entry(`${name} to be well`, e => e.kind === 'service.recovered' && e.svc === name)
    // Of several that end at once a card tells together.
    const isWell = new RegExp(`Resolved: ${name} on machine|well again after .* · ${name}:`)
    await chats.everywhere(`the end of ${name}`, isWell, why)
  }
  const signal = (name: string, which: string) =>
    machine.must('systemctl', 'kill', '-s', which, '--kill-who=main', name)

  await t.test('killed', async () => {
    await signal('plain', 'KILL')
    await told('plain', /killed by SIGKILL/i)
  })

  await t.test('hung, by our check', async () => {
    await signal('beats', 'STOP')
    await told('beats', /did not answer its health check/)
  })

  await t.test('hung, by its WatchdogSec', async () => {
    await signal('watched', 'STOP')
    await told('watched', /WatchdogSec/)
  })

  await t.test('started too often for systemd', async () => {
    writeFileSync(bad, '')
    await signal('loops', 'KILL')
    await heald.entry('systemd to give up', e => e.svc === 'loops' && /given up/.test(String(e.data.cause)))
    await chats.everywhere('that it loops', /loops/, /crash loop/i)
    rmSync(bad)
    await until('it to run', async () => (await heald.service('loops')).pid !== null)
  })
  await heald.verified()
})
