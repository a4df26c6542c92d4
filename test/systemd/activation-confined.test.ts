import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { currentOf, makeReleases } from '../adapters/host/releases-stand.ts'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()
const MOVED = 'etc/heald-activated'

test('what heald activates is not confined as heald is, and not ended with it', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const out = (name: string) => join(machine.shared, name)
  const said = (name: string) => (existsSync(out(name)) ? readFileSync(out(name), 'utf8').trim() : '')
  // It says that it began, waits until it may go on, and writes where only who is not confined can.
  const go = `#!/bin/sh
echo $$ > ${out('began')}-$HEALD_GENERATION
setsid sleep 1005 &
while [ -e ${out('wait')} ] && [ "$HEALD_GENERATION" -gt 2 ]; do sleep 0.05; done
echo $HEALD_GENERATION > /${MOVED} && echo $HEALD_GENERATION > ${out('activated')}
`
  const path = makeReleases(out('app'), 4, { go, bad: '' })
  // The folder of the shell is the first in which a dead-man looks for its programs: so its minutes pass in seconds.
  mkdirSync(out('bin'))
  const hurried = `[ "$1" != 1 ] || ! [ -e ${out('hurry')} ] || set -- 0.005\nexec /bin/sleep "$@"`
  for (const [name, text] of [
    ['sh', 'exec /bin/sh "$@"'],
    ['sleep', hurried],
  ] as const)
    writeFileSync(out(`bin/${name}`), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  const heald = healdInside(machine, {
    env: { PATH: `${out('bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` },
    unit: `ProtectSystem=strict\nReadWritePaths=${machine.shared} /run\nNoNewPrivileges=yes\n`,
  })
  heald.configure({
    host: 'machine',
    services: {
      app: { run: ['sleep', '100000'], target: 'app', health: { exec: ['true'], every: '200ms', timeout: '200ms' } },
    },
    targets: { app: { kind: 'releases', path, activate: ['./go'], activationDeadline: '20s' } },
    switch: { probation: '1s', passes: 2, deadMan: '90s', budget: { perHour: 100, perDay: 100 } },
  })
  await heald.up()
  const known = () => heald.json<{ targets: { state: string; knownGood: { generation: string } | null }[] }>('status')
  const restsOn = (generation: string) =>
    until(
      `the target to rest on ${generation}`,
      async () => {
        const [target] = (await known()).targets
        const isThere = target?.state === 'idle' && currentOf(path) === `releases/${generation}`
        return isThere && said('activated') === generation
      },
      30_000,
    ).catch(async error => {
      const lines = heald.entries().slice(-20)
      throw new Error(`${error}\n${lines.map(e => `${e.kind} ${JSON.stringify(e.data)}`).join('\n')}`)
    })
  await until('what runs to be known as good', async () => (await known()).targets[0]?.knownGood?.generation === '1')
  const units = () => machine.must('systemctl', 'list-units', '--plain', '--no-legend', 'heald-switch-*')

  await t.test('it writes where heald can not', async () => {
    const asHeald = await machine.run(
      'sh',
      '-c',
      `nsenter -t $(systemctl show -P MainPID heald-test) -m touch /${MOVED}`,
    )
    assert.notEqual(asHeald.code, 0, 'heald itself can not')
    const { code, stdout, stderr } = await heald.cli('deploy', 'app', '2')
    assert.equal(code, 0, stdout + stderr)
    assert.equal(readFileSync(join(machine.root(), MOVED), 'utf8'), '2\n')
    await restsOn('2')
  })

  await t.test('it goes on when the unit of heald is stopped, and the next heald ends the switch safely', async () => {
    writeFileSync(out('wait'), '')
    const order = heald.cli('deploy', 'app', '3')
    await until('it to begin', () => said('began-3') !== '')
    await machine.must('systemctl', 'stop', 'heald-test')
    assert.equal((await machine.run('test', '-d', `/proc/${said('began-3')}`)).code, 0, 'it goes on')
    await machine.must('rm', out('wait'))
    await until('it to end', () => said('activated') === '3')
    await heald.up()
    await restsOn('2')
    assert.match((await order).stdout, /app was rolled back to 2/)
  })

  await t.test('one that still runs when another heald begins is ended first', async () => {
    writeFileSync(out('wait'), '')
    const order = heald.cli('deploy', 'app', '4')
    await until('it to begin', () => said('began-4') !== '')
    await heald.strike()
    await heald.up()
    await restsOn('2')
    assert.match((await order).stdout, /app was rolled back to 2/)
    assert.notEqual((await machine.run('test', '-d', `/proc/${said('began-4')}`)).code, 0, 'it was ended')
    assert.equal(await units(), '')
  })

  await t.test('no heald comes: the dead-man ends it, with all of its group, and leads back', async () => {
    const strays = async () => (await machine.run('pgrep', '-c', '-f', 'sleep 1005')).stdout.trim()
    await machine.run('pkill', '-f', 'sleep 1005')
    await machine.must('rm', '-f', out('began-3'))
    writeFileSync(out('wait'), '')
    const order = heald.cli('deploy', 'app', '3', '--force')
    await until('it to begin', () => said('began-3') !== '')
    await until('its stray', async () => (await strays()) === '1')
    await heald.strike()
    writeFileSync(out('hurry'), '')
    await until('the dead-man to lead back', () => currentOf(path) === 'releases/2')
    await until('the activation that it runs', async () => (await units()) === '')
    assert.notEqual((await machine.run('test', '-d', `/proc/${said('began-3')}`)).code, 0, 'it was ended')
    await until('only what that one has left', async () => (await strays()) === '1')
    await heald.up()
    await heald.entry('what it did', e => e.kind === 'deadman.fired')
    await restsOn('2')
    assert.match((await order).stdout, /app was rolled back to 2/)
  })
  await heald.verified()
})
