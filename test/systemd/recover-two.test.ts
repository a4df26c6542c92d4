import assert from 'node:assert/strict'
import { existsSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { nixIsMissing, nixStand } from '../adapters/host/nix-stand.ts'
import { currentOf, makeReleases } from '../adapters/host/releases-stand.ts'
import { until } from '../until.ts'
import { machineIsMissing } from './machine.ts'
import { makeRecoverSite } from './recover-site.ts'

// A reboot in the middle of two switches: a Nix profile that was deployed to, and a user's own releases that were being
// rolled back.

const missing = machineIsMissing() ?? nixIsMissing()
const HEALTH = { exec: ['true'], every: '200ms', timeout: '200ms' }
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

test('two switches that a reboot interrupts are both led back, also when the leading back is interrupted', async t => {
  if (missing !== null) return t.skip(missing)
  // Where the machine has it too; set once that is known.
  const targets: Record<string, object> = {
    app: { kind: 'releases', path: '/srv/app', activate: ['./go'], activationDeadline: '60s' },
  }
  const site = await makeRecoverSite(t, {
    services: {
      app: { run: ['sleep', '100000'], user: 'nobody', target: 'app', health: HEALTH },
      tools: { run: ['sleep', '100001'], target: 'tools', health: HEALTH },
    },
    targets,
  })
  const { machine, at, heald } = site
  const root = join(machine.shared, 'nix')
  mkdirSync(root)
  const nix = nixStand(t, { root })
  targets.tools = { kind: 'nix-profile', profile: nix.profile, activate: ['bin/activate'] }
  // While there is a /hold, an activation of the releases does not end.
  makeReleases(at('srv/app'), 2, { go: '#!/bin/sh\nwhile [ -e /hold ]; do sleep 0.1; done\n' })
  await machine.must('chown', '-R', 'nobody:', '/srv/app')

  // The first folder in which a dead-man looks for its programs. Some of them end all of the recovery, once, when root
  // calls them: the owner of the releases could not.
  const bin = '/usr/local/strikes'
  const strike = join(machine.shared, 'strike')
  mkdirSync(at(bin))
  for (const name of ['ln', 'mv', 'rm']) {
    const text = `#!/bin/sh
if [ "$(id -u)" = 0 ] && [ "$(cat ${strike} 2>/dev/null)" = ${name} ]; then
  /bin/rm ${strike}
  echo 1 > "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.kill"
  exec sleep 100
fi
exec /bin/${name} "$@"
`
    writeFileSync(at(bin, name), text, { mode: 0o755 })
  }
  writeFileSync(at(bin, 'sh'), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 })
  const variables = Object.entries({ ...nix.env, HOME: '/', PATH: `${bin}:${PATH}` })
  mkdirSync(at('etc/systemd/system/heald.service.d'), { recursive: true })
  const drop = `[Service]\n${variables.map(([name, value]) => `Environment="${name}=${value}"\n`).join('')}`
  writeFileSync(at('etc/systemd/system/heald.service.d/nix.conf'), drop)

  site.configure('1s')
  await site.install()
  for (const name of ['app', 'tools']) await site.known(name)
  assert.equal((await heald('deploy', 'app', '2')).code, 0)

  const pointers = () => [currentOf(at('srv/app')), realpathSync(nix.profile).replace(/.*\/[a-z0-9]{32}-/, '')]
  /** Reboots in the middle of a deploy of one and of a rollback of the other, whose move is not yet on the disk. */
  async function interrupt(back: string, left: string): Promise<number> {
    site.configure('5m')
    await machine.must('systemctl', 'restart', 'heald')
    const from = site.entries().length
    const orders = [heald('deploy', 'tools', nix.path('extra'), '--force')]
    await site.entry('switch.probation', from, 'tools')
    writeFileSync(at('hold'), '')
    orders.push(heald('rollback', 'app', '--to', back))
    await until('its pointer to be moved', () => currentOf(at('srv/app')) === `releases/${back}`)
    rmSync(at('srv/app/current'))
    symlinkSync(`releases/${left}`, at('srv/app/current'))
    assert.deepEqual(pointers(), [`releases/${left}`, 'extra'])
    await machine.reboot()
    await Promise.allSettled(orders)
    rmSync(at('hold'))
    return from
  }
  /** heald records what was done without it, and comes to rest where that led. */
  async function taken(from: number, back: string): Promise<void> {
    site.configure('1s')
    await machine.must('systemctl', 'start', 'heald')
    for (const name of ['app', 'tools']) {
      const { data } = await site.entry('deadman.fired', from, name)
      assert.deepEqual([data.result, data.why], ['done', 'the machine was booted in the middle of a switch'])
      await site.entry('rollback.verified', from, name)
      await until(`${name} to rest`, async () => (await site.target(name))?.state === 'idle')
    }
    assert.deepEqual(pointers(), [`releases/${back}`, 'good-3'])
  }

  await t.test('both pointers are led back', async () => {
    const from = await interrupt('1', '2')
    assert.deepEqual(pointers(), ['releases/1', 'good-3'])
    assert.equal((await site.recovered()).Result, 'success')
    await taken(from, '1')
  })

  await t.test('ended in its middle, the recovery goes on at the next boot', async () => {
    // Before the result of the first is written, after that, and before the pointer of the second is moved.
    const strikes = ['mv', 'rm', 'ln']
    writeFileSync(strike, strikes[0] ?? '')
    const from = await interrupt('2', '1')
    for (const next of [...strikes.slice(1), '']) {
      assert.equal((await site.recovered()).Result, 'signal', basename(next))
      assert.ok(!existsSync(strike))
      assert.deepEqual(pointers(), ['releases/2', 'extra'])
      if (next !== '') writeFileSync(strike, next)
      await machine.reboot()
    }
    assert.equal((await site.recovered()).Result, 'success')
    assert.deepEqual(pointers(), ['releases/2', 'good-3'])
    await taken(from, '2')
  })
})
