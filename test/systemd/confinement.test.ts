import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../until.ts'
import { INSTALLED, INSTALLED_NODE, machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()
/** What services do, each with exit code 0 where it works: sh, and what is there on any host. */
const DONE = {
  'a file that others may read': '[ "$(umask)" = 0022 ]',
  'programs with more rights than who calls them': "grep -q '^NoNewPrivs:.0' /proc/self/status",
  'a folder of its own for a child': 'chroot / true',
  'a container’s own name': 'unshare --uts hostname inside',
  'a container’s own users': 'unshare --user true',
  'a setting of the network': 'echo 1 > /proc/sys/net/ipv4/ip_forward',
  'a mount': 'mkdir -p /srv/mounted && mount -t tmpfs none /srv/mounted && touch /srv/mounted/here',
}

test('a service that heald runs as a unit can do what services do', { timeout: 240_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const at = (...path: string[]) => join(machine.root(), ...path)
  const said = join(machine.shared, 'said')
  const tries = Object.entries(DONE).map(([what, command]) => `(${command}) || echo "${what}" >> ${said}\n`)
  const script = join(machine.shared, 'service.sh')
  writeFileSync(script, `${tries.join('')}echo end >> ${said}\nexec sleep 100005\n`)
  mkdirSync(at('etc/heald'), { recursive: true })
  writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify({ services: { tries: { run: ['sh', script] } } }))
  const { code, stderr } = await machine.run(INSTALLED_NODE, join(INSTALLED, 'heald.js'), 'install')
  assert.equal(code, 0, stderr)
  const lines = () => (existsSync(said) ? readFileSync(said, 'utf8').trim().split('\n') : [])
  await until('it to have tried all', () => lines().includes('end'))
  assert.deepEqual(lines(), ['end'], 'what it could not do')
  assert.equal((await machine.run('test', '-e', '/srv/mounted/here')).code, 0, 'others see what it has mounted')
})
